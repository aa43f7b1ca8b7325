import type { Organization, Project, User } from './entities.ts';
import { memberId } from './state.ts';
import type { State } from './state.ts';

/**
 * What a new sandbox holds: two organizations with service users, one project, and fixed ids and tokens.
 * A sandbox protects nothing, so nothing here is secret.
 */
export const SEED = {
  instance: '300000000000000000',
  organizations: [
    { id: '300000000000000001', name: 'a', domains: ['a.test'] },
    { id: '300000000000000002', name: 'b', domains: ['b.test'] },
  ],
  /** Service users: organization '' in roles is the instance. */
  users: [
    { name: 'instance-owner', id: '300000000000000010', organization: '300000000000000001', role: 'IAM_OWNER' },
    { name: 'org-a-owner', id: '300000000000000011', organization: '300000000000000001', role: 'ORG_OWNER' },
    { name: 'org-a-manager', id: '300000000000000012', organization: '300000000000000001', role: 'ORG_USER_MANAGER' },
    { name: 'org-a-viewer', id: '300000000000000013', organization: '300000000000000001', role: 'ORG_OWNER_VIEWER' },
    { name: 'org-a-no-role', id: '300000000000000014', organization: '300000000000000001', role: '' },
    { name: 'org-b-owner', id: '300000000000000021', organization: '300000000000000002', role: 'ORG_OWNER' },
    { name: 'org-b-manager', id: '300000000000000022', organization: '300000000000000002', role: 'ORG_USER_MANAGER' },
  ],
  project: { id: '300000000000000031', name: 'intranet', roles: ['viewer', 'editor', 'admin'] },
  /** Client id and secret of org-a-manager. */
  client: { id: 'org-a-manager', secret: 'sandbox-org-a-manager-secret' },
  keyId: '300000000000000041',
} as const;

export type SeedUser = (typeof SEED.users)[number]['name'];

/** The personal access token of a seeded service user. */
export function tokenOf(name: SeedUser): string {
  return `sandbox-${name}`;
}

/** Puts the seeds into an empty state; a state that has them stays as it is. micros: time of everything made. */
export function seed(state: State, micros: number): void {
  if (state.organizations.has(SEED.organizations[0].id)) return;
  const dates = { created: micros, changed: micros };
  for (const { id, name, domains } of SEED.organizations) addOrganization(state, { id, name, domains }, micros);
  for (const { name, id, organization, role } of SEED.users) {
    const machine = { name: name.replaceAll('-', ' '), description: '' };
    const user: User = { id, organization, state: 'active', username: name, sequence: 1, machine, ...dates };
    state.users.set(id, user);
    state.usernames.take(user);
    state.sequences.set(id, 1);
    state.tokens.set(tokenOf(name), {
      token: tokenOf(name),
      id: `1${id}`,
      userId: id,
      revoked: false,
      created: micros,
    });
    if (role === '') continue;
    const where = role.startsWith('IAM_') ? '' : organization;
    state.members.set(memberId(where, id), { organization: where, userId: id, roles: [role], sequence: 2, ...dates });
  }
  const { id, name, roles } = SEED.project;
  const project: Project = {
    id,
    name,
    organization: SEED.organizations[0].id,
    roles: roles.map((key) => ({ key, displayName: key, group: '', created: micros })),
    ...dates,
  };
  state.projects.set(id, project);
  state.settle();
  state.commit();
}

export function addOrganization(
  state: Pick<State, 'organizations'>,
  facts: Pick<Organization, 'id' | 'name'> & Partial<Organization>,
  micros: number,
): Organization {
  const organization: Organization = { state: 'active', domains: [], created: micros, changed: micros, ...facts };
  state.organizations.set(organization.id, organization);
  return organization;
}
