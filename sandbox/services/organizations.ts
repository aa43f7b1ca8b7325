import type { ServiceImpl } from '@connectrpc/connect';
import type { OrganizationService as OrganizationServiceV2 } from '@zitadel/proto/zitadel/org/v2/org_service_pb.js';
import { OrganizationState } from '@zitadel/proto/zitadel/org/v2/org_pb.js';
import type { OrganizationService } from '@zitadel/proto/zitadel/org/v2beta/org_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Organization } from '../entities.ts';
import { refusal } from '../errors.ts';
import { addOrganization } from '../seed.ts';
import { memberId } from '../state.ts';
import type { World } from '../world.ts';
import { createOrganizationMetadata } from './organization-metadata.ts';
import { pageOf } from './paging.ts';
import { removeUser } from './user-states.ts';

/** zitadel.org.v2beta.OrganizationService: making, switching and removing, and metadata. */
export function createOrganizationService(world: World): Partial<ServiceImpl<typeof OrganizationService>> {
  const { calls, state } = world;
  const target = ({ id }: { readonly id?: string }) => ({ lane: `organization ${id ?? world.id()}` });
  return {
    ...createOrganizationMetadata(world),
    createOrganization: calls.write(target, ({ id, name, admins }, { user }) => {
      const organization = makeOrganization(world, { user, context: '' }, id ?? world.id(), name);
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
    activateOrganization: calls.write(target, ({ id }, { user }) => {
      world.permissions.demand(user, id, 'org.write', 'door');
      return { changeDate: timestamp(change(world, id, 'active').changed) };
    }),
    deleteOrganization: calls.write(target, ({ id }, { user }) => {
      world.permissions.demand(user, id, 'org.delete', 'door');
      const { changed } = change(world, id, 'removed');
      for (const member of state.users.values()) if (member.organization === id) removeUser(world, member);
      return { deletionDate: timestamp(changed) };
    }),
  };
}

/** zitadel.org.v2.OrganizationService: the caller's own organizations, with the total of all. */
export function createOrganizationServiceV2(world: World): Partial<ServiceImpl<typeof OrganizationServiceV2>> {
  const { calls, state, permissions } = world;
  return {
    addOrganization: calls.write(
      () => ({ lane: `organization ${world.id()}` }),
      ({ name }, caller) => {
        const { id, created } = makeOrganization(world, caller, world.id(), name);
        return {
          details: { sequence: 1n, changeDate: timestamp(created), resourceOwner: id },
          organizationId: id,
        };
      },
    ),
    listOrganizations: calls.read(({ query }, { user }) => {
      const all = [...state.organizations.values()].filter((organization) => organization.state !== 'removed');
      const page = pageOf(all, query, { max: world.maxLimit, standard: 0 });
      return {
        details: { totalResult: BigInt(all.length), timestamp: timestamp(world.stamp()) },
        result: page.rows
          .filter(({ id }) => permissions.has(user, id, 'org.read'))
          .map((organization) => ({
            id: organization.id,
            details: {
              sequence: 1n,
              changeDate: timestamp(organization.changed),
              resourceOwner: organization.id,
              creationDate: timestamp(organization.created),
            },
            state: organization.state === 'active' ? OrganizationState.ACTIVE : OrganizationState.INACTIVE,
            name: organization.name,
            primaryDomain: organization.domains[0] ?? '',
          })),
      };
    }),
  };
}

/** Making organizations is a right of the instance. */
function makeOrganization(world: World, { user }: Caller, id: string, name: string): Organization {
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
