/** Schedules syncs: full speed until the first one has finished, then every SYNC_INTERVAL at most 5 % of the time. */
import { setTimeout as delay } from 'node:timers/promises';
import { forgetDeadLetters, forgetTombstones } from './retention.ts';
import type { Lock } from '../delivery/exclusive.ts';
import type { Clock } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';
import type { Unique } from '../row/types.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import { type Place, type Progress, type Removal, readMetadataAgain, sweep, type SyncOptions } from './sweep.ts';
import { groupsOf } from '../row/kinds.ts';
import type { Timing } from '../timing.ts';

export type SyncEvent =
  | ({ readonly kind: 'progress' } & Progress)
  | ({
      readonly kind: 'finished';
      readonly ms: number;
      /** users with memberships in unknown groups, too many to remove without an operator's consent */
      readonly keptKeys: number;
    } & Progress &
      Removal)
  | { readonly kind: 'failed'; readonly reason: string }
  /** one user could not be imported; the others continue */
  | { readonly kind: 'skipped'; readonly id: string; readonly error: unknown };

export interface SyncLoopOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly clock: Clock;
  readonly timing: Timing;
  /** per process: protected users, password rules, applicable rules. Throws BridgeError 503 if ZITADEL is down */
  readonly refresh: () => Promise<void>;
  /** runs before the users are read. Throws BridgeError 503 when ZITADEL is unreachable */
  readonly prepare: () => Promise<void>;
  /** runs once they were read: work that depends on all users */
  readonly conclude: (acceptRemovals: boolean) => Promise<{ readonly keptKeys: number }>;
  /** records that a sync has finished */
  readonly onFinished: (at: number) => Promise<void>;
  readonly onSync: (event: SyncEvent) => void;
  /** false: other processes sync */
  readonly leads: boolean;
  /** one process syncs a tenant at a time */
  readonly lock: Lock;
  /** when a sync last finished, in any process; null: never */
  readonly lastFinished: () => Promise<number | null>;
}

export interface SyncLoop {
  /** `finished`: when a sync last finished, in an earlier process; null: never. */
  start(finished: number | null): void;
  /** Resolves when no sync is running any more. */
  stop(): Promise<void>;
  /** Resolves when the running sync has ended. */
  idle(): Promise<void>;
  /** Syncs now, at full speed, after any running sync. */
  now(acceptRemovals: boolean): Promise<SyncEvent>;
  finished(): number | null;
  running(): boolean;
  last(): SyncEvent | undefined;
}

const ELSEWHERE: SyncEvent = { kind: 'failed', reason: 'another process syncs this tenant just now' };

/** Pause before retrying a first sync that failed or is running in another process, ms. */
const SYNC_AGAIN = 5_000;
/** Interval at which to check whether another process has finished a first sync, ms. */
const LOOK_AGAIN = 500;
/** After the first sync, the shares of time for sweeps and for reading metadata again; 5 % together. */
const SWEEP_SHARE = 0.04;
const METADATA_SHARE = 0.01;

export function createSyncLoop(options: SyncLoopOptions): SyncLoop {
  const { tenant, unique, store, zitadel, clock, timing, onSync } = options;
  let finished: number | null = null;
  let last: SyncEvent | undefined;
  let stopped = false;
  const born = clock();
  /** this process has had its turn once */
  let began = false;
  /** another process had the last turn, and may have died during it */
  let isElsewhere = false;
  let timer: NodeJS.Timeout | undefined;
  let syncing: Promise<SyncEvent> | undefined;
  /** position of the rolling pass over the metadata */
  let place: Place | undefined;
  const ending = new AbortController();

  function tell(event: SyncEvent): SyncEvent {
    last = event;
    onSync(event);
    return event;
  }

  /** A pause that makes the preceding work its share of the time. */
  async function rest(ms: number): Promise<void> {
    await delay(ms * (1 / SWEEP_SHARE - 1), undefined, { ref: false, signal: ending.signal }).catch(() => undefined);
  }

  async function once(atFullSpeed: boolean, acceptRemovals: boolean): Promise<SyncEvent> {
    const began = clock();
    const sync: SyncOptions = {
      tenant,
      unique,
      store,
      zitadel,
      clock,
      acceptRemovals,
      onProgress: (progress) => tell({ kind: 'progress', ...progress }),
      onSkipped: (id, error) => tell({ kind: 'skipped', id, error }),
      stopped: () => stopped,
      rest: atFullSpeed ? async () => undefined : rest,
    };
    await options.prepare();
    const result = await sweep(sync);
    const keptKeys = stopped ? 0 : (await options.conclude(acceptRemovals)).keptKeys;
    if (stopped) return { kind: 'failed', reason: 'stopped' };
    finished = clock();
    await options.onFinished(finished);
    for (const shelf of [tenant, groupsOf(tenant)]) {
      await forgetTombstones(store, shelf, unique, clock() - 2 * timing.syncIntervalMs);
      await forgetDeadLetters(store, shelf, unique, clock() - timing.deadLetterRetentionMs);
    }
    const event = tell({ kind: 'finished', ms: clock() - began, ...result, keptKeys });
    const end = clock() + timing.syncIntervalMs * METADATA_SHARE;
    place = await readMetadataAgain({ ...sync, stopped: () => stopped || clock() >= end }, place);
    return event;
  }

  /** Work that another process is doing, or has done in this interval, is not repeated. */
  async function inTurn(atFullSpeed: boolean, acceptRemovals: boolean, asked: boolean): Promise<SyncEvent> {
    const before = await options.lastFinished();
    await options.refresh();
    finished = Math.max(finished ?? 0, before ?? 0) || null;
    const isFresh = before !== null && before >= (began ? clock() - timing.syncIntervalMs / 2 : born);
    // not repeated if another process did it; a process that does not sync only checks whether others have finished
    const isMine = asked || (options.leads && !isFresh);
    const event = isMine
      ? await options.lock.attempt(`sync:${tenant}`, () => once(atFullSpeed, acceptRemovals))
      : undefined;
    isElsewhere = isMine && event === undefined;
    began ||= !isElsewhere;
    return event ?? last ?? ELSEWHERE;
  }

  async function attempt(atFullSpeed: boolean, acceptRemovals: boolean, asked = false): Promise<SyncEvent> {
    try {
      return await inTurn(atFullSpeed, acceptRemovals, asked);
    } catch (error) {
      const event = { kind: 'failed', reason: error instanceof Error ? error.message : 'unexpected' } as const;
      return stopped ? event : tell(event);
    } finally {
      syncing = undefined;
      const again = options.leads ? SYNC_AGAIN : LOOK_AGAIN;
      const pause = finished === null || isElsewhere ? Math.min(again, timing.syncIntervalMs) : timing.syncIntervalMs;
      if (!stopped) timer = setTimeout(() => void sync(finished === null, false), pause);
    }
  }

  /** One at a time: concurrent callers share the running one. */
  function sync(atFullSpeed: boolean, acceptRemovals: boolean, asked = false): Promise<SyncEvent> {
    clearTimeout(timer);
    syncing ??= attempt(atFullSpeed, acceptRemovals, asked);
    return syncing;
  }

  async function now(acceptRemovals: boolean): Promise<SyncEvent> {
    if (syncing === undefined) return sync(true, acceptRemovals, true);
    await syncing;
    return now(acceptRemovals);
  }

  return {
    start(at) {
      finished = at;
      void sync(true, false);
    },
    async stop() {
      stopped = true;
      ending.abort();
      clearTimeout(timer);
      await syncing;
    },
    async idle() {
      await syncing;
    },
    now,
    finished: () => finished,
    running: () => syncing !== undefined,
    last: () => last,
  };
}
