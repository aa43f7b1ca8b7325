/**
 * `npm run soak`: two processes that answer, one that delivers, one Redis, under an even load for a while. Prints the memory of each
 * every minute, and at the end whether it grew, and what was left in Redis. A measurement and no test: it ends with 0.
 * `--minutes 10 --rate 100` (requests a second).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSandbox } from '../test/end-to-end/sandbox.ts';
import { withoutRedis } from '../test/redis/server.ts';
import { growth, isFlat, type Sample, WATCHED } from './growth.ts';
import { createMixedLoad } from './mixed-load.ts';
import { p50, p99 } from './measure.ts';
import { startBridge } from './processes.ts';
import { type OwnRedis, startOwnRedis } from './redis.ts';
import { figure, machine, machineLine, ms } from './report.ts';

const { values: asked } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '100' } },
});
const [minutes, rate] = [Number(asked.minutes), Number(asked.rate)];
if (!(minutes > 0 && rate > 0)) {
  console.error('--minutes, --rate: numbers above 0');
  process.exit(2);
}
const MINUTE = 60_000;
/** The memory is looked at so often, ms. */
const LOOK = 5_000;
/** Deliveries fail at times, so that the queue has work: each of these shares of the calls. */
const FAULTS = [
  { mode: 'error', p: 0.02 },
  { dropAfter: true, p: 0.002 },
];
/** Tombstones are kept for two of these: after the first minutes as many go as come. */
const SYNC_INTERVAL = '30s';
/** What is owed after the load may take so long, ms: a call without an answer is read back, and backoff grows. */
const PATIENCE = 120_000;

if (withoutRedis() !== false) process.exit(0);
await mkdir('data', { recursive: true });
const folder = await mkdtemp(resolve('data', 'soak-'));
process.env['TMPDIR'] = folder;
const redis = await startOwnRedis();
const sandbox = await startSandbox({ SANDBOX_LATENCY: 'true' });
try {
  await soak();
} finally {
  await sandbox.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

async function startRole(name: string, role: 'api' | 'worker') {
  const room = resolve(folder, name);
  await mkdir(room);
  const { organizations, tokens } = sandbox.seeds;
  const zitadel = { url: sandbox.url, organization: organizations.a, token: tokens.managerA };
  return startBridge(zitadel, room, { ...redis.settings, ROLE: role, SYNC_INTERVAL, VIEW_MAX_AGE: '30s' });
}

async function soak(): Promise<void> {
  const worker = await startRole('worker', 'worker');
  const apis = [await startRole('api-1', 'api'), await startRole('api-2', 'api')] as const;
  for (const each of apis) await each.ready();
  const load = await createMixedLoad(apis, rate);
  await sandbox.faults(...FAULTS);

  const samples: Sample[] = [];
  const look = async (): Promise<void> => {
    const [api1, api2, working, kept] = await Promise.all([
      apis[0].memory(),
      apis[1].memory(),
      worker.memory(),
      redis.memory(),
    ]);
    samples.push({ at: performance.now(), 'API 1': api1, 'API 2': api2, worker: working, Redis: kept });
  };
  const start = performance.now();
  const ended = load.run(start + minutes * MINUTE);
  const end = start + minutes * MINUTE;
  for (let minute = 1; performance.now() < end; minute += 1) {
    const until = Math.min(start + minute * MINUTE, end);
    for (let now = start; now < until; now = performance.now()) {
      await look();
      await delay(Math.max(0, Math.min(LOOK, until - performance.now())));
    }
    await look();
    await tell(minute, samples);
  }
  await ended;

  await sandbox.faults();
  const settledIn = await settled(worker.metric);
  const left = await emptied(redis);
  for (const each of [...apis, worker]) await each.stop();
  load.close();

  const half = samples.filter(({ at }) => at >= start + (minutes * MINUTE) / 2);
  console.log(
    `\n${load.done()} requests, ${figure(load.done() / minutes / 60, '/s')} of ${rate} /s asked for; others than 2xx: ${tally(load.failures())}`,
  );
  for (const [kind, times] of load.times())
    console.log(`  ${kind}: ${times.length}, ${ms(p50(times))} p50, ${ms(p99(times))} p99`);
  for (const name of WATCHED) {
    const grown = growth(half, name);
    console.log(
      `${name}: ${mib(grown.from)} to ${mib(grown.to)} over the second half, by its slope: ${isFlat(grown) ? 'flat' : 'NOT FLAT'}`,
    );
  }
  console.log(
    settledIn === undefined
      ? 'something is owed still'
      : `nothing owed ${figure(settledIn / 1000, 's')} after the last request`,
  );
  console.log(`left in Redis: ${left.jobs} jobs, ${left.queue} keys of BullMQ, ${left.all} keys of all`);
  console.log(machineLine(machine('sandbox')));
}

async function tell(minute: number, samples: readonly Sample[]): Promise<void> {
  const last = samples.at(-1);
  const { all, queue, jobs } = await redis.keys();
  const memory = WATCHED.map((name) => `${name} ${mib(last?.[name] ?? 0)}`).join(', ');
  console.log(`minute ${minute}: ${memory}; ${all} keys, ${queue} of BullMQ, ${jobs} jobs`);
}

/** ms until nothing was owed; undefined: it never came to that. */
async function settled(metric: (name: string) => Promise<number>): Promise<number | undefined> {
  const began = performance.now();
  while ((await metric('scim_bridge_pending_rows')) !== 0) {
    if (performance.now() - began > PATIENCE) return undefined;
    await delay(200);
  }
  return performance.now() - began;
}

/** What Redis has once the jobs had time to go: of a row that is settled another way a worker finds that out. */
async function emptied(from: OwnRedis) {
  const began = performance.now();
  let keys = await from.keys();
  while (keys.jobs > 0 && performance.now() - began < PATIENCE) {
    await delay(500);
    keys = await from.keys();
  }
  return keys;
}

function mib(bytes: number): string {
  return figure(bytes / 2 ** 20, 'MiB');
}

function tally(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ') || 'none';
}
