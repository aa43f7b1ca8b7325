import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { emptyRow, indexOf } from '../../src/bridge/row/views.ts';
import { createQueue } from '../../src/queue/timers.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { until } from '../end-to-end/until.ts';

let directory: string;
let store: Store;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'queue-'));
  store = await createSqliteStore({ directory });
});
after(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

/** A row that falls due, or null: one that is settled. */
async function put(id: string, dueAt: number | null): Promise<void> {
  const key = { tenant: 't', id };
  const before = (await store.read(key)) ?? emptyRow(key, 1);
  const row = emptyRow(key, 1, { version: before.version + 1, dueAt });
  await store.write({ key, expect: before.version, row, index: indexOf(row, { instance: 'i', externalId: false }) });
}

test('rows that fail do not keep the others from their turn, and are tried again', async () => {
  const tried = new Map<string, number>();
  const errors: unknown[] = [];
  for (let n = 0; n < 12; n += 1) await put(`bad${n}`, n);
  await put('good', 100);
  const deliver = async ({ id }: Key): Promise<void> => {
    tried.set(id, (tried.get(id) ?? 0) + 1);
    if (id !== 'good') throw new Error('bad row');
    await put(id, null);
  };
  const queue = createQueue({
    store,
    clock: Date.now,
    tenants: ['t'],
    isShut: () => false,
    deliver,
    onError: (error) => errors.push(error),
    leases: 0,
  });
  await queue.start();
  assert.equal(tried.get('good'), 1);
  await until(() => tried.get('bad0') === 2);
  await queue.stop();
  assert.ok(errors.length >= 12);
  for (let n = 0; n < 12; n += 1) await put(`bad${n}`, null);
});

test('a row that falls due without anybody telling is found', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  try {
    const delivered: string[] = [];
    const deliver = async ({ id }: Key): Promise<void> => {
      delivered.push(id);
      await put(id, null);
    };
    const queue = createQueue({
      store,
      clock: Date.now,
      tenants: ['t'],
      isShut: () => false,
      deliver,
      onError: (error) => assert.fail(String(error)),
      leases: 0,
    });
    await queue.start();
    await put('quiet', Date.now() + 1_000);
    mock.timers.tick(30_000);
    mock.timers.reset();
    await until(() => delivered.includes('quiet'));
    await queue.stop();
  } finally {
    mock.timers.reset();
  }
});
