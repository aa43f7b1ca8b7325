import type { ServiceImpl } from '@connectrpc/connect';
import type { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import type { SearchQuery } from '@zitadel/proto/zitadel/member_pb.js';
import { OrgState } from '@zitadel/proto/zitadel/org_pb.js';
import { Type } from '@zitadel/proto/zitadel/user_pb.js';
import type { Caller } from '../callers.ts';
import type { Member } from '../entities.ts';
import { refusal } from '../errors.ts';
import { addGrant, removeGrant, updateGrant } from '../grants.ts';
import { addMember, removeMember, updateMember } from '../members.ts';
import type { MemberCommand } from '../members.ts';
import { ORGANIZATION_ROLES } from '../permissions.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { textMatches } from './text.ts';
import { displayNameOf, loginNameOf } from './user-answers.ts';
import { v1Details, v1List } from './v1-answers.ts';

interface Named {
  readonly userId: string;
  readonly roles?: readonly string[];
}

const STATES = { active: OrgState.ACTIVE, inactive: OrgState.INACTIVE, removed: OrgState.REMOVED } as const;

/** zitadel.management.v1.ManagementService: members and grants of the organization of the header, and that itself. */
export function createManagementService(world: World): Partial<ServiceImpl<typeof ManagementService>> {
  const { calls, state, permissions } = world;
  const members = ({ userId }: Named, { context }: Caller) => ({ lane: `administrators ${context}`, user: userId });
  const grants = ({ userId }: Named) => ({ lane: `authorizations ${userId}`, user: userId });
  const command = ({ userId, roles = [] }: Named, { user, context }: Caller): MemberCommand => ({
    caller: user,
    organization: context,
    userId,
    roles,
    checked: 'door',
  });

  return {
    getMyOrg: calls.read((_request, { user, context }) => {
      permissions.demand(user, context, 'org.read', 'door');
      const organization = state.organizations.get(context);
      if (!organization) throw refusal('organizationUnknown');
      return {
        org: {
          id: organization.id,
          details: v1Details({ ...organization, sequence: 1 }, organization.id, 'query'),
          state: STATES[organization.state],
          name: organization.name,
          primaryDomain: organization.domains[0] ?? '',
        },
      };
    }),

    addOrgMember: calls.write(members, (request, caller, lane) => {
      const member = addMember(world, command(request, caller), lane.raced(`create ${request.userId}`));
      lane.mark(`create ${request.userId}`);
      return { details: v1Details(member, member.organization, 'add') };
    }),
    updateOrgMember: calls.write(members, (request, caller) => {
      const member = updateMember(world, command(request, caller));
      return { details: v1Details(member, member.organization, 'update') };
    }),
    removeOrgMember: calls.write(members, (request, caller) => {
      const changed = removeMember(world, command(request, caller)) ?? 0;
      return { details: v1Details({ sequence: 0, created: 0, changed }, caller.context, 'update') };
    }),
    listOrgMemberRoles: calls.read((_request, { user, context }) => {
      permissions.demand(user, context, 'org.member.read', 'door');
      return { result: [...ORGANIZATION_ROLES] };
    }),
    listOrgMembers: calls.read(({ query, queries }, { user, context }) => {
      permissions.demand(user, context, 'org.member.read', 'door');
      const hits = [...state.members.seen().values()].filter(
        (member) => member.organization === context && queries.every((one) => matches(world, member, one)),
      );
      const page = pageOf(hits, query, { max: world.maxLimit, standard: 0 });
      return { details: v1List(hits.length, world.stamp()), result: page.rows.map((member) => answer(world, member)) };
    }),

    addUserGrant: calls.write(grants, ({ userId, projectId, roleKeys }, { user, context }) => {
      const wanted = { userId, project: projectId, organization: context, roles: roleKeys };
      const grant = addGrant(world, user, wanted, 'door');
      return { userGrantId: grant.id, details: v1Details(grant, grant.organization, 'add') };
    }),
    updateUserGrant: calls.write(grants, ({ grantId: id, roleKeys: roles }, { user }) => {
      const grant = updateGrant(world, user, { id, roles, checked: 'door', unchanged: 'grantUnchanged' });
      return { details: v1Details(grant, grant.organization, 'update') };
    }),
    removeUserGrant: calls.write(grants, ({ grantId }, { user, context }) => {
      permissions.demand(user, context, 'user.grant.delete', 'door');
      const changed = removeGrant(world, user, grantId, 'door');
      if (changed === null) throw refusal('grantRemoveMissing');
      return { details: v1Details({ sequence: 2, created: 0, changed }, context, 'update') };
    }),
  };
}

function answer({ state }: World, member: Member) {
  const user = state.users.get(member.userId);
  return {
    userId: member.userId,
    details: v1Details(member, member.organization, 'query'),
    roles: [...member.roles],
    preferredLoginName: user ? loginNameOf(state, user) : '',
    email: user?.human?.email ?? '',
    firstName: user?.human?.givenName ?? '',
    lastName: user?.human?.familyName ?? '',
    displayName: user ? displayNameOf(user) : '',
    userType: user?.human ? Type.HUMAN : Type.MACHINE,
    userResourceOwner: user?.organization ?? '',
  };
}

function matches({ state }: World, member: Member, { query }: SearchQuery): boolean {
  const human = state.users.get(member.userId)?.human;
  switch (query.case) {
    case 'userIdQuery':
      return member.userId === query.value.userId;
    case 'emailQuery':
      return textMatches(query.value.method, human?.email ?? '', query.value.email);
    case 'firstNameQuery':
      return textMatches(query.value.method, human?.givenName ?? '', query.value.firstName);
    case 'lastNameQuery':
      return textMatches(query.value.method, human?.familyName ?? '', query.value.lastName);
    default:
      return true;
  }
}
