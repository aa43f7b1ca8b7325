import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPending, type Entry, NO_ROW } from '../../src/store/sqlite/pending.ts';

const entry = (id: string): Entry => ({
  key: { tenant: 't', id },
  row: null,
  slot: NO_ROW,
  userName: null,
  externalId: null,
  emails: [],
  instance: '',
  reserved: [],
});

/** Ids of rows that are still at hand once all of them are durable. */
function remembered(count: number, size: number): string[] {
  const pending = createPending();
  const ids = Array.from({ length: count }, (_, n) => `id${n}`);
  for (const [batch, id] of ids.entries()) pending.put(entry(id), batch, size);
  for (const batch of ids.keys()) pending.committed(batch);
  return ids.filter((id) => pending.newest({ tenant: 't', id }) !== undefined);
}

test('of what is durable the newest 200 rows are at hand, and no more than two million characters of them', () => {
  assert.deepEqual(remembered(250, 1_000).length, 200);
  // 200 users of a megabyte each would fill the memory of the process
  assert.deepEqual(remembered(250, 900_000), ['id248', 'id249']);
  assert.deepEqual(remembered(3, 3_000_000), []);
});
