/** Work that one process at a time may do, by the lease of a row that is none. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from '../row/types.ts';
import type { Lease, Store } from '../ports/store.ts';

export interface Lock {
  /** Waits for its turn; then runs `work` alone, over all processes, as long as this one does not sleep longer than its turn. */
  take<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** As take, but undefined when its turn has not come within `wait` ms, or the store cannot be asked. */
  within<T>(name: string, wait: number, work: () => Promise<T>): Promise<T | undefined>;
  /** Runs `work` when nobody else is at it; else undefined at once. The turn is renewed as long as the work takes. */
  attempt<T>(name: string, work: () => Promise<T>): Promise<T | undefined>;
}

/** No id of a tenant has a colon in front. */
const SHELF = ':turns';
/** How often somebody who waits looks again, ms. */
const LOOK_AGAIN = 20;

/** @param ms how long a turn lasts when its process dies */
export function createLock(store: Pick<Store, 'lease' | 'prove' | 'release'>, ms: number): Lock {
  const keyOf = (name: string): Key => ({ tenant: SHELF, id: name });

  async function run<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
    const renewing = setInterval(() => void store.prove(lease, ms).catch(() => undefined), ms / 3);
    renewing.unref();
    try {
      return await work();
    } finally {
      clearInterval(renewing);
      await store.release(lease).catch(() => undefined); // it ends by itself
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
