import type { Grant, Project, User } from './entities.ts';
import { refusal } from './errors.ts';
import type { Refusal } from './errors.ts';
import type { Checked } from './permissions.ts';
import type { World } from './world.ts';

/** Commands on authorizations, the same behind AuthorizationService and the v1 user grant calls. */
export interface NewGrant {
  readonly userId: string;
  readonly project: string;
  /** '' : the project's. */
  readonly organization: string;
  readonly roles: readonly string[];
}

/** One grant per organization, user and project; the organization owns the project or has it granted. */
export function addGrant(world: World, caller: User, wanted: NewGrant, checked: Checked): Grant {
  const { state, permissions } = world;
  const { userId, roles } = wanted;
  if (checked === 'door') permissions.demand(caller, wanted.organization, 'user.grant.write', checked);
  if (!state.users.has(userId)) throw refusal('grantUserUnknown');
  const project = state.projects.get(wanted.project);
  const organization = wanted.organization || (project?.organization ?? '');
  const usable = project && (project.organization === organization || project.grantedTo.includes(organization));
  if (!usable) throw refusal('grantProjectMissing');
  demandRoles(project, roles);
  permissions.demand(caller, organization, 'user.grant.write', checked);
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

/** Replaces the roles; another order is a change. unchanged: refused with that when nothing would change (v1). */
export function updateGrant(world: World, caller: User, { id, roles, checked, unchanged }: UpdatedGrant): Grant {
  const { state, permissions } = world;
  const grant = state.grants.get(id);
  if (!grant) throw refusal('grantMissing');
  if (checked === 'door') permissions.demand(caller, grant.organization, 'user.grant.write', checked);
  const project = state.projects.get(grant.project);
  if (project) demandRoles(project, roles);
  permissions.demand(caller, grant.organization, 'user.grant.write', checked);
  if (grant.roles.join('\n') === roles.join('\n')) {
    if (unchanged) throw refusal(unchanged);
    return grant;
  }
  return keep(world, { ...grant, roles });
}

interface UpdatedGrant {
  readonly id: string;
  readonly roles: readonly string[];
  readonly checked: Checked;
  readonly unchanged?: Refusal;
}

/** Switching it to what it is already is OK and changes nothing. */
export function switchGrant(world: World, caller: User, id: string, active: boolean): Grant {
  const grant = world.state.grants.get(id);
  if (!grant) throw refusal('grantActivateMissing');
  world.permissions.demand(caller, grant.organization, 'user.grant.write');
  return grant.active === active ? grant : keep(world, { ...grant, active });
}

/** Time of the removal; null when there is none of that id. */
export function removeGrant(world: World, caller: User, id: string, checked: Checked): number | null {
  const grant = world.state.grants.get(id);
  if (!grant) return null;
  world.permissions.demand(caller, grant.organization, 'user.grant.delete', checked);
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
