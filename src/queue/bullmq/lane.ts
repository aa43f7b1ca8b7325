/** One tenant's BullMQ queue, and this process's worker on it: a slow or poisoned tenant delays no other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import type { Key } from '../../bridge/row/types.ts';
import type { Attempt } from './attempt.ts';
import type { Connection } from './connection.ts';
import { idOf, keyOf, PREFIX, pulledKey, queueName } from './names.ts';

export interface LaneOptions {
  readonly tenant: string;
  readonly connection: Connection;
  readonly clock: () => number;
  /** jobs of the tenant at once in this process; 0: none is worked on here */
  readonly atOnce: number;
  readonly attempt: (key: Key) => Promise<Attempt>;
  readonly lockMs: number;
  readonly stalledMs: number;
  /** a question to Redis that a delivery waits for is given up after this many milliseconds */
  readonly askMs: number;
}

export interface Lane {
  readonly queue: Queue;
  /** Starts working. */
  start(): void;
  /** One job for each row, at its time; an existing job is moved to that time. Hangs while Redis is down. */
  add(rows: readonly { readonly key: Key; readonly at: number }[]): Promise<void>;
  /** Redis has as many waiting jobs as it should for a tenant. */
  isFull(): Promise<boolean>;
  /** From now on, and for some minutes, all processes try jobs regardless of dueAt. */
  pull(): Promise<void>;
  isPulled(): Promise<boolean>;
  /** Takes jobs again: it stopped at one that may not be delivered now. */
  resume(): void;
  /** Takes no more jobs and waits for running ones; it does not wait for a Redis that is down. */
  close(): Promise<void>;
}

/** Jobs that may wait for a worker; more are added as these are done. */
const MOST_WAITING = 1_000;
/** When ZITADEL is back, pending rows are tried early for this long, ms; longer than the longest backoff. */
const PULLED = 600_000;
/** Time for Redis to record results at shutdown, ms; a job without a record is checked again by another worker. */
const LAST_WORDS = 2_000;
/** BullMQ keeps an event list; it is never read. */
const EVENTS = 100;
/** Pause of a worker after an error in its loop, ms. */
const WORKER_RETRY = 1_000;

export function createLane(options: LaneOptions): Lane {
  const { tenant, connection, clock, atOnce, attempt } = options;
  const { client, failed } = connection;
  const shared = { connection: client, prefix: PREFIX };
  const queue = new Queue(queueName(tenant), { ...shared, streams: { events: { maxLen: EVENTS } } });
  queue.on('error', failed);
  const running = new Set<Promise<unknown>>();
  const worker = atOnce === 0 ? undefined : createWorker();
  let started = false;

  function createWorker(): Worker {
    const made = new Worker(queueName(tenant), work, {
      ...shared,
      autorun: false,
      concurrency: atOnce,
      lockDuration: options.lockMs,
      stalledInterval: options.stalledMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // a row is given up by its attempt count, never because workers died
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      runRetryDelay: WORKER_RETRY,
    });
    made.on('error', failed);
    made.on('failed', (_job, error) => failed(error));
    return made;
  }

  async function work(job: Job, token?: string): Promise<void> {
    const key = keyOf(job.deduplicationId);
    if (key === undefined) return;
    const trying = attempt(key);
    running.add(trying);
    const result = await trying.finally(() => running.delete(trying));
    if (result.kind === 'done') return;
    // leave the jobs to the other processes until this one may deliver again
    if (result.kind === 'shut') void worker?.pause(true).catch(failed);
    await job.moveToDelayed(Date.now() + Math.max(0, result.at - clock()), token);
    throw new DelayedError();
  }

  return {
    queue,
    start() {
      started = true;
      void worker?.run().catch(failed);
    },
    async add(rows) {
      const now = clock();
      await queue.addBulk(
        rows.map(({ key, at }) => ({
          name: 'row',
          data: {},
          opts: {
            delay: Math.max(0, Math.round(at - now)),
            deduplication: { id: idOf(key), keepLastIfActive: true, reschedule: true },
          },
        })),
      );
    },
    isFull: async () => (await queue.getWaitingCount()) >= MOST_WAITING,
    pull: async () => void (await client.set(pulledKey(tenant), '1', 'PX', PULLED)),
    isPulled: async () => (await within(client.exists(pulledKey(tenant)), options.askMs)) === 1,
    resume() {
      if (started && worker?.isPaused() === true) void worker.resume();
    },
    async close() {
      void worker?.pause(true).catch(failed);
      await Promise.allSettled(running);
      // BullMQ waits for a Redis that is down: unless told not to right away, its timers never end
      const isThere = (await within(client.ping(), options.askMs).catch(() => undefined)) !== undefined;
      await within(Promise.all([worker?.close(!isThere), isThere && queue.close()]).catch(failed), LAST_WORDS);
    },
  };
}

/** The value, or undefined after `ms`. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const done = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: done.signal })]);
  } finally {
    done.abort();
  }
}
