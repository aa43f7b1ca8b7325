/**
 * Locks of a group: requests that name members run concurrently; one that concerns all members runs alone, so that
 * responses keep their order. Those that run alone are serialised across processes.
 */
import type { Lock } from '../delivery/exclusive.ts';
import { within } from '../timing.ts';

export interface GroupLocks {
  /** Runs `work` when its turn has come, or after `ms` regardless. */
  take<T>(group: string, alone: boolean, ms: number, work: () => Promise<T>): Promise<T>;
}

interface Turn {
  readonly alone: boolean;
  readonly ended: Promise<void>;
}

/** @param tenant names in `exclusive` are shared by all tenants */
export function createGroupLocks(tenant: string, lock: Lock): GroupLocks {
  const running = new Map<string, Turn[]>();

  return {
    async take(group, alone, ms, work) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const turns = running.get(group) ?? [];
      running.set(group, turns);
      const before = turns.filter((turn) => alone || turn.alone).map(({ ended }) => ended);
      const own = { alone, ended: promise };
      turns.push(own);
      try {
        if (before.length > 0) await within(Promise.all(before), ms);
        if (!alone) return await work();
        const done = await lock.within(`group:${tenant}:${group}`, ms, async () => ({ value: await work() }));
        return done === undefined ? await work() : done.value;
      } finally {
        resolve();
        turns.splice(turns.indexOf(own), 1);
        if (turns.length === 0 && running.get(group) === turns) running.delete(group);
      }
    },
  };
}
