/** A run of many processes on one Redis: load and troubles, then quiet, then the oracle. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SandboxProcess, startSandbox } from '../../end-to-end/sandbox.ts';
import { int, mulberry32 } from '../../mapping/random.ts';
import { type RedisServer, startRedis } from '../../redis/server.ts';
import { DURABLE } from '../../redis/stores.ts';
import { type ClientsOptions, createClients, type Verdict } from '../clients.ts';
import type { Counted } from '../report.ts';
import { quiet } from '../quiet.ts';
import { atWork, readyAt, TIMING } from '../run.ts';
import { createWeather } from '../weather.ts';
import { createFleet, NAMES } from './fleet.ts';
import { inRedis } from './left.ts';
import { createLines } from './line.ts';
import { type Overlap, overlapsOf, type Read } from './overlaps.ts';
import { type Trouble, TROUBLES } from './troubles.ts';

export interface RunOptions extends ClientsOptions {
  /** how often something befalls the processes */
  readonly rounds: number;
  /** how long the processes may take to come to rest, ms */
  readonly patience: number;
  readonly tell: (line: string) => void;
}

export interface Outcome extends Verdict {
  readonly rounds: number;
  /** how often each of them was had */
  readonly conditions: Counted;
  readonly overlaps: readonly Overlap[];
  /** what else is not as it should be: overlapping calls that nobody confirmed, a process that ended, rows that never came to rest */
  readonly faults: readonly string[];
  /** outputs of the processes, and what the oracle judged (evidence.json, reads.jsonl); kept when anything is not as it should be */
  readonly folder: string;
}

/** As for one process; syncs come oftener, for quiet waits for two of them. */
const FAST = { ...TIMING, syncIntervalMs: 1_500 };

/** No moment is waited for longer, ms. */
const LONGEST = 2_000;

export async function run(options: RunOptions): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'kill-scale-'));
  const tap = join(folder, 'reads.jsonl');
  await writeFile(tap, '', { mode: 0o600 });
  const redis = await startRedis({ config: DURABLE });
  const preload = `--import ${new URL('tap.ts', import.meta.url).href}`;
  const sandbox = await startSandbox({ SANDBOX_LAG: 'true', TAP_FILE: tap, NODE_OPTIONS: preload });
  try {
    const outcome = await play(options, { sandbox, redis, folder, tap });
    if (outcome.violations.length === 0 && outcome.faults.length === 0) await rm(folder, { recursive: true });
    return outcome;
  } finally {
    await sandbox.stop();
    await redis.stop();
  }
}

interface Stage {
  readonly sandbox: SandboxProcess;
  readonly redis: RedisServer;
  readonly folder: string;
  readonly tap: string;
}

async function play(options: RunOptions, { sandbox, redis, folder, tap }: Stage): Promise<Outcome> {
  const { seed, rounds, patience, tell } = options;
  const random = mulberry32(seed);
  const faults: string[] = [];
  const counts = new Map(TROUBLES.map(({ name }) => [name, 0]));
  const fleet = await createFleet({ sandbox, redis: redis.url, folder, timing: FAST });
  const bases = fleet.origins.map((origin) => `${origin}/scim/v2`);
  const clients = createClients(options, sandbox, createLines(bases));
  const weather = createWeather(sandbox, random, LONGEST);

  async function round(n: number): Promise<void> {
    const condition = TROUBLES[n % TROUBLES.length] as Trouble;
    await atWork(clients.load, 10 + int(random, 20)); // so that there is something to lose
    const given = AbortSignal.timeout(LONGEST);
    const scene = { sandbox, load: clients.load, weather, random, signal: given, fleet, redis, lease: FAST.leaseMs };
    const what = await condition.befall(scene);
    await weather.set('up');
    for (const name of fleet.ended()) faults.push(`${name} ended by itself in round ${n + 1}`);
    counts.set(condition.name, (counts.get(condition.name) ?? 0) + 1);
    tell(`${n + 1}. ${condition.name}: ${what}`);
  }

  async function end(): Promise<Verdict & { readonly overlaps: readonly Overlap[] }> {
    await weather.calm();
    await clients.stop();
    const left = inRedis(redis.url, TENANT);
    faults.push(...clients.strange(), ...(await quiet(left, patience)));
    left.close();
    await fleet.stop();
    const verdict = await clients.judge(folder);
    const reads = (await readFile(tap, 'utf8')).split('\n').filter(Boolean);
    const overlaps = overlapsOf(
      verdict.written,
      reads.map((line) => JSON.parse(line) as Read),
    );
    faults.push(...overlaps.flatMap(complaint));
    return { ...verdict, overlaps };
  }

  try {
    await Promise.all(NAMES.map((name) => fleet.start(name)));
    await Promise.all(fleet.origins.map(readyAt));
    await weather.set('up');
    clients.start();
    for (let n = 0; n < rounds; n += 1) await round(n);
    const found = await end();
    return { rounds, conditions: { what: 'what befell them', counts }, ...found, faults, folder };
  } finally {
    await Promise.all([weather.calm(), clients.stop()]);
    await fleet.stop();
  }
}

/** That of the environment. */
const TENANT = 'default';

function complaint({ earlier, later, isConfirmed }: Overlap): readonly string[] {
  if (isConfirmed) return [];
  const [one, other] = [earlier, later].map(({ method, n }) => `${method} (${n})`);
  return [`${one} and ${other} of ${later.id} overlap, and nobody read the user after them`];
}
