import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { ServiceImpl } from '@connectrpc/connect';
import { State } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_pb.js';
import type { AuthorizationSchema } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_pb.js';
import type { AuthorizationService } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Grant } from '../entities.ts';
import { bare } from '../errors.ts';
import { addGrant, deactivateGrant, removeGrant, updateGrant } from '../grants.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import type { Paging } from './paging.ts';
import { textMatches } from './text.ts';
import { displayNameOf, loginNameOf } from './user-answers.ts';

/** Deletion date of what never was: Go's zero time. */
const NEVER = create(TimestampSchema, { seconds: -62_135_596_800n });

/** zitadel.authorization.v2beta, and its twin v2 but for listAuthorizations. */
export function createAuthorizationService(world: World): Partial<ServiceImpl<typeof AuthorizationService>> {
  const { calls, state } = world;
  const target = ({ id }: { readonly id: string }) => ({
    lane: `authorization ${id}`,
    user: state.grants.get(id)?.userId ?? '',
  });
  return {
    createAuthorization: calls.write(
      ({ userId, projectId }) => ({ lane: `authorization ${userId} ${projectId}`, user: userId }),
      ({ userId, projectId, organizationId, roleKeys }, { user }) => {
        const wanted = { userId, project: projectId, organization: organizationId ?? '', roles: roleKeys };
        const grant = addGrant(world, user, wanted);
        return { id: grant.id, creationDate: timestamp(grant.created) };
      },
    ),
    updateAuthorization: calls.write(target, ({ id, roleKeys }, { user }) => ({
      changeDate: timestamp(updateGrant(world, user, { id, roles: roleKeys }).changed),
    })),
    deactivateAuthorization: calls.write(target, ({ id }, { user }) => ({
      changeDate: timestamp(deactivateGrant(world, user, id).changed),
    })),
    deleteAuthorization: calls.write(target, ({ id }, { user }) => {
      const removed = removeGrant(world, user, id);
      return { deletionDate: removed === null ? NEVER : timestamp(removed) };
    }),
    listAuthorizations: calls.read(({ pagination, filters }, caller) => {
      const { total, limit, grants } = listGrants(world, caller, { pagination, filters });
      return {
        pagination: { totalResult: BigInt(total), appliedLimit: BigInt(limit) },
        authorizations: grants.map((grant) => answer(world, grant)),
      };
    }),
  };
}

/** The methods of v2 that share their messages with v2beta. It has no fall-back to the project's organization. */
export function createAuthorizationServiceV2(world: World): Partial<ServiceImpl<typeof AuthorizationService>> {
  const { listAuthorizations: _, createAuthorization, ...same } = createAuthorizationService(world);
  return {
    ...same,
    createAuthorization(request, context) {
      if (request.organizationId && createAuthorization) return createAuthorization(request, context);
      const rule = 'value length must be between 1 and 200 runes, inclusive';
      throw bare(Code.InvalidArgument, `invalid CreateAuthorizationRequest.OrganizationId: ${rule}`);
    },
  };
}

/** ListAuthorizations of v2: the same rows in its own, renumbered message. */
export function listAuthorizationsV2(world: World) {
  return world.calls.read((request: ListRequest, caller) => {
    const { total, limit, grants } = listGrants(world, caller, request);
    return {
      pagination: { totalResult: BigInt(total), appliedLimit: BigInt(limit) },
      authorizations: grants.map((grant) => {
        const { id, creationDate, changeDate, user, state } = answer(world, grant);
        const project = world.state.projects.get(grant.project);
        const organization = world.state.organizations.get(grant.organization);
        return {
          id,
          creationDate,
          changeDate,
          user,
          state,
          project: { id: grant.project, name: project?.name ?? '', organizationId: project?.organization ?? '' },
          organization: { id: grant.organization, name: organization?.name ?? '' },
          roles: grant.roles.map((key) => {
            const role = project?.roles.find((one) => one.key === key);
            return { key, displayName: role?.displayName ?? '', group: role?.group ?? '' };
          }),
        };
      }),
    };
  });
}

/** A filter of either version: the names of the cases are the same but for the user's id. */
interface Filter {
  readonly filter: { readonly case?: string | undefined; readonly value?: unknown };
}

interface ListRequest {
  readonly pagination?: Paging | undefined;
  readonly filters: readonly Filter[];
}

function listGrants(world: World, { user }: Caller, { pagination, filters }: ListRequest) {
  const { state, permissions } = world;
  const hits = [...state.grants.seen().values()]
    .filter((grant) => filters.every((filter) => matches(world, grant, filter)))
    .toSorted((a, b) => (pagination?.asc ? a.created - b.created : b.created - a.created));
  const { rows, limit } = pageOf(hits, pagination, { max: 1000, standard: 100 });
  const grants = rows.filter(({ organization }) => permissions.has(user, organization, 'user.grant.read'));
  return { total: hits.length, limit, grants };
}

function answer({ state }: World, grant: Grant): MessageInitShape<typeof AuthorizationSchema> {
  const user = state.users.get(grant.userId);
  const project = state.projects.get(grant.project);
  return {
    id: grant.id,
    projectId: grant.project,
    projectName: project?.name ?? '',
    projectOrganizationId: project?.organization ?? '',
    organizationId: grant.organization,
    creationDate: timestamp(grant.created),
    changeDate: timestamp(grant.changed),
    state: grant.active ? State.ACTIVE : State.INACTIVE,
    user: {
      id: grant.userId,
      preferredLoginName: user ? loginNameOf(state, user) : '',
      displayName: user ? displayNameOf(user) : '',
      organizationId: user?.organization ?? '',
    },
    roles: [...grant.roles],
  };
}

function matches({ state }: World, grant: Grant, { filter }: Filter): boolean {
  const user = state.users.get(grant.userId);
  const value = filter.value as Readonly<Record<string, unknown>>;
  const text = (found: string, wanted: unknown): boolean => textMatches(Number(value.method), found, String(wanted));
  switch (filter.case) {
    case 'authorizationIds':
      return (value.ids as readonly string[]).includes(grant.id);
    case 'inUserIds':
      return (value.ids as readonly string[]).includes(grant.userId);
    case 'userId':
      return grant.userId === value.id;
    case 'organizationId':
      return grant.organization === value.id;
    case 'userOrganizationId':
      return user?.organization === value.id;
    case 'projectId':
      return grant.project === value.id;
    case 'state':
      return (grant.active ? State.ACTIVE : State.INACTIVE) === value.state;
    case 'roleKey':
      return grant.roles.some((role) => text(role, value.key));
    case 'projectName':
      return text(state.projects.get(grant.project)?.name ?? '', value.name);
    case 'userPreferredLoginName':
      return text(user ? loginNameOf(state, user) : '', value.loginName);
    case 'userDisplayName':
      return text(user ? displayNameOf(user) : '', value.displayName);
    default:
      return false;
  }
}
