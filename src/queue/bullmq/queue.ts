/**
 * The queue across processes. It uses the same sweeper over dueAt as timers.ts; BullMQ's jobs only choose the process
 * for a row, and wake it. Jobs lost in Redis are recreated by the next sweep.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue as Jobs } from 'bullmq';
import type { Due } from '../../bridge/ports/store.ts';
import type { Key } from '../../bridge/row/types.ts';
import type { Queue, QueueOptions } from '../timers.ts';
import { createAttempt } from './attempt.ts';
import { openConnection, type RedisAddress } from './connection.ts';
import { createLane, type Lane } from './lane.ts';
import { keyOf } from './names.ts';

export interface BullQueueOptions extends Omit<QueueOptions, 'leases'> {
  readonly redis: RedisAddress;
  /** api: rows are queued but not delivered */
  readonly role: 'all' | 'worker' | 'api';
  /** which tenant's queue handles the rows of one of `tenants`; default: its own */
  readonly laneOf?: (tenant: string) => string;
  /** a dead worker's job is free after this many milliseconds; renewed during work */
  readonly lockMs?: number;
  /** dead workers' jobs are looked for at this interval, ms */
  readonly stalledMs?: number;
  /** longest wait for Redis, ms, where a delivery or the shutdown needs its answer */
  readonly askMs?: number;
  /** rows are scanned at least at this interval, ms */
  readonly sweepMs?: number;
}

export interface BullQueue extends Queue {
  /** of each tenant, for the board */
  readonly jobs: readonly { readonly tenant: string; readonly queue: Jobs }[];
  /** The row of a job, by its deduplication id. */
  rowOf(deduplicationId: string | undefined): Key | undefined;
  /** whether Redis answers; otherwise calls on `jobs` wait for it */
  isThere(): boolean;
}

const LOCK = 10_000;
const STALLED = 5_000;
const SWEEP = 5_000;
const ASK = 500;
/** Shortest time between two sweeps, ms: many rows may request one. */
const GAP = 100;
/** Rows per read. */
const PAGE = 250;
/** While a tenant has enough jobs, it is checked at this interval for room for more, ms. */
const POLL = 100;
/** Rows that are pulled are spread over at most this long, this far apart, ms. */
const SPREAD = 10_000;
const APART = 1;
/** Longest wait of start() for a Redis that is down, ms. */
const START = 2_000;

export function createBullQueue(options: BullQueueOptions): BullQueue {
  const { store, clock, tenants, isShut, role, atOnce = 8, sweepMs = SWEEP } = options;
  const { laneOf = (tenant) => tenant, lockMs = LOCK, stalledMs = STALLED, askMs = ASK } = options;
  const connection = openConnection(options.redis, options.onError);
  const stopping = new AbortController();
  const isStopped = (): boolean => stopping.signal.aborted;
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  let wokeAt = Number.NEGATIVE_INFINITY;
  let started = false;
  const sweeping = new Map<string, Promise<void>>();
  /** tenants to sweep again, and whether to include all of their rows */
  const again = new Map<string, boolean>();

  const attempt = createAttempt({ ...options, isStopped, isPulled: (tenant) => lane(tenant).isPulled() });
  const lanes = new Map<string, Lane>();
  for (const name of new Set(tenants.map(laneOf)))
    lanes.set(
      name,
      createLane({
        tenant: name,
        connection,
        clock,
        atOnce: role === 'api' ? 0 : atOnce,
        attempt,
        lockMs,
        stalledMs,
        askMs,
      }),
    );

  function lane(tenant: string): Lane {
    const found = lanes.get(laneOf(tenant));
    if (found === undefined) throw new Error(`no tenant ${tenant}`);
    return found;
  }

  function arm(time: number): void {
    if (!started || isStopped()) return;
    const now = clock();
    const at = Math.max(Math.min(time, now + sweepMs), wokeAt + GAP);
    if (at >= wakeAt) return;
    wakeAt = at;
    clearTimeout(timer);
    timer = setTimeout(wake, Math.max(0, at - now));
  }

  function wake(): void {
    wokeAt = clock();
    wakeAt = Number.POSITIVE_INFINITY;
    for (const tenant of tenants) void work(tenant, false);
    arm(Number.POSITIVE_INFINITY);
  }

  /** One sweep of a tenant at a time. */
  function work(tenant: string, pulled: boolean): Promise<void> {
    const running = sweeping.get(tenant);
    if (running !== undefined) {
      again.set(tenant, pulled || again.get(tenant) === true);
      return running;
    }
    again.delete(tenant);
    const made = sweep(tenant, pulled)
      .catch(connection.failed)
      .finally(() => {
        sweeping.delete(tenant);
        const more = again.get(tenant);
        if (more !== undefined && !isStopped()) void work(tenant, more);
      });
    sweeping.set(tenant, made);
    return made;
  }

  /** Creates a job for each row that is due, or soon will be; for a pulled tenant, for all rows. */
  async function sweep(tenant: string, pulled: boolean): Promise<void> {
    if (isShut(tenant)) return;
    const { add, isFull, pull, resume } = lane(tenant);
    resume();
    const begun = clock();
    if (pulled) await pull();
    /** failed rows become due again later: each is pulled once */
    const seen = new Set<string>();
    let after: Due | undefined;
    for (;;) {
      const until = pulled ? Number.MAX_SAFE_INTEGER : clock() + sweepMs;
      const page = await store.due(tenant, until, PAGE, after);
      after = page.at(-1);
      if (after === undefined || isHalted(tenant)) return;
      const rows = page.filter(({ id }) => !seen.has(id));
      if (pulled) for (const { id } of rows) seen.add(id);
      const first = begun + Math.min(SPREAD, (seen.size - rows.length) * APART);
      await add(rows.map(({ id, dueAt }, at) => ({ key: { tenant, id }, at: pulled ? first + at * APART : dueAt })));
      if (pulled) await pause(first - clock());
      else if (after.dueAt > clock()) return arm(after.dueAt);
      while (!isHalted(tenant) && (await isFull())) await pause(POLL);
      if (isHalted(tenant)) return;
    }
  }

  const isHalted = (tenant: string): boolean => isStopped() || isShut(tenant);

  async function pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  return {
    jobs: [...lanes].map(([tenant, { queue }]) => ({ tenant, queue })),
    rowOf: keyOf,
    isThere: () => connection.client.status === 'ready',
    at: arm,
    async start() {
      started = true;
      for (const each of lanes.values()) each.start();
      arm(Number.POSITIVE_INFINITY);
      await Promise.race([Promise.all(tenants.map((tenant) => work(tenant, false))), pause(START)]);
    },
    pull(tenant) {
      if (started && !isStopped()) void work(tenant, true);
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      // a sweep that waits for a Redis that is down has no effect
      await Promise.all([...lanes.values()].map((each) => each.close()));
      connection.close();
    },
  };
}
