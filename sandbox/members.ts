import type { Member, User } from './entities.ts';
import { refusal } from './errors.ts';
import { isOrganizationRole } from './permissions.ts';
import { memberId } from './state.ts';
import type { World } from './world.ts';

/** Commands on member entries. */
export interface MemberCommand {
  readonly caller: User;
  readonly organization: string;
  readonly userId: string;
  readonly roles: readonly string[];
}

/** raced: another create of the same entry came in at the same moment. */
export function addMember(world: World, command: MemberCommand, raced: boolean): Member {
  const { caller, organization, userId, roles } = command;
  const { state, permissions } = world;
  if (roles.length === 0) throw refusal('memberRolesNone');
  if (!roles.every((role) => fits(role, organization))) throw refusal('memberRoleBad');
  if (organization !== '' && !confirmed(world, organization)) throw refusal('organizationUnknown');
  if (!state.users.has(userId)) throw refusal('memberUserUnknown');
  permissions.demand(caller, organization, writePermission(organization));
  const id = memberId(organization, userId);
  if (state.members.has(id)) throw refusal(raced && world.random() < 0.68 ? 'memberRace' : 'memberExists');
  const stamp = world.stamp();
  const sequence = world.events(`organization ${organization}`);
  const member: Member = { organization, userId, roles, sequence, created: stamp, changed: stamp };
  state.members.set(id, member);
  return member;
}

/** Replaces the list of roles; another order is a change, the same list is none. Any caller may learn non-members. */
export function updateMember(world: World, command: MemberCommand): Member {
  const { caller, organization, userId, roles } = command;
  const { state, permissions } = world;
  if (roles.length === 0) throw refusal('memberUpdateRolesNone');
  if (!roles.every((role) => fits(role, organization))) throw refusal('memberUpdateRoleBad');
  const id = memberId(organization, userId);
  const member = state.members.get(id);
  if (!member) throw refusal('memberMissing');
  permissions.demand(caller, organization, writePermission(organization));
  if (member.roles.join('\n') === roles.join('\n')) return member;
  const sequence = world.events(`organization ${organization}`);
  const changed: Member = { ...member, roles, sequence, changed: world.stamp() };
  state.members.set(id, changed);
  return changed;
}

/** Time of the removal; null when there was no entry, which any caller can learn. The last owner is not protected. */
export function removeMember(world: World, command: Omit<MemberCommand, 'roles'>): number | null {
  const { caller, organization, userId } = command;
  const { state, permissions } = world;
  const permission = organization === '' ? 'iam.member.delete' : 'org.member.delete';
  const id = memberId(organization, userId);
  if (!state.members.has(id)) return null;
  permissions.demand(caller, organization, permission);
  state.members.delete(id);
  world.events(`organization ${organization}`);
  return world.stamp();
}

function fits(role: string, organization: string): boolean {
  return organization === '' ? role.startsWith('IAM_') : isOrganizationRole(role);
}

function confirmed({ state }: World, organization: string): boolean {
  const found = state.organizations.get(organization);
  return found !== undefined && found.state !== 'removed';
}

function writePermission(organization: string): string {
  return organization === '' ? 'iam.member.write' : 'org.member.write';
}
