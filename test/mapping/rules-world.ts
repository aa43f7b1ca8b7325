/** Arbitrary rule sets, groups and rights from few names, so that they meet. */
import fc from 'fast-check';
import type { Facts } from '../../src/mapping/facts.ts';
import { overlay } from '../../src/mapping/facts.ts';
import { type Authorization, factsOfRights, type Rights, rightsOfFacts } from '../../src/mapping/rights.ts';
import { applied, bind, NO_RULES } from '../../src/mapping/rules/rules.ts';
import { type Memberships, type Named, type Rule, type RuleSet } from '../../src/mapping/rules/types.ts';
import type { Step } from '../../src/mapping/steps.ts';

const PROJECTS = ['p1', 'p2'];
const NAMES = ['Sales', 'Sales EU', 'Support', ' Desk ', 'reader'];
const ORG_ROLES = ['ORG_OWNER_VIEWER', 'ORG_USER_MANAGER', 'ORG_OWNER'];
const ROLES = ['reader', 'editor', 'Sales', 'Support', 'by hand'];
const IDS = ['g0', 'g1', 'g2', 'g3'];

export const groupIds = fc.subarray(IDS);

export const arbitraryRule: fc.Arbitrary<Rule> = fc
  .record({
    by: fc.constantFrom('displayName' as const, 'externalId' as const),
    pattern: fc.constantFrom('Sales', 'Sales*', '*', 'S*E*', 'reader', 'Support'),
    orgRoles: fc.subarray(ORG_ROLES),
    project: fc.option(fc.constantFrom(...PROJECTS), { nil: null }),
    roles: fc.subarray(['reader', 'editor', '{displayName}']),
    createRoles: fc.boolean(),
    allowPrivileged: fc.boolean(),
  })
  .map((rule) => ({ ...rule, roles: rule.project === null ? [] : rule.roles }));

export const arbitraryRules = fc.array(arbitraryRule, { maxLength: 4 });

const named = (trusted: fc.Arbitrary<boolean>): fc.Arbitrary<Named> =>
  fc
    .record({
      id: fc.constantFrom(...IDS),
      displayName: fc.constantFrom(...NAMES),
      externalId: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
      vouched: trusted,
    })
    .map(({ externalId, ...rest }) => {
      const group = { ...rest, externalIdVouched: rest.vouched };
      return externalId === undefined ? group : { ...group, externalId };
    });

export const arbitraryDefinition = named(fc.boolean());
/** Groups of different ids. */
export const arbitraryGroups = fc.uniqueArray(named(fc.constant(true)), { selector: ({ id }) => id, maxLength: 4 });

/** Bound by SCIM and `groups apply`. */
export const arbitraryVouchedSet: fc.Arbitrary<RuleSet> = fc
  .tuple(arbitraryRules, arbitraryRules, arbitraryGroups, fc.array(arbitraryDefinition, { maxLength: 6 }), fc.boolean())
  .map(([old, rules, groups, definitions, changed]) => {
    const first = applied(NO_RULES, changed ? old : rules, groups);
    return definitions.reduce(bind, changed ? applied(first, rules, groups) : first);
  });

/** As it was read from ZITADEL: no binding is vouched for; some are confirmed then. */
export const arbitrarySet: fc.Arbitrary<RuleSet> = fc
  .tuple(arbitraryVouchedSet, fc.array(arbitraryDefinition, { maxLength: 3 }), fc.boolean())
  .map(([set, definitions, rebuilt]) => (rebuilt ? definitions.reduce(bind, unvouched(set)) : set));

export const unvouched = (set: RuleSet): RuleSet => ({
  ...set,
  bindings: Object.fromEntries(
    Object.entries(set.bindings).map(([match, bound]) => [match, bound.map((one) => ({ ...one, vouched: false }))]),
  ),
});

const someRoles = (from: readonly string[]) => fc.shuffledSubarray([...from]);

export const arbitraryRights: fc.Arbitrary<Rights> = fc
  .tuple(someRoles(ORG_ROLES), fc.subarray(PROJECTS), fc.array(someRoles(ROLES), { minLength: 2, maxLength: 2 }))
  .map(([org, projects, roles]) => ({
    org,
    projects: new Map(
      projects.map((project, at): [string, Authorization] => [project, { id: `a-${project}`, roles: roles[at] ?? [] }]),
    ),
  }));

export const arbitraryMemberships: fc.Arbitrary<Memberships> = fc
  .tuple(fc.shuffledSubarray(IDS), fc.nat(4))
  .map(([ids, cut]) => ({ vouched: ids.slice(0, cut), others: ids.slice(cut) }));

/** ZITADEL's side of a step: the facts it leaves. */
export const stepped = (rights: Rights, { after }: Step): Rights =>
  rightsOfFacts(overlay(factsOfRights(rights), after ?? {}) satisfies Facts);

/** Each role as one text, e.g. `p1 editor`. */
export const texts = ({ org, projects }: Rights): ReadonlySet<string> =>
  new Set([
    ...org.map((role) => `organization ${role}`),
    ...[...projects].flatMap(([project, { roles }]) => roles.map((role) => `${project} ${role}`)),
  ]);
