/** Sets of members over restarts and in folders that are new. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { unavailable, useFolders } from './folders.ts';
import { write } from './rows.ts';

describe('store/sqlite: members', () => {
  const { newFolder, open } = useFolders();

  it('revisions of a set grow while the clock stands or goes back, and follow it in a folder that is new', async () => {
    let now = 1_000;
    const clock = () => now;
    const directory = await newFolder();
    const joins = (version: number) =>
      write({ tenant: 't', id: 'a' }, { version }, version % 2 === 1 ? { memberships: ['g'] } : {});
    let store = await createSqliteStore({ directory, clock });
    for (const version of [1, 2, 3]) await store.write(joins(version));
    assert.deepEqual(await store.memberSet('t', 'g'), { count: 1, revision: 1_002, modified: 1_000 });
    await store.close();
    now = 500;
    store = await createSqliteStore({ directory, clock });
    await store.write(joins(4));
    assert.deepEqual(await store.memberSet('t', 'g'), { count: 0, revision: 1_003, modified: 500 });
    await store.close();
    now = 2_000.5;
    const again = await open(await newFolder(), { clock });
    await again.write(joins(1));
    assert.deepEqual(await again.memberSet('t', 'g'), { count: 1, revision: 2_000, modified: 2_000.5 });
  });

  it('a revision that was lost with a full disk is given to no other set, though the clock stands', async () => {
    const store = await open(await newFolder(), { clock: () => 1_000, hook: { maxPages: 100 } });
    const joins = (id: string, lastError: string) => write({ tenant: 't', id }, { lastError }, { memberships: ['g'] });
    await store.write(joins('a', ''));
    const before = await store.memberSet('t', 'g');
    const lost = assert.rejects(store.write(joins('big', 'x'.repeat(500_000))), unavailable);
    const seen = await store.memberSet('t', 'g');
    assert.deepEqual([before.revision, seen.revision], [1_000, 1_001]);
    await lost;
    assert.deepEqual(await store.memberSet('t', 'g'), before);
    await store.write(joins('c', ''));
    assert.deepEqual(await store.memberSet('t', 'g'), { count: 2, revision: 1_002, modified: 1_000 });
  });
});
