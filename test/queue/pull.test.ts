/** A pull tries every row once, those that fail in it too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Due, Store } from '../../src/bridge/ports/store.ts';
import { createQueue } from '../../src/queue/timers.ts';

test('a row that fails while all rows are pulled is not tried again in that pull', async () => {
  const due = new Map<string, number>([
    ['a', 1_000],
    ['b', 2_000],
  ]);
  const tried: string[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const after = (row: Due | undefined, { dueAt, id }: Due): boolean =>
    row === undefined || dueAt > row.dueAt || (dueAt === row.dueAt && id > row.id);
  const store = {
    due: async (_tenant: string, until: number, limit: number, from?: Due) =>
      [...due]
        .map(([id, dueAt]) => ({ id, dueAt }))
        .filter((row) => row.dueAt <= until && after(from, row))
        .toSorted((one, other) => one.dueAt - other.dueAt)
        .slice(0, limit),
    async nextDue() {
      if (tried.length >= due.size) resolve();
      return Math.min(...due.values());
    },
  } as unknown as Store;
  const queue = createQueue({
    store,
    clock: () => 0,
    tenants: ['t'],
    async deliver({ id }) {
      tried.push(id);
      due.set(id, (due.get(id) ?? 0) + 600_000);
    },
    isShut: () => false,
    onError: assert.ifError,
    leases: 0,
  });
  await queue.start();
  queue.pull('t');
  await done;
  await queue.stop();
  assert.deepEqual(tried, ['a', 'b']);
});
