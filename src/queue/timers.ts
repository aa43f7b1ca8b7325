import type { Due, Store } from '../bridge/ports/store.ts';
import type { Key } from '../bridge/row/types.ts';
import type { Scheduler } from '../bridge/ports/scheduler.ts';

export interface QueueOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly tenants: readonly string[];
  readonly deliver: (key: Key) => Promise<void>;
  /** nothing can be delivered for this tenant now: its rows wait, whatever their dueAt */
  readonly isShut: (tenant: string) => boolean;
  /** a row or the store failed; it will be retried */
  readonly onError: (error: unknown) => void;
  /** at start rows due within this time are tried, ms: leases of an earlier process are void */
  readonly leases: number;
  /** rows of a tenant delivered at once; default 8 */
  readonly atOnce?: number;
}

export interface Queue extends Scheduler {
  /** Recovers what an earlier process left; resolves when each of those rows was tried once. */
  start(): Promise<void>;
  /** ZITADEL is back for a tenant: all its pending changes are tried now, earliest first, regardless of dueAt. */
  pull(tenant: string): void;
  /** Starts nothing more and waits for running deliveries. */
  stop(): Promise<void>;
}

/** Longest wait, in ms: rows may fall due without notice, and a clock may jump. */
const LONGEST = 30_000;
/** Pause after a failure, or before rows that stayed due are retried, in ms. */
const PAUSE = 1_000;
/** Rows per read. */
const PAGE = 100;

export function createQueue(options: QueueOptions): Queue {
  const { store, clock, tenants, deliver, isShut, onError, leases, atOnce = 8 } = options;
  let timer: NodeJS.Timeout | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;
  let stopped = true;
  const working = new Map<string, Promise<void>>();
  /** tenants whose rows must be checked again, and how far ahead of their time */
  const again = new Map<string, number>();

  function arm(time: number): void {
    const at = Math.min(time, clock() + LONGEST);
    if (stopped || at >= wakeAt) return;
    wakeAt = at;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        wakeAt = Number.POSITIVE_INFINITY;
        for (const tenant of tenants) void work(tenant, 0);
      },
      Math.max(0, at - clock()),
    );
  }

  /** One sweep at a time for each tenant: a slow one does not delay the others. */
  function work(tenant: string, ahead: number): Promise<void> {
    const running = working.get(tenant);
    if (running !== undefined) {
      again.set(tenant, Math.max(ahead, again.get(tenant) ?? 0));
      return running;
    }
    again.delete(tenant);
    const sweeping = sweep(tenant, ahead).finally(() => {
      working.delete(tenant);
      const more = again.get(tenant);
      if (more !== undefined && !stopped) void work(tenant, more);
    });
    working.set(tenant, sweeping);
    return sweeping;
  }

  /** Delivers what is due within `ahead` ms, each row once: a row leased elsewhere stays due. */
  async function sweep(tenant: string, ahead: number): Promise<void> {
    let tried = 0;
    try {
      const rows = dueRows(tenant, clock() + ahead);
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let row = await rows.next(); row.done !== true; row = await rows.next()) {
            tried += 1;
            await deliver({ tenant, id: row.value.id }).catch(onError);
          }
        }),
      );
      if (stopped || isShut(tenant)) return arm(Number.POSITIVE_INFINITY);
      const next = (await store.nextDue(tenant)) ?? Number.POSITIVE_INFINITY;
      arm(tried === 0 ? next : Math.max(next, clock() + PAUSE));
    } catch (error) {
      onError(error);
      arm(clock() + PAUSE);
    }
  }

  async function* dueRows(tenant: string, until: number): AsyncGenerator<Due, void> {
    let after: Due | undefined;
    /** a failed row becomes due again later: each is tried once per sweep */
    const seen = new Set<string>();
    for (;;) {
      const page = await store.due(tenant, until, PAGE, after);
      for (const row of page) {
        if (stopped || isShut(tenant)) return;
        if (seen.has(row.id)) continue;
        seen.add(row.id);
        yield row;
      }
      after = page.at(-1);
      if (after === undefined) return;
    }
  }

  return {
    at: arm,
    async start() {
      stopped = false;
      await Promise.all(tenants.map((tenant) => work(tenant, leases)));
    },
    pull(tenant) {
      if (!stopped) void work(tenant, Number.MAX_SAFE_INTEGER - clock());
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.all(working.values());
    },
  };
}
