import type { ServiceImpl } from '@connectrpc/connect';
import type { OrganizationService } from '@zitadel/proto/zitadel/org/v2beta/org_service_pb.js';
import { timestamp } from '../clock.ts';
import type { Organization, User } from '../entities.ts';
import { refusal } from '../errors.ts';
import { addOrganization } from '../seed.ts';
import { memberId } from '../state.ts';
import type { World } from '../world.ts';
import { removeUser } from './user-states.ts';

/** zitadel.org.v2beta.OrganizationService: making, deactivating and removing, to try the bridge on what becomes of an organization. */
export function createOrganizationService(world: World): Partial<ServiceImpl<typeof OrganizationService>> {
  const { calls, state } = world;
  const target = ({ id }: { readonly id?: string }) => ({ lane: `organization ${id ?? world.id()}` });
  return {
    createOrganization: calls.write(target, ({ id, name, admins }, { user }) => {
      const organization = makeOrganization(world, user, id ?? world.id(), name);
      const assigned = admins.flatMap(({ userType, roles }) =>
        userType.case === 'userId' ? [{ userId: userType.value, roles: roles.length > 0 ? roles : ['ORG_OWNER'] }] : [],
      );
      const { created } = organization;
      for (const { userId, roles } of assigned) {
        const sequence = world.events(`organization ${organization.id}`);
        const member = { organization: organization.id, userId, roles, sequence, created, changed: created };
        state.members.set(memberId(organization.id, userId), member);
      }
      return {
        id: organization.id,
        creationDate: timestamp(created),
        organizationAdmins: assigned.map(({ userId }) => ({
          OrganizationAdmin: { case: 'assignedAdmin' as const, value: { userId } },
        })),
      };
    }),
    deactivateOrganization: calls.write(target, ({ id }, { user }) => {
      world.permissions.demand(user, id, 'org.write', 'door');
      return { changeDate: timestamp(change(world, id, 'inactive').changed) };
    }),
    deleteOrganization: calls.write(target, ({ id }, { user }) => {
      world.permissions.demand(user, id, 'org.delete', 'door');
      const { changed } = change(world, id, 'removed');
      for (const member of state.users.values()) if (member.organization === id) removeUser(world, member);
      return { deletionDate: timestamp(changed) };
    }),
  };
}

/** Making organizations is a right of the instance. */
function makeOrganization(world: World, user: User, id: string, name: string): Organization {
  world.permissions.demand(user, '', 'org.create', 'door');
  for (const other of world.state.organizations.values()) {
    if (other.state !== 'removed' && other.name === name) throw refusal('organizationNameTaken');
  }
  return addOrganization(world.state, { id, name }, world.stamp());
}

function change({ state, stamp }: World, id: string, to: Organization['state']): Organization {
  const organization = state.organizations.get(id);
  if (!organization || organization.state === 'removed') throw refusal('organizationUnknown');
  const changed = { ...organization, state: to, changed: stamp() };
  state.organizations.set(id, changed);
  return changed;
}
