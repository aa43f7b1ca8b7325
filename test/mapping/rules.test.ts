import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Rights } from '../../src/mapping/rights.ts';
import {
  applied,
  bind,
  createsOf,
  given,
  managed,
  NO_RULES,
  offRules,
  projectsOf,
  textOf,
  unbind,
  wanted,
} from '../../src/mapping/rules/rules.ts';
import { type Named, type Rule, type RuleSet } from '../../src/mapping/rules/types.ts';
import { matches } from '../../src/mapping/rules/glob.ts';
import { unvouched } from './rules-world.ts';

const rule = (more: Partial<Rule> = {}): Rule => ({
  by: 'displayName',
  pattern: 'Sales',
  orgRoles: [],
  project: 'p1',
  roles: ['editor'],
  createRoles: false,
  allowPrivileged: false,
  ...more,
});
const group = (id: string, displayName: string, more: Partial<Named> = {}): Named => ({
  id,
  displayName,
  vouched: true,
  externalIdVouched: more.vouched ?? true,
  ...more,
});
const withRules = (...rules: Rule[]) => ({ ...NO_RULES, rules });
const NOTHING: Rights = { org: [], projects: new Map() };
const inP1 = (...roles: string[]): Rights => ({ org: [], projects: new Map([['p1', { id: 'a1', roles }]]) });
const member = (...trusted: string[]) => ({ vouched: trusted, others: [] });

describe('binding', () => {
  test('a rename keeps the rights, another group of that name gets none', () => {
    const first = bind(withRules(rule()), group('g1', 'Sales'));
    const renamed = bind(first, group('g1', 'Marketing'));
    assert.equal(renamed, first);
    const second = bind(renamed, group('g2', 'Sales'));
    assert.equal(second, first);
    assert.deepEqual(
      given(second, 'g1').map(({ role }) => role),
      ['editor'],
    );
    assert.deepEqual(given(second, 'g2'), []);
  });

  test('once the group is deleted, the next of that name is bound', () => {
    const set = unbind(bind(withRules(rule()), group('g1', 'Sales')), 'g1');
    assert.deepEqual(given(set, 'g1'), []);
    assert.deepEqual(given(bind(set, group('g2', 'Sales')), 'g2').length, 1);
  });

  test('groups apply gives an exact rule to the first group of that name, and else leaves it where it was', () => {
    const set = bind(withRules(rule()), group('g1', 'Sales'));
    const renamed = group('g1', 'Marketing');
    const kept = applied(set, set.rules, [renamed, group('g2', 'Support')]);
    assert.deepEqual(kept.bindings, { 'displayName:Sales': [{ group: 'g1', name: 'Marketing', vouched: true }] });
    const moved = applied(set, set.rules, [renamed, group('g2', 'Sales'), group('g3', 'Sales')]);
    assert.deepEqual(moved.bindings, { 'displayName:Sales': [{ group: 'g2', name: 'Sales', vouched: true }] });
    assert.deepEqual(applied(set, set.rules, []).bindings, {});
  });

  test('a glob binds every group it matches and keeps those that are renamed', () => {
    const set = ['Sales EU', 'Sales US', 'sales', 'Help'].reduce<RuleSet>(
      (now, name, n) => bind(now, group(`g${n}`, name)),
      withRules(rule({ pattern: 'Sales*' })),
    );
    const bound = (of: typeof set) => of.bindings['displayName:Sales*']?.map((one) => one.group);
    assert.deepEqual(bound(set), ['g0', 'g1']);
    const groups = [group('g0', 'Elsewhere'), group('g2', 'Sales'), group('g3', 'Help')];
    assert.deepEqual(bound(applied(set, set.rules, groups)), ['g0', 'g2']);
  });

  test('an externalId rule is bound to the groups that have the externalId now', () => {
    const set = withRules(rule({ by: 'externalId', pattern: '00g*' }));
    const one = bind(set, group('g1', 'A', { externalId: '00g1' }));
    const two = bind(one, group('g2', 'A', { externalId: '00g2' }));
    assert.equal(bind(two, group('g3', '00g3')), two);
    const less = bind(two, group('g1', 'A', { externalId: 'other' }));
    assert.deepEqual(
      less.bindings['externalId:00g*']?.map((binding) => binding.group),
      ['g2'],
    );
  });

  test('rules with one match share their groups', () => {
    const set = withRules(rule(), rule({ project: null, roles: [], orgRoles: ['ORG_OWNER_VIEWER'] }));
    const bound = bind(bind(set, group('g1', 'Sales')), group('g2', 'Sales'));
    assert.deepEqual(given(bound, 'g1'), [
      { project: 'p1', role: 'editor', rule: 0, vouched: true },
      { project: null, role: 'ORG_OWNER_VIEWER', rule: 1, vouched: true },
    ]);
    assert.deepEqual(given(bound, 'g2'), []);
  });

  test('read from ZITADEL, a binding keeps rights and gives none until SCIM writes the group', () => {
    const set = unvouched(bind(withRules(rule()), group('g1', 'Sales')));
    assert.equal(wanted(set, NOTHING, member('g1')), NOTHING);
    assert.deepEqual(wanted(set, inP1('editor'), member('g1')), inP1('editor'));
    assert.equal(bind(set, group('g1', 'Sales', { vouched: false })), set);
    assert.equal(bind(set, group('g1', 'Renamed')), set);
    const confirmed = bind(set, group('g1', 'Sales'));
    assert.deepEqual(wanted(confirmed, inP1(), member('g1')), inP1('editor'));
  });

  test('a name read from ZITADEL names no role, though the group is confirmed by another name', () => {
    const templated = rule({ pattern: '*', roles: ['{displayName}'] });
    const forged = {
      ...withRules(templated),
      bindings: { 'displayName:*': [{ group: 'g1', name: 'admin', vouched: false }] },
    };
    const set = bind(forged, group('g1', 'Sales'));
    assert.deepEqual(wanted(set, NOTHING, member('g1')), NOTHING);
    const confirmed = applied(set, set.rules, [group('g1', 'Sales')]);
    assert.deepEqual(wanted(confirmed, inP1('admin', 'x'), member('g1')), inP1('x', 'Sales'));
  });
});

describe('templates', () => {
  const templated = rule({ pattern: '*', roles: ['{displayName}'], createRoles: true });
  const roleOf = (name: string) => given(bind(withRules(templated), group('g1', name)), 'g1').map(({ role }) => role);

  test('the role is called as the group: trimmed, at most 200 characters, nothing for a blank name', () => {
    assert.deepEqual(roleOf('  Sales $& EU '), ['Sales $& EU']);
    assert.deepEqual(roleOf('𝒳'.repeat(201)), ['𝒳'.repeat(200)]);
    assert.deepEqual(roleOf(' '), []);
  });

  test('the name of the role stays when the group is renamed, until groups apply', () => {
    const set = bind(bind(withRules(templated), group('g1', 'Sales')), group('g1', 'Marketing'));
    assert.deepEqual(createsOf(set, 'p1'), ['Sales']);
    const after = applied(set, set.rules, [group('g1', 'Marketing')]);
    assert.deepEqual(createsOf(after, 'p1'), ['Marketing']);
    assert.deepEqual(wanted(after, inP1('Sales', 'hand'), member('g1')), inP1('hand', 'Marketing'));
  });

  test('a deleted group takes its role with it, from whoever still holds it', () => {
    const set = unbind(bind(withRules(templated), group('g1', 'Sales')), 'g1');
    assert.deepEqual(wanted(set, inP1('Sales', 'hand'), member()), inP1('hand'));
  });

  test('a group that an externalId rule lets go takes its role with it', () => {
    const set = bind(
      withRules({ ...templated, by: 'externalId', pattern: '00g*' }),
      group('g1', 'Sales', { externalId: '00g1' }),
    );
    assert.equal(wanted(set, inP1('Sales'), member('g1')).projects.size, 1);
    const less = bind(set, group('g1', 'Sales', { externalId: 'other' }));
    assert.deepEqual(wanted(less, inP1('Sales', 'hand'), member('g1')), inP1('hand'));
  });

  test('only rules with createRoles make roles, of their own project, of confirmed groups', () => {
    const set = bind(
      withRules(templated, rule(), rule({ project: 'p2', createRoles: true, orgRoles: ['ORG_OWNER_VIEWER'] })),
      group('g1', 'Sales'),
    );
    assert.deepEqual(createsOf(set, 'p1'), ['Sales']);
    assert.deepEqual(createsOf(set, 'p2'), ['editor']);
    assert.deepEqual(createsOf(unvouched(set), 'p1'), []);
  });
});

describe('wanted', () => {
  const set = bind(withRules(rule({ orgRoles: ['ORG_OWNER_VIEWER'] })), group('g1', 'Sales'));

  test('what is held keeps its order, what is new follows sorted', () => {
    const more = bind(withRules(rule({ roles: ['z', 'b', 'a'] })), group('g1', 'Sales'));
    assert.deepEqual(wanted(more, inP1('x', 'b'), member('g1')), inP1('x', 'b', 'a', 'z'));
  });

  test('the last role of a project takes the authorization with it; one without managed roles stays', () => {
    assert.deepEqual(wanted(set, inP1('editor'), member()), NOTHING);
    assert.deepEqual(wanted(set, inP1('editor', 'hand'), member()), inP1('hand'));
    for (const held of [inP1('hand'), inP1()]) assert.equal(wanted(set, held, member()), held);
  });

  test('new authorizations come in one order, with their roles sorted', () => {
    const rules = [rule({ project: 'p2', roles: ['z', 'a'] }), rule({ roles: ['y', 'b'] })];
    const next = wanted(bind(withRules(...rules), group('g1', 'Sales')), NOTHING, member('g1'));
    const listed = [...next.projects].map(([project, { roles }]) => [project, roles]);
    assert.deepEqual(listed, [
      ['p1', ['b', 'y']],
      ['p2', ['a', 'z']],
    ]);
  });

  test('a first role makes an authorization whose id is not known yet', () => {
    assert.deepEqual(wanted(set, NOTHING, member('g1')), {
      org: ['ORG_OWNER_VIEWER'],
      projects: new Map([['p1', { id: null, roles: ['editor'] }]]),
    });
  });

  test('a role of one project is not managed in another', () => {
    const held: Rights = { org: ['editor'], projects: new Map([['p2', { id: 'a2', roles: ['editor'] }]]) };
    assert.equal(wanted(set, held, member()), held);
    assert.deepEqual([...managed(set).projects], [['p1', new Set(['editor'])]]);
  });
});

test('an apply retires what the old rules managed and the new ones do not, also what was retired before', () => {
  const before = bind(withRules(rule({ roles: ['{displayName}', 'editor', 'viewer'] })), group('g1', 'Sales'));
  const next = applied(before, [rule({ roles: ['editor', 'admin'] })], [group('g1', 'Sales')]);
  assert.deepEqual(next.retired, [
    { project: 'p1', role: 'viewer' },
    { project: 'p1', role: 'Sales' },
  ]);
  const last = applied(next, [rule({ roles: ['Sales'] })], []);
  assert.deepEqual(new Set(last.retired.map(({ role }) => role)), new Set(['viewer', 'editor', 'admin']));
});

describe('offRules', () => {
  const MANAGER = ['user.grant.write', 'project.role.read'];
  const OWNER = [...MANAGER, 'org.member.read', 'org.member.write', 'org.member.delete', 'project.role.write'];
  const catalogue = (permissions: readonly string[]) => ({
    permissions,
    orgRoles: ['ORG_OWNER', 'ORG_OWNER_VIEWER'],
    projects: new Map([
      ['p1', ['editor']],
      ['p2', undefined],
    ]),
  });
  const why = (one: Rule, permissions: readonly string[] = OWNER) => offRules([one], catalogue(permissions)).get(0);
  const org = (role: string, allowPrivileged = false) =>
    rule({ orgRoles: [role], project: null, roles: [], allowPrivileged });

  test('what can be carried out is not off', () => {
    assert.deepEqual(offRules([rule(), org('ORG_OWNER_VIEWER'), org('ORG_OWNER', true)], catalogue(OWNER)), new Map());
    assert.deepEqual(offRules([rule({ roles: ['{displayName}'] })], catalogue(MANAGER)), new Map());
    assert.deepEqual(offRules([org('ORG_ANY', true)], { ...catalogue(OWNER), orgRoles: undefined }), new Map());
  });

  test('each fault is named with its place', () => {
    const rules = [rule(), rule({ roles: ['none'] })];
    assert.deepEqual(
      offRules(rules, catalogue(OWNER)),
      new Map([[1, 'project p1 has no role none: add it there, or set createRoles: true']]),
    );
    const lines: readonly (readonly [Rule, readonly string[], string])[] = [
      [
        org('ORG_OWNER_VIEWER'),
        MANAGER,
        'roles in the organization need the permission org.member.read, org.member.write, org.member.delete, which ORG_OWNER has',
      ],
      [org('ORG_ANY', true), OWNER, 'ORG_ANY is not a role in an organization'],
      [org('ORG_OWNER'), OWNER, 'ORG_OWNER can be given with allowPrivileged: true only'],
      [rule({ project: 'p2' }), OWNER, 'there is no project p2, or the service user does not see it'],
      [rule({ project: 'p3' }), OWNER, 'there is no project p3, or the service user does not see it'],
      [rule(), [], 'roles of a project need the permission user.grant.write, which ORG_USER_MANAGER has'],
    ];
    for (const [one, permissions, line] of lines) assert.equal(why(one, permissions), line);
  });

  test('createRoles needs the right to make roles, where a role is missing or called as a group', () => {
    const line = 'createRoles needs the permission project.role.write, which ORG_OWNER has';
    for (const roles of [['new'], ['{displayName}']]) {
      assert.equal(why(rule({ roles, createRoles: true }), MANAGER), line);
      assert.equal(why(rule({ roles, createRoles: true })), undefined);
    }
    assert.equal(why(rule({ createRoles: true }), MANAGER), undefined);
  });
});

test('a glob matches as its regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, value) => {
      const source = pattern.replaceAll('.', String.raw`\.`).replaceAll(/\*+/g, '[^]*');
      assert.equal(matches(pattern, value), new RegExp(`^${source}$`).test(value));
    }),
    { numRuns: 3000 },
  );
});

test('a rule in one line, and its projects', () => {
  const one = rule({ orgRoles: ['ORG_OWNER'], roles: ['a', '{displayName}'], createRoles: true });
  assert.equal(
    textOf(one),
    'displayName "Sales" gives organization: ORG_OWNER; project p1: a, {displayName} (made if missing)',
  );
  assert.deepEqual(projectsOf([one, one, rule({ project: null }), rule({ project: 'p2' })]), ['p1', 'p2']);
});
