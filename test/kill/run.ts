/** A run: rounds of load and kill -9, then quiet, then the oracle. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type SandboxProcess, startSandbox } from '../end-to-end/sandbox.ts';
import { int, mulberry32 } from '../mapping/random.ts';
import { type ClientsOptions, createClients, type Verdict } from './clients.ts';
import { bridgeFile } from './groups/rules.ts';
import { embedded, rowsLeft } from './left.ts';
import { createLine } from './line.ts';
import type { UserLoad } from './load.ts';
import { type Moment, MOMENTS } from './moments.ts';
import { writtenAt } from './people.ts';
import { dataDirOf, freePort, type Place, startBridge } from './process.ts';
import { quiet } from './quiet.ts';
import { createWeather, HANG } from './weather.ts';
import { hits, type Window, WINDOWS } from './windows.ts';

export interface RunOptions extends ClientsOptions {
  readonly rounds: number;
  /** more rounds at most, as long as a window was not hit */
  readonly extra: number;
  /** how long the last bridge may take to come to rest, ms */
  readonly patience: number;
  readonly tell: (line: string) => void;
}

export interface Outcome extends Verdict {
  readonly rounds: number;
  readonly windows: ReadonlyMap<Window, number>;
  /** what else is not as it should be: a bridge that ended, rows that never came to rest, requests without an answer */
  readonly faults: readonly string[];
  /** output of the bridges, their store, and what the oracle judged (evidence.json); kept when anything is not as it should be */
  readonly folder: string;
}

/**
 * Faster than the defaults, in the same order of length. On a busy machine more calls miss their deadlines and are in doubt, which is
 * no fault; but what lands late has to land long before the horizon, which is therefore the longest.
 */
export const TIMING = {
  viewMaxAgeMs: 1_000,
  believedMs: 50,
  answerWithinMs: 2_000,
  leaseMs: 4_000,
  readCallMs: 800,
  writeCallMs: 1_000,
  horizonMs: 10_000,
  backoffFirstMs: 30,
  backoffMaxMs: 400,
  probeMs: 100,
  tokenCheckMs: 500,
  syncIntervalMs: 3_000,
  heartbeatMs: 500,
};

/** Of the last bridge: what hangs on all users is finished by syncs. */
const LAST_SYNCS = 1_000;

/** No moment is waited for longer, ms. */
const LONGEST = 3_000;

export async function run(options: RunOptions): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'kill-'));
  const sandbox = await startSandbox({ SANDBOX_LAG: 'true' });
  try {
    await writeFile(join(folder, 'bridge.yaml'), bridgeFile());
    const place = { sandbox, folder, port: await freePort(), timing: TIMING };
    const outcome = await play(options, sandbox, place);
    if (outcome.violations.length === 0 && outcome.faults.length === 0) await rm(folder, { recursive: true });
    return outcome;
  } finally {
    await sandbox.stop();
  }
}

async function play(options: RunOptions, sandbox: SandboxProcess, place: Place): Promise<Outcome> {
  const { seed, tell } = options;
  const random = mulberry32(seed);
  const faults: string[] = [];
  const windows = new Map<Window, number>(WINDOWS.map((window) => [window, 0]));
  const origin = `http://127.0.0.1:${place.port}`;
  const clients = createClients(options, sandbox, createLine(`${origin}/scim/v2`));
  const { load } = clients;
  const weather = createWeather(sandbox, random, 2_000);
  const missed = (): readonly Window[] => WINDOWS.filter((window) => windows.get(window) === 0);
  let rounds = 0;

  async function round(moment: Moment): Promise<void> {
    const started = Date.now();
    const bridge = await startBridge(place, moment.slowLine);
    if (rounds === 0) await begin();
    await atWork(load, 10 + int(random, 30)); // so that there is something to lose
    const signal = AbortSignal.timeout(LONGEST);
    await Promise.race([moment.come({ sandbox, load, weather, random, signal }), once(signal, 'abort')]);
    if (!bridge.alive()) faults.push(`the bridge of round ${rounds + 1} ended by itself`);
    const killed = await bridge.kill();
    const rows = rowsLeft(dataDirOf(place.folder));
    await pause(HANG); // what is on its way to ZITADEL arrives
    const found = hits({ started, killed, rows, lives: load.lives, written: await writtenAt(sandbox) });
    for (const [window, count] of found) windows.set(window, (windows.get(window) ?? 0) + count);
    rounds += 1;
    tell(`${rounds}. killed when: ${moment.name}. ${[...found].map(([window, n]) => `${window}: ${n}`).join('; ')}`);
  }

  async function begin(): Promise<void> {
    await readyAt(origin);
    weather.start();
    clients.start();
  }

  async function end(): Promise<Verdict> {
    await weather.calm();
    const bridge = await startBridge({ ...place, timing: { ...place.timing, syncIntervalMs: LAST_SYNCS } });
    await clients.stop();
    faults.push(...clients.strange(), ...(await quiet(embedded(origin, place.folder), options.patience)));
    await bridge.kill();
    return clients.judge(place.folder);
  }

  try {
    for (let n = 0; n < options.rounds; n += 1) await round(MOMENTS[n % MOMENTS.length] as Moment);
    for (let n = 0; n < options.extra && missed().length > 0; n += 1) {
      const aimed = MOMENTS.filter(({ aim }) => aim !== undefined && missed().includes(aim));
      await round(aimed[n % aimed.length] as Moment);
    }
    const found = await end();
    const { down, up } = weather.times();
    tell(`ZITADEL was away ${Math.round((100 * down) / (down + up))} % of the time`);
    return { rounds, windows, ...found, faults, folder: place.folder };
  } finally {
    await Promise.all([weather.calm(), clients.stop()]);
  }
}

/** Resolves once clients were answered so many times more. */
export async function atWork(load: UserLoad, answers: number): Promise<void> {
  for (let n = 0; n < answers; n += 1) await load.answer();
}

export async function readyAt(origin: string): Promise<void> {
  while ((await fetch(`${origin}/readyz`).catch(() => undefined))?.ok !== true) await pause(20);
}
