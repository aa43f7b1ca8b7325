import type { Grant, Project, User } from './entities.ts';
import { refusal } from './errors.ts';
import type { World } from './world.ts';

/** Commands on authorizations. */
export interface NewGrant {
  readonly userId: string;
  readonly project: string;
  /** '' : the project's. */
  readonly organization: string;
  readonly roles: readonly string[];
}

/** One grant per organization, user and project; the organization owns the project; none has it granted here. */
export function addGrant(world: World, caller: User, wanted: NewGrant): Grant {
  const { state, permissions } = world;
  const { userId, roles } = wanted;
  if (!state.users.has(userId)) throw refusal('grantUserUnknown');
  const project = state.projects.get(wanted.project);
  const organization = wanted.organization || (project?.organization ?? '');
  if (project?.organization !== organization) throw refusal('grantProjectMissing');
  demandRoles(project, roles);
  permissions.demand(caller, organization, 'user.grant.write');
  for (const grant of state.grants.values()) {
    const same = grant.userId === userId && grant.project === project.id && grant.organization === organization;
    if (same) throw refusal('grantExists');
  }
  const stamp = world.stamp();
  const grant: Grant = {
    id: world.id(),
    organization,
    userId,
    project: project.id,
    roles,
    active: true,
    sequence: 1,
    created: stamp,
    changed: stamp,
  };
  state.grants.set(grant.id, grant);
  return grant;
}

/** Replaces the roles; another order is a change. */
export function updateGrant(world: World, caller: User, { id, roles }: UpdatedGrant): Grant {
  const { state, permissions } = world;
  const grant = state.grants.get(id);
  if (!grant) throw refusal('grantMissing');
  const project = state.projects.get(grant.project);
  if (project) demandRoles(project, roles);
  permissions.demand(caller, grant.organization, 'user.grant.write');
  if (grant.roles.join('\n') === roles.join('\n')) return grant;
  return keep(world, { ...grant, roles });
}

interface UpdatedGrant {
  readonly id: string;
  readonly roles: readonly string[];
}

/** Deactivating what is inactive already is OK and changes nothing. */
export function deactivateGrant(world: World, caller: User, id: string): Grant {
  const grant = world.state.grants.get(id);
  if (!grant) throw refusal('grantDeactivateMissing');
  world.permissions.demand(caller, grant.organization, 'user.grant.write');
  return grant.active ? keep(world, { ...grant, active: false }) : grant;
}

/** Time of the removal; null when there is none of that id. */
export function removeGrant(world: World, caller: User, id: string): number | null {
  const grant = world.state.grants.get(id);
  if (!grant) return null;
  world.permissions.demand(caller, grant.organization, 'user.grant.delete');
  world.state.grants.delete(id);
  return world.stamp();
}

function keep(world: World, grant: Grant): Grant {
  const kept: Grant = { ...grant, sequence: grant.sequence + 1, changed: world.stamp() };
  world.state.grants.set(grant.id, kept);
  return kept;
}

function demandRoles({ roles: confirmed }: Project, roles: readonly string[]): void {
  if (!roles.every((role) => confirmed.some(({ key }) => key === role))) throw refusal('grantRoleMissing');
}
