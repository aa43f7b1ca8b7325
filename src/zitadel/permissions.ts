/** Whom the token must not lock out. */
import { createClient, type Transport } from '@connectrpc/connect';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import type { Administrator, ResourceFilter } from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type { Guarded } from '../bridge/ports.ts';
import type { Account } from './account.ts';
import type { Call, Result } from './caller.ts';
import { must, unreadable } from './outcome.ts';
import { PAGE, pages } from './pages.ts';
import type { Services } from './services.ts';
import type { Users } from './steps.ts';

export interface Permissions {
  /** Whether the token may read the users of its organization; false also when ZITADEL does not say. */
  mayReadUsers(): Promise<boolean>;
  /** Throws BridgeError 503 when ZITADEL is away. */
  guarded(): Promise<Guarded>;
}

export interface PermissionsOptions {
  readonly call: Call;
  readonly users: Users;
  readonly organization: string;
  readonly services: Services;
  readonly transport: Transport;
  readonly account: Account;
}

type Resource = ResourceFilter['resource'];

export function createPermissions({
  call,
  users,
  organization,
  services,
  transport,
  account,
}: PermissionsOptions): Permissions {
  const administration = createClient(InternalPermissionService, transport);

  /** All that the token sees: a token without the right sees its own row, or none. */
  async function administrators(resource: Resource): Promise<readonly Administrator[]> {
    const filters = [{ filter: { case: 'resource', value: { resource } } }] as const;
    const result = await pages((offset) => administratorPage(filters, offset));
    if (result.kind === 'failed' && unreadable(result.failure).kind === 'blocked') return [];
    return must(result);
  }

  async function administratorPage(
    filters: readonly [
      { readonly filter: { readonly case: 'resource'; readonly value: { readonly resource: Resource } } },
    ],
    offset: number,
  ): Promise<Result<readonly Administrator[]>> {
    const pagination = { offset: BigInt(offset), limit: PAGE, asc: true };
    const result = await call({ name: 'ListAdministrators', effect: 'read', lane: 'sync' }, async (options) => {
      await services.learn(options.signal ?? AbortSignal.timeout(1_000));
      return await administration.listAdministrators({ pagination, filters: [...filters] }, options);
    });
    if (result.kind === 'failed' && result.failure.code === 'UNIMPLEMENTED') services.forget();
    return result.kind === 'ok' ? { kind: 'ok', value: result.value.administrators } : result;
  }

  /** Owners that are active users. Those of other organizations that cannot be read do not count. */
  async function activeOf(owners: readonly string[]): Promise<ReadonlySet<string>> {
    const active = new Set<string>();
    for (const userId of owners) {
      const result = await call({ name: 'GetUserByID', effect: 'read', user: userId, lane: 'sync' }, (options) =>
        users.getUserByID({ userId }, options),
      );
      if (result.kind === 'ok' && result.value.user?.state === UserState.ACTIVE) active.add(userId);
    }
    return active;
  }

  return {
    async mayReadUsers() {
      const result = await account.permissions();
      return result.kind === 'ok' && result.value.includes('user.read');
    },

    async guarded() {
      const own = must(await account.user({ lane: 'sync' }))?.id;
      const ofInstance = await administrators({ case: 'instance', value: true });
      const ofOrganization = await administrators({ case: 'organizationId', value: organization });
      const owners = ofOrganization.flatMap(({ user, roles }) =>
        user !== undefined && roles.includes('ORG_OWNER') ? [user.id] : [],
      );
      const reasons = new Map<string, string>();
      for (const { user, roles } of ofInstance)
        if (user !== undefined) reasons.set(user.id, `it holds the instance role ${roles.join(', ')}`);
      if (own !== undefined) reasons.set(own, 'it is the service user of the bridge');
      return { reasons, activeOwners: await activeOf(owners) };
    },
  };
}
