import type { Managed, RuleSet } from './types.ts';

export type RightName = RuleSet['retired'][number];

export function managedOf(names: readonly RightName[]): Managed {
  const org = new Set<string>();
  const projects = new Map<string, Set<string>>();
  for (const { project, role } of names) {
    if (project === null) org.add(role);
    else projects.set(project, (projects.get(project) ?? new Set()).add(role));
  }
  return { org, projects };
}

export const namesOf = ({ org, projects }: Managed): readonly RightName[] => [
  ...[...org].map((role) => ({ project: null, role })),
  ...[...projects].flatMap(([project, roles]) => [...roles].map((role) => ({ project, role }))),
];

export const isManaged = ({ org, projects }: Managed, { project, role }: RightName): boolean =>
  (project === null ? org : projects.get(project))?.has(role) ?? false;
