import type { User } from './entities.ts';
import { refusal } from './errors.ts';
import { memberId } from './state.ts';
import type { State } from './state.ts';

const USER_MANAGER = [
  'org.read',
  'user.read',
  'user.global.read',
  'user.write',
  'user.delete',
  'user.grant.read',
  'user.grant.write',
  'user.grant.delete',
  'user.membership.read',
  'user.feature.read',
  'user.feature.write',
  'user.feature.delete',
  'policy.read',
  'project.read',
  'project.role.read',
  'session.read',
  'session.delete',
];

const OWNER_VIEWER = [
  'org.read',
  'org.member.read',
  'org.idp.read',
  'org.action.read',
  'org.flow.read',
  'org.feature.read',
  'user.read',
  'user.global.read',
  'user.grant.read',
  'user.membership.read',
  'user.feature.read',
  'policy.read',
  'project.read',
  'project.member.read',
  'project.role.read',
  'project.app.read',
  'project.grant.read',
  'project.grant.member.read',
  'session.read',
];

const OWNER = [
  ...OWNER_VIEWER,
  'org.global.read',
  'org.write',
  'org.delete',
  'org.member.write',
  'org.member.delete',
  'org.idp.write',
  'org.idp.delete',
  'org.action.write',
  'org.action.delete',
  'org.flow.write',
  'org.flow.delete',
  'org.feature.write',
  'org.feature.delete',
  'user.write',
  'user.delete',
  'user.credential.write',
  'user.grant.write',
  'user.grant.delete',
  'user.feature.write',
  'user.feature.delete',
  'policy.write',
  'policy.delete',
  'project.create',
  'project.write',
  'project.delete',
  'project.member.write',
  'project.member.delete',
  'project.role.write',
  'project.role.delete',
  'project.app.write',
  'project.app.delete',
  'project.grant.write',
  'project.grant.delete',
  'project.grant.member.write',
  'project.grant.member.delete',
  'session.delete',
];

const INSTANCE = ['org.create', 'iam.read', 'iam.write', 'iam.member.read', 'iam.member.write', 'iam.member.delete'];

/** Role -> permissions. Only roles an organization or the instance can give; a role without rows is still a role. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  IAM_OWNER: [...INSTANCE, ...OWNER],
  ORG_OWNER: OWNER,
  ORG_OWNER_VIEWER: OWNER_VIEWER,
  ORG_USER_MANAGER: USER_MANAGER,
  ORG_USER_PERMISSION_EDITOR: [
    'org.read',
    'org.member.read',
    'user.read',
    'user.global.read',
    'user.grant.read',
    'user.grant.write',
    'user.grant.delete',
    'policy.read',
    'project.read',
    'project.role.read',
  ],
  ORG_SETTINGS_MANAGER: ['org.read', 'org.write', 'policy.read', 'policy.write', 'policy.delete'],
  ORG_PROJECT_PERMISSION_EDITOR: ['org.read', 'project.read', 'project.grant.read', 'project.grant.write'],
  ORG_PROJECT_CREATOR: ['org.read', 'user.global.read', 'policy.read', 'project.read', 'project.create'],
  ORG_ADMIN_IMPERSONATOR: [],
  ORG_END_USER_IMPERSONATOR: [],
  ORG_USER_SELF_MANAGER: ['policy.read', 'user.self.delete'],
};

/** 'command': checked by the command (AUTH-AWfge); 'door': checked before it (AUTH-5mWD2): v1 and settings. */
export type Checked = 'command' | 'door';

export interface Permissions {
  /** Permissions in one organization, in the order of the roles; null: no membership there or in the instance. */
  held(user: User, organization: string): readonly string[] | null;
  has(user: User, organization: string, permission: string): boolean;
  /** Refuses with AUTHZ-cdgFk without membership, else by checked. */
  demand(user: User, organization: string, permission: string, checked?: Checked): void;
}

export function isOrganizationRole(role: string): boolean {
  return role.startsWith('ORG_') && role in ROLES;
}

export const ORGANIZATION_ROLES: readonly string[] = Object.keys(ROLES).filter(isOrganizationRole);

export function createPermissions(state: Pick<State, 'members'>): Permissions {
  function held(user: User, organization: string): readonly string[] | null {
    const instance = state.members.get(memberId('', user.id));
    const own = state.members.get(memberId(organization, user.id));
    if (!instance && !own) return null;
    const roles = [...(instance?.roles ?? []), ...(own?.roles ?? [])];
    return [...new Set(roles.flatMap((role) => ROLES[role] ?? []))];
  }
  const has = (user: User, organization: string, permission: string): boolean =>
    held(user, organization)?.includes(permission) ?? false;
  return {
    held,
    has,
    demand(user, organization, permission, checked = 'command') {
      const permissions = held(user, organization);
      if (!permissions) throw refusal('noMembership');
      if (!permissions.includes(permission)) throw refusal(checked === 'door' ? 'deniedAtDoor' : 'denied');
    },
  };
}
