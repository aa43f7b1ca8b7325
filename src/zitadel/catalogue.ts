/** What rules can name, as far as the token sees it: for startup and doctor. */
import { createClient, type Transport } from '@connectrpc/connect';
import { ProjectService } from '@zitadel/proto/zitadel/project/v2beta/project_service_pb.js';
import type { Zitadel } from '../bridge/ports/zitadel.ts';
import type { Account } from './account.ts';
import type { Call, Result } from './caller.ts';
import { must, unreadable } from './outcome.ts';
import { PAGE, pages } from './pages.ts';

export interface CatalogueOptions {
  /** called as a moved service */
  readonly call: Call;
  readonly transport: Transport;
  readonly account: Account;
}

const LANE = { lane: 'sync' } as const;

export function createCatalogue({ call, transport, account }: CatalogueOptions): Zitadel['catalogue'] {
  const client = createClient(ProjectService, transport);

  /** Keys of its roles. undefined: there is no such project, or the token does not see it. */
  async function rolesOf(project: string): Promise<readonly string[] | undefined> {
    const roles = await pages(async (offset) => {
      const request = { projectId: project, pagination: { offset: BigInt(offset), limit: PAGE, asc: true } };
      const result = await call({ name: 'ListProjectRoles', effect: 'read', ...LANE }, (options) =>
        client.listProjectRoles(request, options),
      );
      return result.kind === 'ok' ? { kind: 'ok', value: result.value.projectRoles } : result;
    });
    const keys = seen(roles)?.map(({ key }) => key);
    // a missing project has no roles either
    return keys === undefined || keys.length > 0 || (await isSeen(project)) ? keys : undefined;
  }

  async function isSeen(project: string): Promise<boolean> {
    const filters = [{ filter: { case: 'inProjectIdsFilter' as const, value: { ids: [project] } } }];
    const result = await call({ name: 'ListProjects', effect: 'read', ...LANE }, (options) =>
      client.listProjects({ pagination: { limit: PAGE, asc: true }, filters }, options),
    );
    return seen(result)?.projects.some(({ id }) => id === project) ?? false;
  }

  return async (projects) => {
    const permissions = must(await account.permissions(LANE));
    const orgRoles = permissions.includes('org.member.read') ? seen(await account.organizationRoles(LANE)) : undefined;
    const roles = await Promise.all(
      [...new Set(projects)].map(async (project) => [project, await rolesOf(project)] as const),
    );
    return { permissions, orgRoles, projects: new Map(roles) };
  };
}

/** The value; undefined when the token may not see it. Throws BridgeError 503 when it could not be read for another reason. */
function seen<T>(result: Result<T>): T | undefined {
  if (result.kind === 'failed' && unreadable(result.failure).kind === 'blocked') return undefined;
  return must(result);
}
