/** Rows that are nothing but due, as the queue sees them, and a queue over them. */
import { Redis } from 'ioredis';
import type { Due, Store } from '../../src/bridge/ports/store.ts';
import type { Key, Row } from '../../src/bridge/row/types.ts';
import { emptyRow } from '../../src/bridge/row/views.ts';
import { type BullQueue, type BullQueueOptions, createBullQueue } from '../../src/queue/bullmq/queue.ts';

export interface Rows {
  /** due rows by `tenant id` */
  readonly dueAt: Map<string, number>;
  readonly store: Store;
  put(tenant: string, id: string, dueAt: number): void;
  settle(key: Key): void;
}

const nameOf = ({ tenant, id }: Key): string => `${tenant} ${id}`;

export function createRows(): Rows {
  const dueAt = new Map<string, number>();
  /** of each tenant, sorted; undone by every change */
  let sorted = new Map<string, readonly Due[]>();
  function dueOf(tenant: string): readonly Due[] {
    const found = sorted.get(tenant);
    if (found !== undefined) return found;
    const rows = [...dueAt]
      .filter(([name]) => name.startsWith(`${tenant} `))
      .map(([name, time]) => ({ id: name.slice(tenant.length + 1), dueAt: time }))
      .toSorted((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1));
    sorted.set(tenant, rows);
    return rows;
  }
  const store: Pick<Store, 'read' | 'due'> = {
    async read(key): Promise<Row | undefined> {
      const time = dueAt.get(nameOf(key));
      return time === undefined ? undefined : emptyRow(key, 1, { dueAt: time });
    },
    async due(tenant, now, limit, after) {
      const isBehind = (row: Due): boolean =>
        after === undefined || row.dueAt > after.dueAt || (row.dueAt === after.dueAt && row.id > after.id);
      return dueOf(tenant)
        .filter((row) => row.dueAt <= now && isBehind(row))
        .slice(0, limit);
    },
  };
  return {
    dueAt,
    store: store as Store,
    put(tenant, id, time) {
      dueAt.set(nameOf({ tenant, id }), time);
      sorted = new Map();
    },
    settle(key) {
      dueAt.delete(nameOf(key));
      sorted = new Map();
    },
  };
}

/** Longer than any test: no worker that gets little of the processor loses its job to another one. */
const LOCK_MS = 600_000;
/** A job is free so long after its worker died, ms, where that is looked at; a worker that lives has to renew its own in that time. */
export const SHORT_LOCK = { lockMs: 10_000 };

/** A queue with short durations over tenants `a` and `b`, which settles what it delivers. */
export function createTestQueue(url: string, rows: Rows, options: Partial<BullQueueOptions> = {}): BullQueue {
  return createBullQueue({
    store: rows.store,
    clock: Date.now,
    tenants: ['a', 'b'],
    deliver: async (key) => rows.settle(key),
    isShut: () => false,
    onError: () => undefined,
    redis: { url },
    role: 'all',
    lockMs: LOCK_MS,
    stalledMs: 200,
    askMs: 60_000,
    sweepMs: 300,
    ...options,
  });
}

/** What Redis holds, but for the few keys that each queue of BullMQ always has. */
export async function jobKeys(url: string): Promise<readonly string[]> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const found = await client.keys('*');
    return found.filter((key) => !/:(?:id|meta|events|stalled-check|stalled|marker)$/.test(key)).toSorted();
  } finally {
    client.disconnect();
  }
}
