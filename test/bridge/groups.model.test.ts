/** The laws of memberships and rights over random interleavings of requests, crashes, outages, syncs, and hands in ZITADEL's console. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupsOf } from '../../src/bridge/row/kinds.ts';
import { groupKey, MEMBER, membershipsOf, RULES_KEY } from '../../src/mapping/groups.ts';
import { isIn, namesOf, rightsOfFacts } from '../../src/mapping/rights.ts';
import { matchOf, wanted } from '../../src/mapping/rules/rules.ts';
import { type Rule, type RuleSet } from '../../src/mapping/rules/types.ts';
import { REFUSED_ROLE } from './fake-rights.ts';
import { begun, type Command, createInterleavings, type World } from './interleavings.ts';
import { statusFrom, statusOf } from './setting.ts';

const { setUp, command, pass, recover, conditions, hold } = createInterleavings<GroupWorld>(check);

const rule = (over: Partial<Rule>): Rule => ({
  by: 'displayName',
  pattern: '',
  orgRoles: [],
  project: null,
  roles: [],
  createRoles: false,
  allowPrivileged: true,
  ...over,
});

const RULES = [
  rule({ pattern: 'Help*', orgRoles: ['ORG_USER_MANAGER'] }),
  rule({ pattern: 'Dev', project: 'p1', roles: ['editor'] }),
  rule({ pattern: 'Team*', project: 'p1', roles: ['reader', '{displayName}'], createRoles: true }),
  rule({ pattern: 'Bad', orgRoles: [REFUSED_ROLE] }),
];

const NAMES = ['Help A', 'Help B', 'Dev', 'Team x', 'Other', 'Bad'];
/** Nobody manages it. */
const OWN_ROLE = 'ORG_PROJECT_CREATOR';

interface Group {
  readonly id: string;
  /** by user: whether it may be a member in the end */
  readonly possible: Map<string, Set<boolean>>;
  /** no: nobody asked. maybe: asked, not answered. yes: answered */
  deleted: 'no' | 'maybe' | 'yes';
}

interface GroupWorld extends World {
  readonly users: string[];
  /** those whose deletion was answered, or may have been done */
  readonly gone: Set<string>;
  readonly groups: Group[];
  /** who was given OWN_ROLE in the console */
  readonly given: Set<string>;
  /** `user role`: roles that rules manage and the console gave */
  readonly byHand: Set<string>;
}

const NO_MEMBERS = { members: false } as const;

async function create(world: GroupWorld, displayName: string, members: readonly string[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const hash = `${displayName}${(world.made += 1)}`;
  const answer = await life.survive(
    tenant.groups.create(ctx, { displayName, members, hash }).catch((error: unknown) => statusOf(error)),
  );
  if (typeof answer !== 'object') return;
  answer.ended(true);
  const possible = new Map(world.users.map((user) => [user, new Set([members.includes(user)])]));
  world.groups.push({ id: answer.resource.id, possible, deleted: 'no' });
}

type Wish = readonly [user: number, joins: boolean];

async function change(world: GroupWorld, group: Group, requests: readonly (readonly Wish[])[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const answers = await Promise.all(
    requests.map(async (wishes) => {
      const members = wishes.map(([user, joins]) => ({
        kind: joins ? ('add' as const) : ('remove' as const),
        ids: [userOf(world, user)],
      }));
      const status = await life.survive(statusFrom(tenant.groups.edit(ctx, group.id, { members }, NO_MEMBERS)));
      return { wishes, status };
    }),
  );
  for (const user of world.users) {
    const ours = answers.flatMap(({ wishes, status }) => {
      const last = wishes.findLast(([each]) => userOf(world, each) === user);
      return last === undefined ? [] : [{ joins: last[1], status }];
    });
    const done = ours.filter(({ status }) => status === 200).map(({ joins }) => joins);
    const may = ours.filter(({ status }) => status !== 200 && status !== 404).map(({ joins }) => joins);
    if (done.length + may.length === 0) continue;
    const before = done.length === 0 ? [...(group.possible.get(user) ?? [])] : [];
    group.possible.set(user, new Set([...before, ...done, ...may]));
  }
}

async function replace(world: GroupWorld, group: Group, members: readonly number[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const ids = members.map((user) => userOf(world, user));
  const edit = { members: [{ kind: 'replace' as const, ids }] };
  const status = await life.survive(statusFrom(tenant.groups.edit(ctx, group.id, edit, NO_MEMBERS)));
  if (status === 404) return;
  for (const user of world.users) {
    const before = status === 200 ? [] : [...(group.possible.get(user) ?? [])];
    group.possible.set(user, new Set([...before, ids.includes(user)]));
  }
}

async function rename(world: GroupWorld, group: Group, displayName: string): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  await life.survive(statusFrom(tenant.groups.edit(ctx, group.id, { displayName, members: [] }, NO_MEMBERS)));
}

async function remove(world: GroupWorld, group: Group): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(statusFrom(tenant.groups.remove(ctx, group.id)));
  if (status === 200) group.deleted = 'yes';
  else if (status !== 404 && group.deleted === 'no') group.deleted = 'maybe';
}

async function removeUser(world: GroupWorld, user: string): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(statusFrom(tenant.users.remove(ctx, user)));
  if (status === 200 || status === undefined || status === 503) world.gone.add(user);
}

/** What is read is what was answered. */
async function check(world: GroupWorld): Promise<void> {
  const { tenant, ctx } = world.setting;
  for (const group of world.groups) {
    const answer = await tenant.groups.get(ctx, group.id, { members: true }).catch(statusOf);
    if (typeof answer === 'number') {
      assert.ok(group.deleted !== 'no', `${group.id} was answered and is not shown: ${answer}`);
      continue;
    }
    assert.notEqual(group.deleted, 'yes', 'it was deleted and is shown');
    const ids = new Set(answer.members?.map(({ id }) => id));
    for (const [user, possible] of group.possible)
      if (!world.gone.has(user) && group.deleted === 'no')
        assert.ok(possible.has(ids.has(user)), `${user} ${ids.has(user) ? 'is' : 'is not'} shown as a member`);
  }
}

/** ZITADEL is well for good: everything comes to rest as it was answered, and rights are what the rules say. */
async function settle(world: GroupWorld): Promise<void> {
  await recover(world);
  const { setting } = world;
  const { zitadel, store, tenant, ctx } = setting;
  const shelves = [ctx.tenant, groupsOf(ctx.tenant)];
  for (let rounds = 0; ; rounds += 1) {
    assert.ok(rounds < 12, 'it never comes to rest');
    for (const shelf of shelves)
      for (const row of await store.withCondition(shelf, 'onHold', 100)) await tenant.operator.release(row.id);
    await setting.deliverAll();
    pass(world, 40_000);
    const event = await tenant.operator.sync({ acceptRemovals: true });
    assert.equal(event.kind, 'finished');
    const due = await Promise.all(shelves.map((shelf) => store.due(shelf, Number.MAX_SAFE_INTEGER, 1)));
    if (due.flat().length === 0 && rounds > 2) break;
  }
  await check(world);
  const { rightsHeld } = zitadel;
  const set = JSON.parse(rightsHeld.holder?.[RULES_KEY] ?? '{}') as RuleSet;
  for (const user of world.users) {
    const row = await setting.row(user);
    const facts = zitadel.people.get(user);
    if (facts === undefined) {
      assert.ok(world.gone.has(user), 'nobody is gone unasked');
      continue;
    }
    assert.ok(row !== undefined && row.pending.length === 0 && !row.doubt && row.recheck === null, 'at rest');
    const memberships = new Set(membershipsOf(facts));
    for (const { id, possible, deleted } of world.groups) {
      if (deleted === 'yes') assert.ok(!memberships.has(id), 'no member of a deleted group');
      else if (deleted === 'no') {
        assert.ok(possible.get(user)?.has(memberships.has(id)), 'membership as it was answered');
        assert.equal(facts[groupKey(id)] ?? MEMBER, MEMBER);
      }
    }
    const held = rightsOfFacts(rightsHeld.factsOf(user));
    const trusted = [...memberships].filter((id) => row.trusted.includes(id));
    const others = [...memberships].filter((id) => !row.trusted.includes(id));
    const { first, ...applied } = set;
    const should = wanted(applied, held, { vouched: trusted, others });
    const isRefused = row.deadLetters.some(({ facts: dead }) => JSON.stringify(dead).includes(REFUSED_ROLE));
    // before they are applied, rules leave what the console gave, and take all that they gave themselves
    if (first === true) {
      const extra = namesOf(held).filter((name) => !isIn(namesOf(should), name));
      for (const { role } of extra)
        assert.ok(world.byHand.has(`${user} ${role}`), `the rules gave ${role} and left it`);
      if (!isRefused)
        assert.deepEqual(
          namesOf(should).filter((name) => !isIn(namesOf(held), name)),
          [],
        );
    } else if (!isRefused) assert.deepEqual(plain(should), plain(held), 'rights are what the rules say');
    assert.equal(trusted.length, memberships.size, 'all came by SCIM');
    if (world.given.has(user) && !world.lates) assert.ok(held.org.includes(OWN_ROLE), 'what nobody manages stays');
  }
  for (const { id, deleted } of world.groups) {
    const isDefined = rightsHeld.holder?.[groupKey(id)] !== undefined;
    if (deleted !== 'maybe') assert.equal(isDefined, deleted === 'no', 'the holder has what is there');
  }
}

const plain = ({ org, projects }: ReturnType<typeof rightsOfFacts>): unknown => ({
  org: org.toSorted(),
  projects: [...projects].map(([project, { roles }]) => JSON.stringify([project, roles.toSorted()])).toSorted(),
});

const userOf = ({ users }: GroupWorld, n: number): string => users[n % users.length] ?? '';
const groupAt = ({ groups }: GroupWorld, n: number): Group | undefined => groups[n % Math.max(1, groups.length)];

/** Which of those that are there, counted round and round. */
const some = fc.nat({ max: 5 });
const wish: fc.Arbitrary<Wish> = fc.tuple(some, fc.boolean());

const COMMANDS: readonly fc.Arbitrary<Command<GroupWorld>>[] = [
  fc
    .tuple(fc.constantFrom(...NAMES), fc.array(some, { maxLength: 3 }))
    .map(([name, members]) =>
      command(`create ${name} of ${members.join(',')}`, (world) =>
        create(world, name, [...new Set(members.map((user) => userOf(world, user)))]),
      ),
    ),
  fc
    .tuple(some, fc.array(fc.array(wish, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }))
    .map(([n, requests]) =>
      command(`change ${n} ${JSON.stringify(requests)}`, async (world) => {
        const group = groupAt(world, n);
        if (group !== undefined) await change(world, group, requests);
      }),
    ),
  fc.tuple(some, fc.array(wish, { minLength: 1, maxLength: 3 })).map(([n, wishes]) =>
    command(`change ${n} ${JSON.stringify(wishes)}`, async (world) => {
      const group = groupAt(world, n);
      if (group !== undefined) await change(world, group, [wishes]);
    }),
  ),
  fc.tuple(some, fc.array(some, { maxLength: 3 })).map(([n, members]) =>
    command(`replace ${n} by ${members.join(',')}`, async (world) => {
      const group = groupAt(world, n);
      if (group !== undefined) await replace(world, group, members);
    }),
  ),
  fc.tuple(some, fc.constantFrom(...NAMES)).map(([n, name]) =>
    command(`rename ${n} ${name}`, async (world) => {
      const group = groupAt(world, n);
      if (group !== undefined) await rename(world, group, name);
    }),
  ),
  some.map((n) =>
    command(`remove ${n}`, async (world) => {
      const group = groupAt(world, n);
      if (group !== undefined) await remove(world, group);
    }),
  ),
  some.map((n) =>
    command(`remove user ${n}`, async (world) => {
      if (world.gone.size === 0) await removeUser(world, userOf(world, n));
    }),
  ),
  ...conditions(40),
  fc.tuple(some, fc.constantFrom(OWN_ROLE, 'ORG_USER_MANAGER', 'editor')).map(([n, role]) =>
    command(`the console gives ${role} to ${n}`, async (world) => {
      const { rightsHeld, people } = world.setting.zitadel;
      const user = userOf(world, n);
      if (!people.has(user)) return;
      world.byHand.add(`${user} ${role}`);
      if (role === 'editor') {
        const own = rightsHeld.grants.get(user) ?? new Map();
        const held = own.get('p1') ?? { id: `c${(world.made += 1)}`, roles: [] };
        rightsHeld.grants.set(user, own.set('p1', { ...held, roles: [...new Set([...held.roles, role])] }));
      } else {
        if (role === OWN_ROLE) world.given.add(user);
        rightsHeld.members.set(user, [...new Set([...(rightsHeld.members.get(user) ?? []), role])]);
      }
      rightsHeld.touched();
      pass(world, 600);
    }),
  ),
  some.map((n) =>
    command(`the console takes what is managed from ${n}`, async (world) => {
      const { rightsHeld } = world.setting.zitadel;
      const user = userOf(world, n);
      const own = (rightsHeld.members.get(user) ?? []).filter((role) => role === OWN_ROLE);
      if (own.length > 0) rightsHeld.members.set(user, own);
      else rightsHeld.members.delete(user);
      rightsHeld.grants.delete(user);
      rightsHeld.touched();
      pass(world, 600);
    }),
  ),
];

/** Three users, and rules that have taken effect; `applies`: and that somebody has applied. */
const prepare =
  (applies: boolean) =>
  async ({ setting: { tenant, ctx }, users }: GroupWorld): Promise<void> => {
    await tenant.open();
    for (const userName of ['ann', 'bob', 'cy']) {
      const made = await tenant.users.create(ctx, { user: { userName }, hash: userName });
      made.ended(true);
      users.push(made.resource.id);
    }
    assert.equal((await tenant.operator.sync({ acceptRemovals: false })).kind, 'finished');
    if (applies) await tenant.operator.groups.apply(() => undefined, new AbortController().signal);
    assert.deepEqual(RULES.map(matchOf).length, 4);
  };

for (const whenDown of ['accept', 'refuse'] as const)
  test(`whatever happens, memberships come true and rights are what the rules say (WHEN_DOWN=${whenDown})`, () =>
    hold({
      commands: COMMANDS,
      runs: 80,
      begin: () => ({
        ...begun(setUp({ whenDown, timing: { answerWithinMs: 10_000 }, groups: { rules: RULES } })),
        users: [],
        gone: new Set(),
        groups: [],
        given: new Set(),
        byHand: new Set(),
      }),
      prepare: prepare(whenDown === 'accept'),
      settle,
    }));
