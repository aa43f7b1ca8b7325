import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { ServiceImpl } from '@connectrpc/connect';
import type { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import type {
  AdministratorSchema,
  AdministratorSearchFilter,
} from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Member } from '../entities.ts';
import { bare } from '../errors.ts';
import { addMember, removeMember, updateMember } from '../members.ts';
import type { MemberCommand } from '../members.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { textMatches } from './text.ts';
import { displayNameOf, loginNameOf } from './user-answers.ts';

interface Request {
  readonly userId: string;
  readonly resource?: { readonly resource: { readonly case?: string | undefined; readonly value?: unknown } };
  readonly roles?: readonly string[];
}

/** zitadel.internal_permission.v2beta and v2: administrators of organizations and of the instance. */
export function createAdministratorService(world: World): Partial<ServiceImpl<typeof InternalPermissionService>> {
  const { calls, state, permissions } = world;
  const target = (request: Request) => ({
    lane: `administrators ${organizationOf(request)}`,
    user: request.userId,
  });
  const command = (request: Request, { user }: Caller): MemberCommand => ({
    caller: user,
    organization: organizationOf(request),
    userId: request.userId,
    roles: request.roles ?? [],
  });
  return {
    createAdministrator: calls.write(target, (request, caller, lane) => {
      const mark = `create ${request.userId}`;
      const { created } = addMember(world, command(request, caller), lane.raced(mark));
      lane.mark(mark);
      return { creationDate: timestamp(created) };
    }),

    updateAdministrator: calls.write(target, (request, caller) => ({
      changeDate: timestamp(updateMember(world, command(request, caller)).changed),
    })),

    deleteAdministrator: calls.write(target, (request, caller) => {
      const removed = removeMember(world, command(request, caller));
      return removed === null ? {} : { deletionDate: timestamp(removed) };
    }),

    listAdministrators: calls.read(({ pagination, filters }, { user }) => {
      const hits = [...state.members.seen().values()]
        .filter((member) => filters.every((filter) => matches(world, member, filter)))
        .toSorted((a, b) => (pagination?.asc ? a.created - b.created : b.created - a.created));
      const page = pageOf(hits, pagination, { max: 1000, standard: 100 });
      const visible = page.rows.filter(
        ({ userId, organization }) =>
          userId === user.id ||
          permissions.has(user, organization, organization === '' ? 'iam.member.read' : 'org.member.read'),
      );
      return {
        pagination: { totalResult: BigInt(hits.length), appliedLimit: BigInt(page.limit) },
        administrators: visible.map((member) => answer(world, member)),
      };
    }),
  };
}

/** '' for the instance; projects have no administrators here. */
function organizationOf({ resource }: Request): string {
  const { case: kind, value } = resource?.resource ?? {};
  if (kind === 'instance') return '';
  if (kind === 'organizationId') return String(value);
  throw bare(Code.Unimplemented, 'administrators of projects are not part of the sandbox');
}

function answer({ state }: World, member: Member): MessageInitShape<typeof AdministratorSchema> {
  const user = state.users.get(member.userId);
  const organization = state.organizations.get(member.organization);
  return {
    creationDate: timestamp(member.created),
    changeDate: timestamp(member.changed),
    user: {
      id: member.userId,
      preferredLoginName: user ? loginNameOf(state, user) : '',
      displayName: user ? displayNameOf(user) : '',
      organizationId: user?.organization ?? '',
    },
    resource:
      member.organization === ''
        ? { case: 'instance', value: true }
        : { case: 'organization', value: { id: member.organization, name: organization?.name ?? '' } },
    roles: [...member.roles],
  };
}

function matches(world: World, member: Member, { filter }: AdministratorSearchFilter): boolean {
  const user = world.state.users.get(member.userId);
  switch (filter.case) {
    case 'inUserIdsFilter':
      return filter.value.ids.includes(member.userId);
    case 'userOrganizationId':
      return user?.organization === filter.value.id;
    case 'userPreferredLoginName':
      return textMatches(filter.value.method, user?.username ?? '', filter.value.preferredLoginName);
    case 'userDisplayName':
      return textMatches(filter.value.method, user ? displayNameOf(user) : '', filter.value.displayName);
    case 'role':
      return member.roles.includes(filter.value.roleKey);
    case 'resource': {
      const { case: kind, value } = filter.value.resource;
      if (kind === 'instance') return member.organization === '';
      return kind === 'organizationId' && member.organization === value;
    }
    case 'and':
      return filter.value.queries.every((one) => matches(world, member, one));
    case 'or':
      return filter.value.queries.some((one) => matches(world, member, one));
    case 'not':
      return !(filter.value.query && matches(world, member, filter.value.query));
    default:
      return true;
  }
}
