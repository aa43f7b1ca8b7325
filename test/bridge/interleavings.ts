/**
 * Random interleavings, of whatever the commands are about: a world whose time goes on only when a command says so, whose process may
 * die at any operation, and whose ZITADEL fails, answers late and goes away. `npm test` asks the same questions each time,
 * `npm run model` new ones; `fromEnvironment` below says how to have a failed one again.
 */
import fc from 'fast-check';
import type { Fate } from './fake-zitadel.ts';
import { type Setting, type SettingOptions, settings } from './setting.ts';

const LEASE = 20_000;
/** A call that was never answered is applied at the latest so long after it was sent. */
const LANDS = 29_000;

/** What every world has, whatever else is kept of it. */
export interface World {
  setting: Setting;
  /** when the earliest call that may still land was sent; undefined: none */
  late: number | undefined;
  /** whether a call was ever to land late */
  lates: boolean;
  /** whether a call was ever to be barred */
  barred: boolean;
  /** so many texts were made that are to differ from all others */
  made: number;
}

/** The commands have no model of their own: the world keeps what was asked and answered. */
type Model = Record<string, never>;
export type Command<W extends World> = fc.AsyncCommand<Model, W>;

export interface Law<W extends World> {
  readonly commands: readonly fc.Arbitrary<Command<W>>[];
  /** how many interleavings are tried, unless MODEL_RUNS says so */
  readonly runs: number;
  begin(): W;
  /** What has to be there before the first command. */
  prepare?(world: W): Promise<void>;
  /** After the last command: everything has to come to rest as it was answered. */
  settle(world: W): Promise<void>;
}

export interface Interleavings<W extends World> {
  setUp(options: SettingOptions): Setting;
  command(name: string, run: (world: W) => Promise<void>): Command<W>;
  /** Lets so many ms go by. */
  pass(world: W, ms: number): void;
  /** A new process, and a ZITADEL that is well for good. */
  recover(world: W): Promise<void>;
  /** What happens beside the requests. @param operations a process dies at one of so many that come next */
  conditions(operations: number): fc.Arbitrary<Command<W>>[];
  /** Throws when there is an interleaving that breaks the law. */
  hold(law: Law<W>): Promise<void>;
}

/** How a world begins. */
export const begun = (setting: Setting): World => ({ setting, late: undefined, lates: false, barred: false, made: 0 });

/** To be called at the top of a test file. @param check throws unless what is read is what was answered; looked at after each command */
export function createInterleavings<W extends World>(check: (world: W) => Promise<void>): Interleavings<W> {
  let now = 1_000_000;
  const setUp = settings(() => now);

  function command(name: string, run: (world: W) => Promise<void>): Command<W> {
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

  function pass(world: W, ms: number): void {
    if (world.late !== undefined && now + ms >= world.late + LANDS) land(world);
    // lists of ZITADEL lag for half a second at most
    if (ms >= 1_000) world.setting.zitadel.catchUp();
    now += ms;
  }

  function land(world: W): void {
    world.setting.zitadel.land();
    world.late = undefined;
  }

  /** The process dies, and a new one starts once nobody believes in the leases of the old one. */
  async function restart(world: W): Promise<void> {
    world.setting.life.die();
    void world.setting.tenant.stop();
    pass(world, LEASE + 1);
    world.setting = world.setting.again({});
    await world.setting.tenant.open();
  }

  async function recover(world: W): Promise<void> {
    await restart(world);
    world.setting.zitadel.fates.length = 0;
    world.setting.zitadel.isDown = false;
    land(world);
  }

  function conditions(operations: number): fc.Arbitrary<Command<W>>[] {
    return [
      fc.array(fate, { minLength: 1, maxLength: 6 }).map((fates) =>
        command(`next calls: ${fates.join(' ')}`, async (world) => {
          world.setting.zitadel.fates.push(...fates);
          world.lates = world.lates || fates.includes('late');
          world.barred = world.barred || fates.includes('barred');
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
        .tuple(fc.integer({ min: 1, max: operations }), fc.boolean())
        .map(([n, after]) =>
          command(`dies at operation ${n}${after ? ', done' : ''}`, async ({ setting }) =>
            setting.life.dieAt(n, after),
          ),
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
          const rows = (await life.survive(store.withCondition(ctx.tenant, 'deadLetter', 100))) ?? [];
          for (const { id } of rows) await life.survive(tenant.operator.retry(id));
        }),
      ),
      fc.constant(command('lists lag', async ({ setting }) => setting.zitadel.lag())),
      fc.constant(
        command('sync', async ({ setting: { life, tenant } }) => {
          await life.survive(tenant.operator.sync({ acceptRemovals: true }));
        }),
      ),
    ];
  }

  async function hold({ commands, begin, prepare, settle, runs }: Law<W>): Promise<void> {
    const { drawn, parameters } = fromEnvironment(process.env);
    const property = fc.asyncProperty(
      fc.commands([...commands], { maxCommands: 25, size: 'max', ...drawn }),
      async (interleaving) => {
        const world = begin();
        try {
          await prepare?.(world);
          await fc.asyncModelRun(() => ({ model: {}, real: world }), interleaving);
          await settle(world);
        } finally {
          await world.setting.tenant.stop();
        }
      },
    );
    await fc.assert(property, { numRuns: runs, ...parameters });
  }

  return { setUp, command, pass, recover, conditions, hold };
}

const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('ok') },
  { weight: 5, arbitrary: fc.constantFrom<Fate>('unsent', 'lost', 'applied', 'late', 'failed') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('barred', 'limited') },
);

/**
 * A run that fails prints its seed, the path to its shortest interleaving and, beside that, a replayPath: MODEL_SEED alone has the whole
 * run again, with MODEL_PATH and MODEL_REPLAY_PATH it begins at that interleaving. With MODEL_SHRINK=no a shorter one is not looked
 * for; then there is no replayPath to give.
 */
function fromEnvironment({ MODEL_SEED, MODEL_RUNS, MODEL_PATH, MODEL_REPLAY_PATH, MODEL_SHRINK }: NodeJS.ProcessEnv) {
  return {
    drawn: MODEL_REPLAY_PATH === undefined ? {} : { replayPath: MODEL_REPLAY_PATH },
    parameters: {
      ...(MODEL_SEED === 'random' ? {} : { seed: Number(MODEL_SEED ?? 1) }),
      ...(MODEL_RUNS === undefined ? {} : { numRuns: Number(MODEL_RUNS) }),
      ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
      endOnFailure: MODEL_SHRINK === 'no',
    },
  };
}
