/** Users' rights in the organization: roles in it, and roles in projects. From lists, which lag (measured). */
import type { Administrator } from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import type { Unreadable, Zitadel } from '../bridge/ports/zitadel.ts';
import type { Facts } from '../mapping/facts.ts';
import { type Authorization, factsOfRights } from '../mapping/rights.ts';
import type { ListAdministrators } from './administrators.ts';
import type { AuthorizationRow, ListAuthorizations } from './authorizations.ts';
import type { Lane } from './bulkhead.ts';
import type { Result } from './caller.ts';
import { must, unavailable, unreadable } from './outcome.ts';

export interface RightsOptions {
  readonly organization: string;
  readonly administrators: ListAdministrators;
  readonly authorizations: ListAuthorizations;
  /** permissions of the token in its organization */
  readonly permissions: () => Promise<Result<readonly string[]>>;
}

/** A token without permission sees no rows: only with these does an empty list mean that there are no rights. */
const SEES_MEMBERS = 'org.member.read';
const SEES_AUTHORIZATIONS = 'user.grant.read';

const BLIND: Unreadable = {
  kind: 'blocked',
  reason: `the service user lacks ${SEES_AUTHORIZATIONS} in the organization: give it the role ORG_USER_MANAGER there`,
};

export function createRights({
  organization,
  administrators,
  authorizations,
  permissions,
}: RightsOptions): Pick<Zitadel, 'rights' | 'allRights'> {
  const resource = { case: 'organizationId', value: organization } as const;

  async function held(lane: Lane, userId?: string): Promise<Result<ReadonlyMap<string, Facts>> | Unreadable> {
    const may = await permissions();
    if (may.kind !== 'ok') return may;
    if (!may.value.includes(SEES_AUTHORIZATIONS)) return BLIND;
    const [members, grants] = await Promise.all([
      may.value.includes(SEES_MEMBERS) ? administrators(resource, lane, userId) : NOBODY,
      authorizations(lane, userId),
    ]);
    if (members.kind !== 'ok') return members;
    if (grants.kind !== 'ok') return grants;
    return { kind: 'ok', value: gathered(members.value, grants.value) };
  }

  return {
    async rights(id) {
      const result = await held('request', id);
      if (result.kind === 'failed') return unreadable(result.failure);
      if (result.kind === 'blocked' || result.kind === 'retry') return result;
      return { kind: 'found', facts: must(result).get(id) ?? {} };
    },

    async allRights() {
      const result = await held('sync');
      if (result.kind === 'blocked' || result.kind === 'retry') throw unavailable(result);
      return must(result);
    },
  };
}

const NOBODY = { kind: 'ok', value: [] } as const;

/** By user. Of several authorizations for one project the one without a project grant counts, else the first. */
function gathered(members: readonly Administrator[], grants: readonly AuthorizationRow[]): ReadonlyMap<string, Facts> {
  const org = new Map<string, readonly string[]>();
  for (const { user, roles } of members) if (user !== undefined) org.set(user.id, roles);
  const projects = new Map<string, Map<string, Authorization>>();
  for (const { user, project, id, roles } of grants.toSorted((a, b) => Number(a.granted) - Number(b.granted))) {
    const own = projects.get(user) ?? new Map<string, Authorization>();
    projects.set(user, own);
    if (!own.has(project)) own.set(project, { id, roles });
  }
  const users = new Set([...org.keys(), ...projects.keys()]);
  return new Map(
    [...users].map((user) => [
      user,
      factsOfRights({ org: org.get(user) ?? [], projects: projects.get(user) ?? new Map() }),
    ]),
  );
}
