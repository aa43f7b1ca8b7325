/** Work that one process at a time may do. It uses leases of rows that do not exist. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from '../row/types.ts';
import type { Lease, Store } from '../ports/store.ts';

export interface Lock {
  /** Waits for its turn, then runs `work` exclusively across all processes, unless this one is suspended too long. */
  take<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Like take, but undefined if the turn does not come within `wait` ms or the store is unavailable. */
  within<T>(name: string, wait: number, work: () => Promise<T>): Promise<T | undefined>;
  /** Runs `work` unless it is running elsewhere; then returns undefined at once. The turn is renewed while it runs. */
  attempt<T>(name: string, work: () => Promise<T>): Promise<T | undefined>;
}

/** No tenant id starts with a colon. */
const SHELF = ':turns';
/** Interval at which a waiting process looks again, ms. */
const LOOK_AGAIN = 20;

/** @param ms how long a turn lasts if its process dies */
export function createLock(store: Pick<Store, 'lease' | 'prove' | 'release'>, ms: number): Lock {
  const keyOf = (name: string): Key => ({ tenant: SHELF, id: name });

  async function run<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
    const renewing = setInterval(() => void store.prove(lease, ms).catch(() => undefined), ms / 3);
    renewing.unref();
    try {
      return await work();
    } finally {
      clearInterval(renewing);
      await store.release(lease).catch(() => undefined); // it expires by itself
    }
  }

  return {
    async take(name, work) {
      for (;;) {
        const lease = await store.lease(keyOf(name), ms);
        if (lease !== undefined) return run(lease, work);
        await delay(LOOK_AGAIN);
      }
    },
    async within(name, wait, work) {
      for (const end = performance.now() + wait; performance.now() < end; ) {
        const lease = await store.lease(keyOf(name), ms).catch(() => undefined);
        if (lease !== undefined) return run(lease, work);
        await delay(LOOK_AGAIN);
      }
      return undefined;
    },
    async attempt(name, work) {
      const lease = await store.lease(keyOf(name), ms);
      return lease === undefined ? undefined : run(lease, work);
    },
  };
}
