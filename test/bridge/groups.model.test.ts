/** The laws of memberships and rights over random interleavings of requests, crashes, outages, syncs, and hands in ZITADEL's console. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupsOf } from '../../src/bridge/shelves.ts';
import { groupKey, MEMBER, membershipsOf, RULES_KEY } from '../../src/mapping/groups.ts';
import { rightsOfFacts } from '../../src/mapping/rights.ts';
import { matchOf, type Rule, type RuleSet, wanted } from '../../src/mapping/rules.ts';
import { REFUSED_ROLE } from './fake-rights.ts';
import type { Fate } from './fake-zitadel.ts';
import { type Setting, settings, statusOf } from './setting.ts';

/** Time goes on only when a command says so. */
let now = 1_000_000;
const setUp = settings(() => now);

const LEASE = 20_000;
const LANDS = 29_000;

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
  deleted: 'no' | 'maybe' | 'yes';
}

interface World {
  setting: Setting;
  readonly users: string[];
  readonly gone: Set<string>;
  readonly groups: Group[];
  /** who was given OWN_ROLE in the console */
  readonly given: Set<string>;
  late: number | undefined;
  lates: boolean;
  made: number;
}

type Model = Record<string, never>;
type Command = fc.AsyncCommand<Model, World>;

function command(name: string, run: (world: World) => Promise<void>): Command {
  return {
    check: () => true,
    async run(_model, world) {
      const began = now;
      await run(world);
      if (world.setting.zitadel.hasLate()) world.late ??= began;
      if (world.setting.life.isDead()) await restart(world);
      while ((await world.setting.life.survive(check(world).then(() => true))) === undefined) await restart(world);
    },
    toString: () => name,
  };
}

function pass(world: World, ms: number): void {
  if (world.late !== undefined && now + ms >= world.late + LANDS) land(world);
  if (ms >= 1_000) world.setting.zitadel.catchUp();
  now += ms;
}

function land(world: World): void {
  world.setting.zitadel.land();
  world.late = undefined;
}

async function restart(world: World): Promise<void> {
  world.setting.life.die();
  void world.setting.tenant.stop();
  pass(world, LEASE + 1);
  world.setting = world.setting.again({});
  await world.setting.tenant.open();
}

const NO_MEMBERS = { members: false } as const;

async function create(world: World, displayName: string, members: readonly string[]): Promise<void> {
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

async function change(world: World, group: Group, requests: readonly (readonly Wish[])[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const answers = await Promise.all(
    requests.map(async (wishes) => {
      const members = wishes.map(([user, joins]) => ({
        kind: joins ? ('add' as const) : ('remove' as const),
        ids: [userOf(world, user)],
      }));
      const status = await life.survive(
        tenant.groups.edit(ctx, group.id, { members }, NO_MEMBERS).then(() => 200, statusOf),
      );
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

async function replace(world: World, group: Group, members: readonly number[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const ids = members.map((user) => userOf(world, user));
  const edit = { members: [{ kind: 'replace' as const, ids }] };
  const status = await life.survive(tenant.groups.edit(ctx, group.id, edit, NO_MEMBERS).then(() => 200, statusOf));
  if (status === 404) return;
  for (const user of world.users) {
    const before = status === 200 ? [] : [...(group.possible.get(user) ?? [])];
    group.possible.set(user, new Set([...before, ids.includes(user)]));
  }
}

async function rename(world: World, group: Group, displayName: string): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  await life.survive(
    tenant.groups.edit(ctx, group.id, { displayName, members: [] }, NO_MEMBERS).then(() => 200, statusOf),
  );
}

async function remove(world: World, group: Group): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(tenant.groups.remove(ctx, group.id).then(() => 200, statusOf));
  if (status === 200) group.deleted = 'yes';
  else if (status !== 404 && group.deleted === 'no') group.deleted = 'maybe';
}

async function removeUser(world: World, user: string): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(tenant.users.remove(ctx, user).then(() => 200, statusOf));
  if (status === 200 || status === undefined || status === 503) world.gone.add(user);
}

/** What is read is what was answered. */
async function check(world: World): Promise<void> {
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
async function settle(world: World): Promise<void> {
  await restart(world);
  const { setting } = world;
  const { zitadel, store, tenant, ctx } = setting;
  zitadel.fates.length = 0;
  zitadel.isDown = false;
  land(world);
  const shelves = [ctx.tenant, groupsOf(ctx.tenant)];
  for (let rounds = 0; ; rounds += 1) {
    assert.ok(rounds < 12, 'it never comes to rest');
    for (const shelf of shelves)
      for (const row of await store.troubled(shelf, 'held', 100)) await tenant.operator.release(row.id);
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
    assert.ok(row !== undefined && row.changes.length === 0 && !row.doubt && row.confirm === null, 'at rest');
    const memberships = new Set(membershipsOf(facts));
    for (const { id, possible, deleted } of world.groups) {
      if (deleted === 'yes') assert.ok(!memberships.has(id), 'no member of a deleted group');
      else if (deleted === 'no') {
        assert.ok(possible.get(user)?.has(memberships.has(id)), 'membership as it was answered');
        assert.equal(facts[groupKey(id)] ?? MEMBER, MEMBER);
      }
    }
    const held = rightsOfFacts(rightsHeld.factsOf(user));
    const vouched = [...memberships].filter((id) => row.vouched.includes(id));
    const others = [...memberships].filter((id) => !row.vouched.includes(id));
    const should = wanted(set, held, { vouched, others });
    const isRefused = row.dead.some(({ facts: dead }) => JSON.stringify(dead).includes(REFUSED_ROLE));
    if (!isRefused && process.env['DBG'])
      console.log(JSON.stringify(row.dead), JSON.stringify(row.changes), row.rights, setting.deliveries.slice(-6));
    if (!isRefused) assert.deepEqual(plain(should), plain(held), 'rights are what the rules say');
    assert.equal(vouched.length, memberships.size, 'all came by SCIM');
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

const userOf = ({ users }: World, n: number): string => users[n % users.length] ?? '';
const groupAt = ({ groups }: World, n: number): Group | undefined => groups[n % Math.max(1, groups.length)];

const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('ok') },
  { weight: 5, arbitrary: fc.constantFrom<Fate>('unsent', 'lost', 'applied', 'late', 'failed') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('barred', 'limited') },
);
const some = fc.nat({ max: 5 });
const wish: fc.Arbitrary<Wish> = fc.tuple(some, fc.boolean());

const COMMANDS: fc.Arbitrary<Command>[] = [
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
  fc.array(fate, { minLength: 1, maxLength: 6 }).map((fates) =>
    command(`next calls: ${fates.join(' ')}`, async (world) => {
      world.setting.zitadel.fates.push(...fates);
      world.lates = world.lates || fates.includes('late');
    }),
  ),
  fc.boolean().map((isDown) =>
    command(isDown ? 'down' : 'up', async ({ setting }) => {
      setting.zitadel.isDown = isDown;
    }),
  ),
  fc.constant(
    command('deliver', async ({ setting }) => {
      await setting.life.survive(setting.deliverAll());
    }),
  ),
  fc
    .constantFrom(500, 2_000, 15_000, 31_000, 61_000)
    .map((ms) => command(`${ms} ms pass`, async (world) => pass(world, ms))),
  fc.constant(command('late calls land', async (world) => land(world))),
  fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.boolean())
    .map(([n, after]) =>
      command(`dies at operation ${n}${after ? ', done' : ''}`, async ({ setting }) => setting.life.dieAt(n, after)),
    ),
  fc.constant(command('restart', async (world) => await restart(world))),
  fc.constant(
    command('a long sleep', async (world) => {
      await restart(world);
      pass(world, 3_600_000);
      await world.setting.life.survive(world.setting.tenant.hold());
    }),
  ),
  fc.constant(
    command('an operator retries what is dead', async ({ setting: { store, ctx, tenant, life } }) => {
      const rows = (await life.survive(store.troubled(ctx.tenant, 'dead', 100))) ?? [];
      for (const { id } of rows) await life.survive(tenant.operator.retry(id));
    }),
  ),
  fc.constant(command('lists lag', async ({ setting }) => setting.zitadel.lag())),
  fc.constant(
    command(
      'sync',
      async ({ setting }) => void (await setting.life.survive(setting.tenant.operator.sync({ acceptRemovals: true }))),
    ),
  ),
  fc.tuple(some, fc.constantFrom(OWN_ROLE, 'ORG_USER_MANAGER', 'editor')).map(([n, role]) =>
    command(`the console gives ${role} to ${n}`, async (world) => {
      const { rightsHeld, people } = world.setting.zitadel;
      const user = userOf(world, n);
      if (!people.has(user)) return;
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

const SEED = process.env['MODEL_SEED'] === 'random' ? {} : { seed: Number(process.env['MODEL_SEED'] ?? 1) };

for (const whenDown of ['accept', 'refuse'] as const)
  test(`whatever happens, memberships come true and rights are what the rules say (WHEN_DOWN=${whenDown})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 25, size: 'max' }), async (commands) => {
        const setting = setUp({ whenDown, timing: { answerWithin: 2_000 }, groups: { rules: RULES } });
        const world: World = {
          setting,
          users: [],
          gone: new Set(),
          groups: [],
          given: new Set(),
          late: undefined,
          lates: false,
          made: 0,
        };
        try {
          await setting.tenant.open();
          for (const userName of ['ann', 'bob', 'cy']) {
            const made = await setting.tenant.users.create(setting.ctx, { user: { userName }, hash: userName });
            made.ended(true);
            world.users.push(made.resource.id);
          }
          assert.equal((await setting.tenant.operator.sync({ acceptRemovals: false })).kind, 'finished');
          assert.deepEqual(RULES.map(matchOf).length, 4);
          await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
          await settle(world);
        } finally {
          await world.setting.tenant.stop();
        }
      }),
      {
        numRuns: Number(process.env['MODEL_RUNS'] ?? 200),
        ...SEED,
        timeout: 4_000,
        endOnFailure: process.env['MODEL_SHRINK'] === 'no',
        ...(process.env['MODEL_PATH'] === undefined ? {} : { path: process.env['MODEL_PATH'] }),
      },
    );
  });
