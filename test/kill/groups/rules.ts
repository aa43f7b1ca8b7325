import type { Rule } from '../../../src/mapping/rules/types.ts';
import type { Person } from '../people.ts';
import { SEED } from '../../../sandbox/seed.ts';

export const PROJECT = SEED.project.id;

const rule = (by: Rule['by'], pattern: string, over: Partial<Rule>): Rule => ({
  by,
  pattern,
  orgRoles: [],
  project: null,
  roles: [],
  createRoles: false,
  allowPrivileged: true,
  ...over,
});

export const RULES = [
  rule('displayName', 'Help *', { orgRoles: ['ORG_USER_MANAGER'] }),
  rule('displayName', 'Dev *', { project: PROJECT, roles: ['editor'] }),
  rule('displayName', 'Team *', { project: PROJECT, roles: ['viewer', '{displayName}'], createRoles: true }),
  rule('displayName', 'Leads', { orgRoles: ['ORG_PROJECT_CREATOR'], project: PROJECT, roles: ['viewer'] }),
  rule('externalId', 'group1-*', { orgRoles: ['ORG_USER_PERMISSION_EDITOR', 'ORG_USER_MANAGER'] }),
] as const satisfies readonly Rule[];

/** Beginnings of names, one rule each and one that none is about; and the whole name of a rule for one group. */
export const BEGINNINGS = ['Help', 'Dev', 'Team', 'Other'] as const;
export const LEADS = 'Leads';

/** Roles that are given by hand; no rule manages them. */
export const BY_HAND = { org: 'ORG_OWNER_VIEWER', project: 'admin' } as const;

/** bridge.yaml: JSON is YAML. */
export function bridgeFile(): string {
  const rules = RULES.map(({ by, pattern, project, roles, createRoles, ...rest }) => ({
    match: { [by]: pattern },
    ...(project === null ? {} : { project, roles, createRoles }),
    ...rest,
  }));
  return JSON.stringify({ groups: { rules } });
}

/** Whether a user holds what a rule gives. */
export const holdsByRule = ({ org, projects }: Pick<Person, 'org' | 'projects'>): boolean =>
  org.some((role) => role !== BY_HAND.org) || (projects[PROJECT] ?? []).some((role) => role !== BY_HAND.project);
