/** Services that moved from v2beta to v2 (servers from about 4.6 have both, v5 drops v2beta): which name this server knows. */
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { AuthorizationService } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { ProjectService } from '@zitadel/proto/zitadel/project/v2beta/project_service_pb.js';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Rewrite } from './transport.ts';

interface Moved {
  readonly beta: string;
  readonly v2: string;
  /** called without a token: 401 shows that it exists */
  readonly probe: DescMethodUnary;
}

const MOVED: readonly Moved[] = [
  moved(
    'zitadel.internal_permission.v2.InternalPermissionService',
    InternalPermissionService.method.listAdministrators,
  ),
  moved('zitadel.authorization.v2.AuthorizationService', AuthorizationService.method.listAuthorizations),
  moved('zitadel.project.v2.ProjectService', ProjectService.method.listProjects),
];

function moved(v2: string, probe: DescMethodUnary): Moved {
  return { beta: probe.parent.typeName, v2, probe };
}

export interface Services {
  readonly rewrite: Rewrite;
  /** Asks the server once which names it knows; until it answers, the v2beta names are used. */
  learn(signal: AbortSignal): Promise<void>;
  /** A call returned UNIMPLEMENTED: ask again before the next one. */
  forget(): void;
}

type Presence = 'there' | 'absent' | 'unknown';

export function createServices(transportTo: (rewrite: Rewrite) => Transport): Services {
  let names: ReadonlyMap<string, string> | undefined;
  const asBeta = transportTo((service) => service);
  const asV2 = transportTo((service) => MOVED.find((each) => each.beta === service)?.v2 ?? service);

  let learning: Promise<void> | undefined;

  async function ask(signal: AbortSignal): Promise<void> {
    // for an unknown host name ZITADEL returns 404 for everything: first try a method that every server has
    if ((await presence(asBeta, UserService.method.getUserByID, signal)) !== 'there') return;
    const found = await Promise.all(MOVED.map((each) => presence(asV2, each.probe, signal)));
    if (found.includes('unknown')) return;
    names = new Map(MOVED.flatMap((each, at) => (found[at] === 'there' ? [[each.beta, each.v2]] : [])));
  }

  return {
    rewrite: (service) => names?.get(service) ?? service,
    async learn(signal) {
      if (names !== undefined) return;
      // concurrent calls ask once
      learning ??= ask(signal).finally(() => {
        learning = undefined;
      });
      await learning;
    },
    forget() {
      names = undefined;
    },
  };
}

async function presence(transport: Transport, method: DescMethodUnary, signal: AbortSignal): Promise<Presence> {
  try {
    await transport.unary(method, signal, undefined, undefined, {});
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code === Code.Unauthenticated) return 'there';
    return code === Code.Unimplemented ? 'absent' : 'unknown';
  }
  return 'unknown';
}
