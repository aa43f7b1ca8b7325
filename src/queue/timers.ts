/** The queue: it looks over dueAt. One timer waits for the earliest row; the rows themselves say what is owed. */
import type { Key, Store, Wake } from '../bridge/ports.ts';

export interface QueueOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly deliver: (key: Key) => Promise<void>;
  /** a row or the store failed; it is tried again */
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

/** Longest wait, in ms: rows may fall due without anybody telling, and a clock may jump. */
const LONGEST = 30_000;
/** Pause after a failure, or before rows that stayed due are tried again, in ms. */
const PAUSE = 1_000;

export function createQueue({ store, clock, deliver, onError, leases, atOnce = 8 }: QueueOptions): Queue {
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  let working: Promise<void> | undefined;
  let stopped = true;

  function arm(time: number): void {
    const at = Math.min(time, clock() + LONGEST);
    if (stopped || at >= wakeAt) return;
    wakeAt = at;
    clearTimeout(timer);
    timer = setTimeout(run, Math.max(0, at - clock()));
  }

  function run(): void {
    wakeAt = Number.POSITIVE_INFINITY;
    working ??= work(0).finally(() => {
      working = undefined;
    });
  }

  /** Delivers what is due within `ahead` ms, each row once: one that somebody else holds stays due. */
  async function work(ahead: number): Promise<void> {
    const tried = new Set<string>();
    const name = (key: Key): string => `${key.tenant}\n${key.id}`;
    try {
      for (;;) {
        const due = await store.due(clock() + ahead, atOnce + tried.size);
        const keys = due.filter((key) => !tried.has(name(key))).slice(0, atOnce);
        if (stopped || keys.length === 0) break;
        for (const key of keys) tried.add(name(key));
        await Promise.all(keys.map((key) => deliver(key).catch(onError)));
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
      working = work(leases).finally(() => {
        working = undefined;
      });
      return working;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
