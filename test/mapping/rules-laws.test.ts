import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applied, bind, finished, given, managed, NO_RULES, unbind, wanted } from '../../src/mapping/rules/rules.ts';
import { type Managed, type RuleSet } from '../../src/mapping/rules/types.ts';
import {
  arbitraryDefinition,
  arbitraryGroups,
  arbitraryMemberships,
  arbitraryRights,
  arbitraryRules,
  arbitrarySet,
  arbitraryVouchedSet,
  groupIds,
  texts,
  unvouched,
} from './rules-world.ts';

const managedTexts = ({ org, projects }: Managed): ReadonlySet<string> =>
  texts({
    org: [...org],
    projects: new Map([...projects].map(([project, roles]) => [project, { id: null, roles: [...roles] }])),
  });
const NOBODY = { vouched: [], others: [] };
const bindingTexts = ({ bindings }: RuleSet): readonly string[] =>
  Object.entries(bindings).flatMap(([match, bound]) => bound.map((one) => `${match} ${JSON.stringify(one)}`));

test('rights do not depend on the order of the memberships', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, { vouched: trusted, others }) => {
      const backwards = { vouched: trusted.toReversed(), others: others.toReversed() };
      assert.deepEqual(wanted(set, held, { vouched: trusted, others }), wanted(set, held, backwards));
    }),
  );
});

test('memberships that arrive one by one end in the same rights, whatever their order', () => {
  fc.assert(
    fc.property(arbitraryVouchedSet, arbitraryRights, arbitraryMemberships, (set, held, { vouched: order }) => {
      let now = held;
      for (let n = 0; n <= order.length; n += 1) now = wanted(set, now, { vouched: order.slice(0, n), others: [] });
      assert.deepEqual(texts(now), texts(wanted(set, held, { vouched: order, others: [] })));
    }),
    { numRuns: 1000 },
  );
});

test('globs and externalIds bind the same groups in whatever order the groups arrive', () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryGroups, arbitraryRights, (all, groups, held) => {
      const rules = all.filter(({ by, pattern }) => by === 'externalId' || pattern.includes('*'));
      const empty: RuleSet = { ...NO_RULES, rules };
      const forth = groups.reduce(bind, empty);
      const back = groups.toReversed().reduce(bind, empty);
      assert.deepEqual(new Set(bindingTexts(forth)), new Set(bindingTexts(back)));
      const everywhere = { vouched: groups.map(({ id }) => id), others: [] };
      assert.deepEqual(wanted(forth, held, everywhere), wanted(back, held, everywhere));
    }),
  );
});

test('roles that no rule manages never change', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, memberships) => {
      const next = wanted(set, held, memberships);
      const own = managed(set);
      const free = (roles: readonly string[] | undefined, of: ReadonlySet<string> | undefined) =>
        roles?.filter((role) => !of?.has(role)) ?? [];
      assert.deepEqual(free(next.org, own.org), free(held.org, own.org));
      for (const project of new Set([...held.projects.keys(), ...next.projects.keys()])) {
        const of = own.projects.get(project);
        const before = held.projects.get(project);
        const after = next.projects.get(project);
        assert.deepEqual(free(after?.roles, of), free(before?.roles, of));
        if (before && after) assert.equal(after.id, before.id);
        if (!before?.roles.some((role) => of?.has(role)) && before !== undefined) assert.ok(after !== undefined);
      }
    }),
    { numRuns: 1000 },
  );
});

test('what nobody vouched for keeps rights and gives none', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, { vouched: trusted, others }) => {
      const all = [...trusted, ...others];
      for (const next of [
        wanted(set, held, { vouched: [], others: all }),
        wanted(unvouched(set), held, { vouched: all, others: [] }),
      ]) {
        const before = texts(held);
        const after = texts(next);
        for (const role of after) assert.ok(before.has(role), `${role} is new`);
        const kept = new Set(
          all.flatMap((group) => given(set, group)).map((one) => `${one.project ?? 'organization'} ${one.role}`),
        );
        for (const role of before) if (kept.has(role)) assert.ok(after.has(role), `${role} is lost`);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a user ends with exactly what the groups give of what is managed', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, groupIds, (set, held, groups) => {
      const next = texts(wanted(set, held, { vouched: groups, others: [] }));
      const own = managedTexts(managed(set));
      const gives = groups.flatMap((group) => given(set, group));
      const must = new Set(
        gives.filter((one) => one.vouched).map((one) => `${one.project ?? 'organization'} ${one.role}`),
      );
      const may = new Set(gives.map((one) => `${one.project ?? 'organization'} ${one.role}`));
      for (const role of must) assert.ok(next.has(role), `${role} is missing`);
      for (const role of next) if (own.has(role)) assert.ok(may.has(role), `${role} is too much`);
      for (const role of may) assert.ok(own.has(role), `${role} is given and not managed`);
    }),
    { numRuns: 1000 },
  );
});

test('wanted of wanted is the same object', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, memberships) => {
      const next = wanted(set, held, memberships);
      assert.equal(wanted(set, next, memberships), next);
    }),
    { numRuns: 1000 },
  );
});

test('rules that are off neither give nor take', () => {
  fc.assert(
    fc.property(
      arbitrarySet,
      arbitraryRights,
      arbitraryMemberships,
      fc.subarray([0, 1, 2, 3]),
      (set, held, of, places) => {
        const off = new Set(places);
        const without = { ...set, rules: set.rules.filter((_rule, place) => !off.has(place)) };
        assert.deepEqual(wanted(set, held, of, off), wanted(without, held, of));
        assert.deepEqual(managed(set, off), managed(without));
      },
    ),
  );
});

test('a definition that was seen changes nothing when it is seen again', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryDefinition, (set, group) => {
      const once = bind(set, group);
      assert.equal(bind(once, group), once);
      const without = unbind(once, group.id);
      assert.equal(unbind(without, group.id), without);
      assert.ok(bindingTexts(without).every((text) => !text.includes(`"${group.id}"`)));
    }),
    { numRuns: 1000 },
  );
});

test('a definition nobody vouched for binds nothing and confirms nothing', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryDefinition, (set, group) => {
      const before = new Set(bindingTexts(set));
      for (const text of bindingTexts(bind(set, { ...group, vouched: false, externalIdVouched: false })))
        assert.ok(before.has(text), text);
    }),
  );
});

test('a name that was said does not vouch for an externalId that was not', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryDefinition, (set, group) => {
      const before = new Set(bindingTexts(set));
      const after = bindingTexts(bind(set, { ...group, vouched: true, externalIdVouched: false }));
      for (const text of after) if (text.startsWith('externalId:')) assert.ok(before.has(text), text);
    }),
  );
});

test('a rename binds and confirms, it never unbinds a displayName rule', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryDefinition, (set, group) => {
      const after = bind(set, group);
      for (const [match, bound] of Object.entries(set.bindings)) {
        if (match.startsWith('externalId:')) continue;
        const names = (of: RuleSet) =>
          of.bindings[match]?.slice(0, bound.length).map((one) => `${one.group} ${one.name}`);
        assert.deepEqual(names(after), names(set));
      }
    }),
  );
});

test('an exact displayName rule is bound to one group at most', () => {
  fc.assert(
    fc.property(arbitrarySet, (set) => {
      for (const [match, bound] of Object.entries(set.bindings))
        if (match.startsWith('displayName:') && !match.includes('*')) assert.ok(bound.length <= 1, match);
    }),
  );
});

test('what ended or was taken out of the rules is taken away, until an apply is finished', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRules, arbitraryGroups, arbitraryRights, (before, rules, groups, held) => {
      const set = applied(before, rules, groups);
      const bare = texts(wanted(set, held, NOBODY));
      for (const role of managedTexts(managed(before))) assert.ok(!bare.has(role), role);
      const afterwards = finished(set);
      assert.deepEqual(managed(afterwards), managed({ ...set, retired: [] }));
      assert.equal(finished(afterwards), afterwards);
      for (const group of groups) {
        for (const next of [unbind(before, group.id), bind(before, group)]) {
          const gone = texts(wanted(next, held, NOBODY));
          for (const role of managedTexts(managed(before))) assert.ok(!gone.has(role), role);
        }
      }
    }),
  );
});

test('applied again, the same rules bind the same groups', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRules, arbitraryGroups, (before, rules, groups) => {
      const once = applied(before, rules, groups);
      assert.deepEqual(finished(applied(once, rules, groups)), finished(once));
      for (const group of groups) assert.deepEqual(bind(once, group), once);
    }),
  );
});

test('a rule set is JSON', () => {
  fc.assert(fc.property(arbitrarySet, (set) => assert.deepEqual(JSON.parse(JSON.stringify(set)), set)));
});
