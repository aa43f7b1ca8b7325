import type { Rule } from './types.ts';
import { isPrivileged } from './privilege.ts';
import { isTemplate } from './template.ts';

/** What rules can grant, and what the token may do in its organization. */
interface Catalogue {
  readonly permissions: readonly string[];
  /** undefined: the token may not see them */
  readonly orgRoles: readonly string[] | undefined;
  /** role keys by project; undefined: there is no such project, or the token does not see it */
  readonly projects: ReadonlyMap<string, readonly string[] | undefined>;
}

/** By 0-based position in the set: why the rule grants nothing, one line for an operator. */
export function offRules(rules: readonly Rule[], catalogue: Catalogue): ReadonlyMap<number, string> {
  const out = new Map<number, string>();
  for (const [place, rule] of rules.entries()) {
    const reasons = [...orgFaults(rule, catalogue), ...projectFaults(rule, catalogue)];
    if (reasons.length > 0) out.set(place, reasons.join('; '));
  }
  return out;
}

function orgFaults({ orgRoles, allowPrivileged }: Rule, catalogue: Catalogue): string[] {
  if (orgRoles.length === 0) return [];
  const missing = lacking(catalogue, 'org.member.read', 'org.member.write', 'org.member.delete');
  const unknown = orgRoles.filter((role) => catalogue.orgRoles?.includes(role) === false);
  const privileged = orgRoles.filter((role) => isPrivileged(role) && !allowPrivileged);
  return [
    ...(missing ? [`roles in the organization need ${missing}, which ORG_OWNER has`] : []),
    ...unknown.map((role) => `${role} is not a role in an organization`),
    ...(privileged.length > 0 ? [`${privileged.join(', ')} can be given with allowPrivileged: true only`] : []),
  ];
}

function projectFaults({ project, roles, createRoles }: Rule, catalogue: Catalogue): string[] {
  if (project === null) return [];
  const missing = lacking(catalogue, 'user.grant.write');
  const faults = missing ? [`roles of a project need ${missing}, which ORG_USER_MANAGER has`] : [];
  const keys = catalogue.projects.get(project);
  if (keys === undefined) return [...faults, `there is no project ${project}, or the service user does not see it`];
  const unknown = roles.filter((role) => !isTemplate(role) && !keys.includes(role));
  if (createRoles) {
    const makes = unknown.length > 0 || roles.some(isTemplate);
    const barred = makes && lacking(catalogue, 'project.role.write');
    return barred ? [...faults, `createRoles needs ${barred}, which ORG_OWNER has`] : faults;
  }
  return [
    ...faults,
    ...unknown.map((role) => `project ${project} has no role ${role}: add it there, or set createRoles: true`),
  ];
}

/** `the permission org.member.write, org.member.delete`; undefined: none is missing. */
function lacking({ permissions }: Catalogue, ...needed: readonly string[]): string | undefined {
  const missing = needed.filter((permission) => !permissions.includes(permission));
  return missing.length > 0 ? `the permission ${missing.join(', ')}` : undefined;
}
