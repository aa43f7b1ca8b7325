/** The laws of known and owed over random interleavings of requests, crashes, outages and answers of ZITADEL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isActive } from '../../src/mapping/codecs.ts';
import { type Fate, REFUSED } from './fake-zitadel.ts';
import { type Setting, settings, statusOf } from './setting.ts';

/** Time goes on only when a command says so. */
let now = 1_000_000;
const setUp = settings(() => now);

const LEASE = 20_000;
/** A call that was never answered is applied at the latest so long after it was sent. */
const LANDS = 29_000;

type Attribute = 'title' | 'active' | 'userName';
type Wish = Partial<Record<Attribute, string | boolean>>;

interface Person {
  readonly id: string;
  /** values that each attribute may have in the end: the last answered one, and those asked later without an answer */
  readonly possible: Record<Attribute, Set<unknown>>;
  /** no: nobody asked. maybe: asked, not answered. yes: answered */
  deleted: 'no' | 'maybe' | 'yes';
}

interface World {
  setting: Setting;
  readonly people: Person[];
  /** creates without an answer: the client repeats them, or not */
  readonly open: Map<string, string>;
  /** when the earliest call that may still land was sent; undefined: none */
  late: number | undefined;
  lates: boolean;
  barred: boolean;
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
      // reads have operations to die at as well
      while ((await world.setting.life.survive(check(world).then(() => true))) === undefined) await restart(world);
    },
    toString: () => name,
  };
}

function pass(world: World, ms: number): void {
  if (world.late !== undefined && now + ms >= world.late + LANDS) land(world);
  // lists of ZITADEL lag for half a second at most
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

function note(world: World, fates: readonly Fate[]): void {
  world.setting.zitadel.fates.push(...fates);
  world.lates = world.lates || fates.includes('late');
  world.barred = world.barred || fates.includes('barred');
}

const statusFrom = (answer: Promise<unknown>): Promise<number> => answer.then(() => 200, statusOf);

async function create(world: World, userName: string, hash: string): Promise<void> {
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

async function edit(world: World, person: Person, wishes: readonly Wish[]): Promise<void> {
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

async function remove(world: World, person: Person): Promise<void> {
  const { tenant, ctx, life } = world.setting;
  const status = await life.survive(statusFrom(tenant.users.remove(ctx, person.id)));
  if (status === 200) person.deleted = 'yes';
  else if (status !== 404 && person.deleted === 'no') person.deleted = 'maybe';
}

/** What is read is what was answered. */
async function check(world: World): Promise<void> {
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
async function isDeadForItsName({ setting, barred }: World, { id }: Person): Promise<boolean> {
  const row = await setting.row(id);
  return barred && row?.dead.some(({ kind, reason }) => kind === 'create' && reason.includes('taken')) === true;
}

function assertIn(possible: ReadonlySet<unknown>, value: unknown, what: string): void {
  assert.ok(possible.has(value), `${what}: ${String(value)}, not one of ${[...possible].map(String).join(', ')}`);
}

/** ZITADEL is well for good, operators release what is held: everything comes to rest as it was answered. */
async function settle(world: World): Promise<void> {
  await restart(world);
  const { setting } = world;
  const { zitadel, store, tenant, ctx } = setting;
  zitadel.fates.length = 0;
  zitadel.isDown = false;
  land(world);
  for (let rounds = 0; ; rounds += 1) {
    assert.ok(rounds < 10, 'it never comes to rest');
    for (const row of await store.troubled(ctx.tenant, 'held', 100)) await tenant.operator.release(row.id);
    await setting.deliverAll();
    pass(world, 40_000);
    if ((await store.due(ctx.tenant, Number.MAX_SAFE_INTEGER, 1)).length > 0) continue;
    if ((await store.troubled(ctx.tenant, 'held', 1)).length === 0) break;
  }
  await check(world);
  for (const person of world.people) {
    const row = await setting.row(person.id);
    const facts = zitadel.people.get(person.id);
    assert.ok(row === undefined || (row.changes.length === 0 && !row.doubt && row.confirm === null), 'at rest');
    assert.deepEqual(row?.known ?? undefined, facts, 'known is what ZITADEL has');
    if (person.deleted === 'yes') assert.equal(facts, undefined, 'a leaver is gone for good');
    if (facts === undefined) {
      if (!(await isDeadForItsName(world, person)))
        assert.notEqual(person.deleted, 'no', 'an answered create is there');
      continue;
    }
    assertIn(person.possible.title, facts['urn:zitadel:scim:title'], 'title');
    assertIn(person.possible.active, isActive(facts), 'active');
    assertIn(person.possible.userName, facts['username'], 'userName');
    for (const letter of row?.dead ?? [])
      for (const [fact, value] of Object.entries(letter.facts))
        assert.ok(
          value === REFUSED || (letter.reason.includes('taken') && (world.lates || world.barred)),
          `${fact} is dead without a reason: ${letter.reason}`,
        );
  }
  const ids = zitadel.created;
  assert.equal(new Set(ids).size, ids.length - revivedByLate(world), 'no id is created twice');
}

/** A create that lands after its user was deleted makes it once more; it is taken away again. */
function revivedByLate({ setting: { zitadel }, lates }: World): number {
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
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('ok') },
  { weight: 5, arbitrary: fc.constantFrom<Fate>('unsent', 'lost', 'applied', 'late', 'failed') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('barred', 'limited') },
);
const some = fc.nat({ max: 3 });
const personOf = ({ people }: World, n: number): Person | undefined => people[n % Math.max(1, people.length)];

const COMMANDS: fc.Arbitrary<Command>[] = [
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
  fc
    .array(fate, { minLength: 1, maxLength: 6 })
    .map((fates) => command(`next calls: ${fates.join(' ')}`, async (world) => note(world, fates))),
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
    .tuple(fc.integer({ min: 1, max: 25 }), fc.boolean())
    .map(([n, after]) =>
      command(`dies at operation ${n}${after ? ', done' : ''}`, async ({ setting }) => setting.life.dieAt(n, after)),
    ),
  fc.constant(command('restart', async (world) => await restart(world))),
  fc.constant(
    command('a long sleep', async (world) => {
      await restart(world);
      pass(world, 3_600_000);
      await world.setting.tenant.hold();
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
];

/** `npm test` asks the same questions each time, `npm run model` new ones. */
const SEED = process.env['MODEL_SEED'] === 'random' ? {} : { seed: Number(process.env['MODEL_SEED'] ?? 1) };

for (const whenDown of ['accept', 'refuse'] as const)
  test(`whatever happens in whatever order, what was answered comes true (WHEN_DOWN=${whenDown})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 25, size: 'max' }), async (commands) => {
        const setting = setUp({ whenDown, timing: { answerWithin: 2_000 } });
        const world: World = {
          setting,
          people: [],
          open: new Map(),
          late: undefined,
          lates: false,
          barred: false,
          made: 0,
        };
        try {
          await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
          await settle(world);
        } finally {
          await world.setting.tenant.stop();
        }
      }),
      { numRuns: Number(process.env['MODEL_RUNS'] ?? 800), ...SEED },
    );
  });
