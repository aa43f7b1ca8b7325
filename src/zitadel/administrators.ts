/** Users' roles in the organization, or in the instance. The list lags behind writes (measured). */
import { createClient, type Transport } from '@connectrpc/connect';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import type { Administrator, ResourceFilter } from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import type { Lane } from './bulkhead.ts';
import type { Call, Result } from './caller.ts';
import { PAGE, pages } from './pages.ts';

export type Resource = ResourceFilter['resource'];

/** All rows the token sees: without permission only its own row, or none. `userId`: those of one user only. */
export type ListAdministrators = (
  resource: Resource,
  lane: Lane,
  userId?: string,
) => Promise<Result<readonly Administrator[]>>;

/** @param call as moved services are called */
export function createListAdministrators(call: Call, transport: Transport): ListAdministrators {
  const administration = createClient(InternalPermissionService, transport);
  return (resource, lane, userId) => {
    const one =
      userId === undefined ? [] : [{ filter: { case: 'inUserIdsFilter' as const, value: { ids: [userId] } } }];
    const filters = [{ filter: { case: 'resource' as const, value: { resource } } }, ...one];
    return pages(async (offset) => {
      const pagination = { offset: BigInt(offset), limit: PAGE, asc: true };
      const result = await call({ name: 'ListAdministrators', effect: 'read', lane, ...userOf(userId) }, (options) =>
        administration.listAdministrators({ pagination, filters }, options),
      );
      return result.kind === 'ok' ? { kind: 'ok', value: result.value.administrators } : result;
    });
  };
}

const userOf = (user: string | undefined): { readonly user?: string } => (user === undefined ? {} : { user });
