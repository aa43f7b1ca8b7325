/** The queue: a sweeper over dueAt. One timer waits for the earliest row; the rows themselves say what is owed. */
import type { Key, Store, Wake } from '../bridge/ports.ts';

export interface QueueOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly deliver: (key: Key) => Promise<void>;
  /** a sweep failed: the store is away. It is tried again */
  readonly onError: (error: unknown) => void;
  /** at start rows due within this time are looked at, ms: the leases of an earlier process are void */
  readonly leases: number;
  /** rows delivered at once; default 8 */
  readonly atOnce?: number;
}

export interface Queue extends Wake {
  /** Looks at what an earlier process left; resolves when each of those rows was tried once. */
  start(): Promise<void>;
  /** Starts nothing more and waits for what runs. */
  stop(): Promise<void>;
}

/** Longest wait, in ms: a timer that was set wrongly (a clock that jumped) does no lasting harm. */
const LONGEST = 30_000;
/** Pause after a failed sweep, or before rows that stayed due are tried again, in ms. */
const PAUSE = 1_000;

export function createQueue({ store, clock, deliver, onError, leases, atOnce = 8 }: QueueOptions): Queue {
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  let sweeping: Promise<void> | undefined;
  let stopped = true;

  function arm(time: number): void {
    if (stopped || time >= wakeAt) return;
    wakeAt = time;
    clearTimeout(timer);
    timer = setTimeout(run, Math.min(LONGEST, Math.max(0, time - clock())));
  }

  function run(): void {
    wakeAt = Number.POSITIVE_INFINITY;
    sweeping ??= sweep(0).finally(() => {
      sweeping = undefined;
    });
  }

  /** Delivers what is due within `ahead` ms, each row once: one that somebody else holds stays due. */
  async function sweep(ahead: number): Promise<void> {
    const tried = new Set<string>();
    const name = (key: Key): string => `${key.tenant}\n${key.id}`;
    try {
      for (;;) {
        const due = await store.due(clock() + ahead, atOnce + tried.size);
        const keys = due.filter((key) => !tried.has(name(key))).slice(0, atOnce);
        if (stopped || keys.length === 0) break;
        for (const key of keys) tried.add(name(key));
        await Promise.all(keys.map(deliver));
      }
      const next = (await store.nextDue()) ?? Number.POSITIVE_INFINITY;
      arm(tried.size === 0 ? next : Math.max(next, clock() + PAUSE));
    } catch (error) {
      onError(error);
      arm(clock() + PAUSE);
    }
  }

  return {
    at: arm,
    start() {
      stopped = false;
      sweeping = sweep(leases).finally(() => {
        sweeping = undefined;
      });
      return sweeping;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await sweeping;
    },
  };
}
