/** The laws of known and owed over random interleavings of requests, crashes, outages and answers of ZITADEL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isActive } from '../../src/mapping/codecs.ts';
import { REFUSED } from './fake-zitadel.ts';
import { begun, type Command, createInterleavings, type World } from './interleavings.ts';
import { statusFrom, statusOf } from './setting.ts';

const { setUp, command, pass, recover, conditions, hold } = createInterleavings<UserWorld>(check);

type Attribute = 'title' | 'active' | 'userName';
type Wish = Partial<Record<Attribute, string | boolean>>;

interface Person {
  readonly id: string;
  /** values that each attribute may have in the end: the last answered one, and those asked later without an answer */
  readonly possible: Record<Attribute, Set<unknown>>;
  /** no: nobody asked. maybe: asked, not answered. yes: answered */
  deleted: 'no' | 'maybe' | 'yes';
}

interface UserWorld extends World {
  readonly people: Person[];
  /** creates without an answer, by their content: the client repeats them, or not */
  readonly open: Map<string, string>;
}

async function create(world: UserWorld, userName: string, hash: string): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  world.open.set(hash, userName);
  const answer = await life.survive(
    tenant.users.create(ctx, { user: { userName }, hash }).catch((error: unknown) => statusOf(error)),
  );
  if (typeof answer === 'object') {
    answer.ended(true);
    world.open.delete(hash);
    if (world.people.some(({ id }) => id === answer.resource.id)) return;
    const possible = { title: new Set([undefined]), active: new Set([true]), userName: new Set([userName]) };
    world.people.push({ id: answer.resource.id, possible, deleted: 'no' });
  } else if (answer === 409) world.open.delete(hash);
}

async function edit(world: UserWorld, person: Person, wishes: readonly Wish[]): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const answers = await Promise.all(
    wishes.map(async (wish) => {
      const apply = (base: object) => ({ user: { ...base, ...wish }, touched: Object.keys(wish) });
      const status = await life.survive(statusFrom(tenant.users.edit(ctx, person.id, { method: 'PATCH', apply })));
      return { wish, status };
    }),
  );
  for (const name of ['title', 'active', 'userName'] as const) {
    const ours = answers.filter(({ wish }) => name in wish);
    // no refusal of another attribute keeps a leaver active
    const isDone = ({ wish, status }: (typeof ours)[number]): boolean =>
      status === 200 || (status === 400 && name === 'active' && wish.active === false && !world.barred);
    const values = ours.filter(isDone).map(({ wish }) => wish[name]);
    const may = ours
      .filter(
        ({ wish, status }) => status === undefined || status === 503 || (status === 400 && wish[name] !== REFUSED),
      )
      .map(({ wish }) => wish[name]);
    if (values.length + may.length === 0) continue;
    // what ZITADEL refuses later falls back; a call that landed late may have taken a name before its turn
    const falls = values.length === 0 || values.includes(REFUSED) || (name === 'userName' && world.lates);
    person.possible[name] = new Set([...(falls ? person.possible[name] : []), ...values, ...may]);
  }
}

async function remove(world: UserWorld, person: Person): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(statusFrom(tenant.users.remove(ctx, person.id)));
  if (status === 200) person.deleted = 'yes';
  else if (status !== 404 && person.deleted === 'no') person.deleted = 'maybe';
}

/** What is read is what was answered. */
async function check(world: UserWorld): Promise<void> {
  const { tenant, ctx } = world.setting;
  for (const person of world.people) {
    const answer = await tenant.users.get(ctx, person.id).catch(statusOf);
    if (typeof answer === 'number') {
      // an id that the store has forgotten is asked of ZITADEL, which may be away
      assert.ok(
        answer === 404 || person.deleted !== 'no',
        `a read fails only for want of the user, not with ${answer}`,
      );
      if (!(await isDeadForItsName(world, person)))
        assert.notEqual(person.deleted, 'no', `${person.id} was answered 201 and is not shown`);
    } else {
      assert.notEqual(person.deleted, 'yes', `${person.id} was deleted and is shown`);
      const { title, active, userName } = answer.user;
      assertIn(person.possible.title, title, 'title shown');
      assertIn(person.possible.active, active ?? true, 'active shown');
      assertIn(person.possible.userName, userName, 'userName shown');
    }
  }
}

/** The row that was to free its name is not permitted to. */
async function isDeadForItsName({ setting, barred }: UserWorld, { id }: Person): Promise<boolean> {
  const row = await setting.row(id);
  return barred && row?.deadLetters.some(({ kind, reason }) => kind === 'create' && reason.includes('taken')) === true;
}

function assertIn(possible: ReadonlySet<unknown>, value: unknown, what: string): void {
  assert.ok(possible.has(value), `${what}: ${String(value)}, not one of ${[...possible].map(String).join(', ')}`);
}

/** ZITADEL is well for good, operators release what is held: everything comes to rest as it was answered. */
async function settle(world: UserWorld): Promise<void> {
  await recover(world);
  const { setting } = world;
  const { zitadel, store, tenant, ctx } = setting;
  for (let rounds = 0; ; rounds += 1) {
    assert.ok(rounds < 10, 'it never comes to rest');
    for (const row of await store.withCondition(ctx.tenant, 'onHold', 100)) await tenant.operator.release(row.id);
    await setting.deliverAll();
    pass(world, 40_000);
    if ((await store.due(ctx.tenant, Number.MAX_SAFE_INTEGER, 1)).length > 0) continue;
    if ((await store.withCondition(ctx.tenant, 'onHold', 1)).length === 0) break;
  }
  await check(world);
  await confirmed(world);
  // a user that reads show again is hidden no more
  zitadel.lost.clear();
  await tenant.operator.sync({ acceptRemovals: true });
  assert.deepEqual(await store.withCondition(ctx.tenant, 'hidden', 1), []);
  await confirmed(world);
  const ids = zitadel.created;
  assert.equal(new Set(ids).size, ids.length - revivedByLate(world), 'no id is created twice');
}

/** What is known at rest is what ZITADEL has, whether its reads show it or not. */
async function confirmed(world: UserWorld): Promise<void> {
  const { setting } = world;
  const { zitadel } = setting;
  for (const person of world.people) {
    const row = await setting.row(person.id);
    const facts = zitadel.people.get(person.id);
    assert.ok(row === undefined || (row.pending.length === 0 && !row.doubt && row.recheck === null), 'at rest');
    assert.deepEqual(row?.confirmed ?? undefined, facts, 'known is what ZITADEL has');
    if (person.deleted === 'yes') assert.equal(facts, undefined, 'a leaver is gone for good');
    if (facts === undefined) {
      if (!(await isDeadForItsName(world, person)))
        assert.notEqual(person.deleted, 'no', 'an answered create is there');
      continue;
    }
    assertIn(person.possible.title, facts['urn:zitadel:scim:title'], 'title');
    assertIn(person.possible.active, isActive(facts), 'active');
    assertIn(person.possible.userName, facts['username'], 'userName');
    for (const letter of row?.deadLetters ?? [])
      for (const [fact, value] of Object.entries(letter.facts))
        assert.ok(
          value === REFUSED || (letter.reason.includes('taken') && (world.lates || world.barred)),
          `${fact} is dead without a reason: ${letter.reason}`,
        );
  }
}

/** A create that lands after its user was deleted makes it once more; it is taken away again. */
function revivedByLate({ setting: { zitadel }, lates }: UserWorld): number {
  return lates ? zitadel.created.length - new Set(zitadel.created).size : 0;
}

const title = fc.constantFrom('a', 'b', 'c', REFUSED).map((value): Wish => ({ title: value }));
const active = fc.boolean().map((value): Wish => ({ active: value }));
const userName = fc.constantFrom('ann', 'bob', 'cy').map((value): Wish => ({ userName: value }));
const wish = fc.oneof(
  title,
  active,
  userName,
  fc.tuple(title, active).map(([one, other]): Wish => ({ ...one, ...other })),
);
/** Which of those that are there, counted round and round. */
const some = fc.nat({ max: 3 });
const personOf = ({ people }: UserWorld, n: number): Person | undefined => people[n % Math.max(1, people.length)];

const COMMANDS: readonly fc.Arbitrary<Command<UserWorld>>[] = [
  fc
    .constantFrom('ann', 'bob', 'cy')
    .map((name) => command(`create ${name}`, (world) => create(world, name, `${name}${(world.made += 1)}`))),
  fc.constant(
    command('repeat a create', async (world) => {
      const [first] = world.open;
      if (first !== undefined) await create(world, first[1], first[0]);
    }),
  ),
  fc.tuple(some, fc.array(wish, { minLength: 1, maxLength: 3 })).map(([n, wishes]) =>
    command(`edit ${n} ${JSON.stringify(wishes)}`, async (world) => {
      const person = personOf(world, n);
      if (person !== undefined) await edit(world, person, wishes);
    }),
  ),
  fc.tuple(some, wish).map(([n, one]) =>
    command(`edit ${n} ${JSON.stringify(one)}`, async (world) => {
      const person = personOf(world, n);
      if (person !== undefined) await edit(world, person, [one]);
    }),
  ),
  some.map((n) =>
    command(`remove ${n}`, async (world) => {
      const person = personOf(world, n);
      if (person !== undefined) await remove(world, person);
    }),
  ),
  fc.tuple(some, fc.boolean()).map(([n, finds]) =>
    command(`reads ${finds ? 'find' : 'lose'} ${n}`, async (world) => {
      const { lost } = world.setting.zitadel;
      const id = personOf(world, n)?.id;
      if (id !== undefined && finds) lost.delete(id);
      else if (id !== undefined) lost.add(id);
    }),
  ),
  fc.constant(
    command('reads lose the next one that is made', async ({ setting }) => {
      setting.zitadel.losesNext = true;
    }),
  ),
  ...conditions(25),
];

for (const whenDown of ['accept', 'refuse'] as const)
  test(`whatever happens in whatever order, what was answered comes true (WHEN_DOWN=${whenDown})`, () =>
    hold({
      commands: COMMANDS,
      runs: 300,
      begin: () => ({
        ...begun(setUp({ whenDown, timing: { answerWithinMs: 10_000 } })),
        people: [],
        open: new Map(),
      }),
      settle,
    }));
