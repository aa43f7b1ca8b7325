/** A user's rights as facts: the roles in the organization and, for each project, one authorization with its roles. */
import type { Facts } from './facts.ts';

/** An authorization of one user for one project. `id` null: it is not known yet. */
export interface Authorization {
  readonly id: string | null;
  readonly roles: readonly string[];
}

/** Rights as values; roles in the order in which ZITADEL keeps them. */
export interface Rights {
  /** roles in the organization; empty: no member */
  readonly org: readonly string[];
  /** by project id; absent: no authorization */
  readonly projects: ReadonlyMap<string, Authorization>;
}

const PREFIX = 'right:';
/** The fact of the roles in the organization: a JSON array. */
export const ORG_RIGHT = `${PREFIX}org`;
const PROJECT_PREFIX = `${PREFIX}project:`;

/** Whether a fact is a right: only confirmed facts have them, and they are never shown. */
export const isRight = (fact: string): boolean => fact.startsWith(PREFIX);

/** The fact of an authorization: JSON of Authorization. */
export const projectRight = (project: string): string => PROJECT_PREFIX + project;

/** The project of such a fact; undefined: another kind of fact. */
const projectOf = (fact: string): string | undefined =>
  fact.startsWith(PROJECT_PREFIX) ? fact.slice(PROJECT_PREFIX.length) : undefined;

/** Rights as facts; empty ones are omitted, but an authorization without roles is kept because it has an id. */
export function factsOfRights({ org, projects }: Rights): Facts {
  const out: Record<string, string> = {};
  if (org.length > 0) out[ORG_RIGHT] = JSON.stringify(org);
  for (const [project, { id, roles }] of projects) out[projectRight(project)] = JSON.stringify({ id, roles });
  return out;
}

export function rightsOfFacts(facts: Facts): Rights {
  const projects = new Map<string, Authorization>();
  for (const [fact, value] of Object.entries(facts)) {
    const project = projectOf(fact);
    if (project !== undefined) projects.set(project, JSON.parse(value) as Authorization);
  }
  const org = facts[ORG_RIGHT];
  return { org: org === undefined ? [] : (JSON.parse(org) as string[]), projects };
}

/** A role in the organization (project null) or of a project. */
interface RightName {
  readonly project: string | null;
  readonly role: string;
}

/** The roles of rights, one by one. */
export const namesOf = ({ org, projects }: Rights): readonly RightName[] => [
  ...org.map((role) => ({ project: null, role })),
  ...[...projects].flatMap(([project, { roles }]) => roles.map((role) => ({ project, role }))),
];

export const isIn = (names: readonly RightName[], { project, role }: RightName): boolean =>
  names.some((each) => each.project === project && each.role === role);

/** The rights among facts, and the others. */
export const rightFacts = (facts: Facts): Facts =>
  Object.fromEntries(Object.entries(facts).filter(([fact]) => isRight(fact)));

export const withoutRights = (facts: Facts): Facts =>
  Object.keys(facts).some(isRight)
    ? Object.fromEntries(Object.entries(facts).filter(([fact]) => !isRight(fact)))
    : facts;
