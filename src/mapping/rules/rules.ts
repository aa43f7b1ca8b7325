/** Group rules: which group grants which rights. Pure. */
import type { RuleSet, Rule, Named, Binding, Managed, Given, Memberships } from './types.ts';
import { matches, isGlob } from './glob.ts';
import { isTemplate, roleFor } from './template.ts';
import { type RightName, namesOf, managedOf, isManaged } from './managed.ts';
import type { Rights, Authorization } from '../rights.ts';
export type { Rights };

/** The set of a tenant without rules. */
export const NO_RULES: RuleSet = { rules: [], bindings: {}, retired: [] };

const NONE_OFF: ReadonlySet<number> = new Set();

/** The key of a rule's bindings: rules with the same match share them. */
export const matchOf = ({ by, pattern }: Rule): string => `${by}:${pattern}`;

/** One line for operators. */
export function textOf({ by, pattern, orgRoles, project, roles, createRoles }: Rule): string {
  const given = [
    ...(orgRoles.length > 0 ? [`organization: ${orgRoles.join(', ')}`] : []),
    ...(project === null ? [] : [`project ${project}: ${roles.join(', ')}${createRoles ? ' (made if missing)' : ''}`]),
  ];
  return `${by} ${JSON.stringify(pattern)} gives ${given.join('; ')}`;
}

const fits = ({ by, pattern }: Rule, group: Named): boolean => {
  const value = group[by];
  return value !== undefined && matches(pattern, value);
};

/** The bindings after a definition, trusted or not; the same object when nothing changes. */
export function bind(set: RuleSet, group: Named): RuleSet {
  const bindings: Record<string, readonly Binding[]> = {};
  for (const rule of set.rules) {
    const match = matchOf(rule);
    const bound = bindings[match] ?? set.bindings[match] ?? [];
    const templated = set.rules.some((other) => matchOf(other) === match && other.roles.some(isTemplate));
    bindings[match] = rebound(rule, bound, group, templated);
  }
  return withBindings(set, bindings, group.id);
}

/** The groups of one match, given the current name of `group`. */
function rebound(rule: Rule, bound: readonly Binding[], group: Named, templated: boolean): readonly Binding[] {
  const binding = bound.find((other) => other.group === group.id);
  // the attributes a rule looks at must be trusted themselves: others can write the rest
  const said = rule.by === 'externalId' ? group.externalIdVouched && (!templated || group.vouched) : group.vouched;
  if (binding === undefined) {
    const open = rule.by === 'externalId' || isGlob(rule.pattern) || bound.length === 0;
    const made = { group: group.id, name: group.displayName, vouched: true };
    return open && said && fits(rule, group) ? [...bound, made] : bound;
  }
  if (!fits(rule, group)) return rule.by === 'externalId' ? bound.filter((other) => other !== binding) : bound;
  // the name of an untrusted binding was read from ZITADEL, where others write: it names no role before it is confirmed
  const confirmed = said && (!templated || binding.name === group.displayName);
  if (binding.vouched || !confirmed) return bound;
  return bound.map((other) => (other === binding ? { ...binding, vouched: true } : other));
}

/** The group is gone: removes its bindings. The same object when there were none. */
export function unbind(set: RuleSet, group: string): RuleSet {
  const without = Object.entries(set.bindings).map(([match, bound]): [string, readonly Binding[]] => [
    match,
    bound.some((binding) => binding.group === group) ? bound.filter((binding) => binding.group !== group) : bound,
  ]);
  return withBindings(set, Object.fromEntries(without), group);
}

/** A group's bindings changed. Roles managed only through ended ones are retired: users who still have one lose it. */
function withBindings(set: RuleSet, bindings: RuleSet['bindings'], group: string): RuleSet {
  const filled = Object.entries(bindings).filter(([, bound]) => bound.length > 0);
  const before = Object.entries(set.bindings);
  if (filled.length === before.length && filled.every(([match, bound]) => set.bindings[match] === bound)) return set;
  const next = { ...set, bindings: Object.fromEntries(filled) };
  const bindingOf = (of: RuleSet, rule: Rule) => of.bindings[matchOf(rule)]?.find((binding) => binding.group === group);
  const ended = set.rules.flatMap((rule) => {
    const binding = bindingOf(set, rule);
    return binding === undefined || bindingOf(next, rule) !== undefined ? [] : rightsOf(rule, binding.name);
  });
  return retiring(next, ended);
}

/** The set with those of the roles retired that it does not manage. */
function retiring(set: RuleSet, roles: readonly RightName[]): RuleSet {
  if (roles.length === 0) return set;
  const own = managed(set);
  const lost = namesOf(managedOf(roles)).filter((name) => !isManaged(own, name));
  return lost.length === 0 ? set : { ...set, retired: [...set.retired, ...lost] };
}

/**
 * The active rules after `groups apply`.
 * @param groups ordered by creation; all count as trusted
 */
export function applied(before: RuleSet, rules: readonly Rule[], groups: readonly Named[]): RuleSet {
  const bindings: Record<string, readonly Binding[]> = {};
  for (const rule of rules) {
    const had = new Set(before.bindings[matchOf(rule)]?.map(({ group }) => group));
    const bound = boundNow(rule, groups, had).map(({ id, displayName }) => ({
      group: id,
      name: displayName,
      vouched: true,
    }));
    if (bound.length > 0) bindings[matchOf(rule)] = bound;
  }
  return retiring({ rules, bindings, retired: [] }, namesOf(managed(before)));
}

function boundNow(rule: Rule, groups: readonly Named[], had: ReadonlySet<string>): readonly Named[] {
  const named = groups.filter((group) => fits(rule, group));
  if (rule.by === 'externalId') return named;
  if (isGlob(rule.pattern)) return groups.filter((group) => had.has(group.id) || fits(rule, group));
  return (named.length > 0 ? named : groups.filter(({ id }) => had.has(id))).slice(0, 1);
}

/** An apply has evaluated every user: no user has a retired role any more. */
export const finished = (set: RuleSet): RuleSet => (set.retired.length === 0 ? set : { ...set, retired: [] });

/** Every role the set grants or revokes. @param off 0-based positions of inactive rules: they do neither */
export const managed = (set: RuleSet, off: ReadonlySet<number> = NONE_OFF): Managed => readingOf(set, off).managed;

/** What a group grants to its members. */
export const given = (set: RuleSet, group: string, off: ReadonlySet<number> = NONE_OFF): readonly Given[] =>
  readingOf(set, off).given.get(group) ?? [];

interface Reading {
  readonly managed: Managed;
  /** by group */
  readonly given: ReadonlyMap<string, readonly Given[]>;
}

/** A set may bind thousands of groups and is used for every user: it is indexed once. */
const readings = new WeakMap<RuleSet, WeakMap<ReadonlySet<number>, Reading>>();

function readingOf(set: RuleSet, off: ReadonlySet<number>): Reading {
  const confirmed = readings.get(set) ?? new WeakMap<ReadonlySet<number>, Reading>();
  readings.set(set, confirmed);
  const reading = confirmed.get(off) ?? read(set, off);
  confirmed.set(off, reading);
  return reading;
}

function read(set: RuleSet, off: ReadonlySet<number>): Reading {
  const names: RightName[] = [...set.retired];
  const byGroup = new Map<string, Given[]>();
  for (const [place, rule] of set.rules.entries()) {
    if (off.has(place)) continue;
    names.push(...rightsOf(rule));
    for (const { group, name, vouched: trusted } of set.bindings[matchOf(rule)] ?? []) {
      const rights = rightsOf(rule, name);
      names.push(...rights);
      const entry = byGroup.get(group) ?? [];
      byGroup.set(group, entry);
      for (const right of rights) entry.push({ ...right, rule: place, vouched: trusted });
    }
  }
  return { managed: managedOf(names), given: byGroup };
}

/** What a rule grants to a group bound by that name; without a name: its literal roles. */
function rightsOf(rule: Rule, name = ''): readonly RightName[] {
  const { project } = rule;
  const org = rule.orgRoles.map((role) => ({ project: null, role }));
  if (project === null) return org;
  return [...org, ...rule.roles.flatMap((role) => roleFor(role, name) ?? []).map((role) => ({ project, role }))];
}

/**
 * The rights a user should have: (current, not managed) + what trusted memberships grant by trusted bindings +
 * (current, and granted by any membership). Current rights keep their order, new roles follow sorted. `held` if equal.
 * @param ownGifts what the rules granted to this user: a first set revokes only these
 */
export function wanted(
  set: RuleSet,
  held: Rights,
  memberships: Memberships,
  off: ReadonlySet<number> = NONE_OFF,
  ownGifts: readonly RightName[] = [],
): Rights {
  const own =
    set.first === true ? managedOf(ownGifts.filter((name) => isManaged(managed(set, off), name))) : managed(set, off);
  const byVouched = memberships.vouched.flatMap((group) => given(set, group, off));
  const keeps = managedOf([...byVouched, ...memberships.others.flatMap((group) => given(set, group, off))]);
  const gives = managedOf(byVouched.filter(({ vouched: trusted }) => trusted));

  const org = roles(held.org, own.org, keeps.org, gives.org);
  const projects = new Map<string, Authorization>();
  for (const [project, authorization] of held.projects) {
    const next = roles(
      authorization.roles,
      own.projects.get(project),
      keeps.projects.get(project),
      gives.projects.get(project),
    );
    if (next === authorization.roles) projects.set(project, authorization);
    else if (next.length > 0) projects.set(project, { id: authorization.id, roles: next });
  }
  for (const [project, added] of [...gives.projects].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (!held.projects.has(project)) projects.set(project, { id: null, roles: [...added].toSorted() });

  const same =
    org === held.org &&
    projects.size === held.projects.size &&
    [...projects].every(([project, authorization]) => held.projects.get(project) === authorization);
  return same ? held : { org, projects };
}

const NO_ROLES: ReadonlySet<string> = new Set();

/** One entry; `held` itself if nothing differs. */
function roles(
  held: readonly string[],
  own: ReadonlySet<string> = NO_ROLES,
  keeps: ReadonlySet<string> = NO_ROLES,
  gives: ReadonlySet<string> = NO_ROLES,
): readonly string[] {
  const kept = held.filter((role) => !own.has(role) || keeps.has(role));
  const added = [...gives].filter((role) => !held.includes(role));
  return kept.length === held.length && added.length === 0 ? held : [...kept, ...added.toSorted()];
}

/** Roles of a project that are created if it lacks them. */
export function createsOf(set: RuleSet, project: string): readonly string[] {
  const makers = set.rules.filter((rule) => rule.createRoles && rule.project === project);
  const names = makers.flatMap((rule) =>
    (set.bindings[matchOf(rule)] ?? [])
      .filter(({ vouched: trusted }) => trusted)
      .flatMap(({ name }) => rightsOf(rule, name)),
  );
  return [...new Set(names.flatMap((right) => (right.project === project ? [right.role] : [])))];
}

/** Projects whose roles are granted by rules. */
export const projectsOf = (rules: readonly Rule[]): readonly string[] => [
  ...new Set(rules.flatMap(({ project }) => project ?? [])),
];

export { offRules } from './off.ts';
