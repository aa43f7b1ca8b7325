/** What is settled is erased: not to be found in the bytes of any file. */
import assert from 'node:assert/strict';
import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { Row } from '../../src/bridge/row/types.ts';
import { filesWith, useFolders } from './folders.ts';
import { change, deadLetter, removal, write } from './rows.ts';

const SECRET = '$2b$10$never-to-be-found';

/** Longer than any test. */
const NEVER = 1_000_000;

/** As long as wanted, and the secret at both ends. */
const secret = (length: number): string => SECRET + '.'.repeat(length) + SECRET;

describe('store/sqlite: erased', () => {
  const { newFolder, open } = useFolders();

  /** from a part of a page to many pages */
  const LENGTHS = [0, 100, 700, 3_000, 5_000, 40_000];
  const PLACES: readonly ((text: string) => Partial<Row>)[] = [
    (passwordHash) => ({ pending: [change({ facts: { passwordHash } })] }),
    (reason) => ({ deadLetters: [deadLetter({ reason })] }),
    (username) => ({ confirmed: { username } }),
    (lastError) => ({ lastError }),
  ];

  const logSize = async (directory: string): Promise<number> => (await stat(join(directory, 'bridge.db-wal'))).size;

  async function emptyLog(directory: string): Promise<void> {
    while ((await logSize(directory)) > 0) await nextTurn();
  }

  const key = { tenant: 't', id: 'a' };
  const owes = (passwordHash: string) => write(key, { pending: [change({ facts: { passwordHash } })] });
  const settled = write(key, { version: 2 });

  it('whatever was owed, dead, known, a name or an address, of any length, at close', async () => {
    const directory = await newFolder();
    const store = await open(directory);
    const kept = write({ ...key, id: 'kept' }, { lastError: `kept${'.'.repeat(3_000)}` });
    const lives = PLACES.flatMap((place) => LENGTHS.map((length) => ({ place, length })));
    const own = (n: number) => ({ ...key, id: `id-${n}` });
    await Promise.all([
      store.write(kept),
      store.setState('progress', SECRET),
      ...lives.map(({ place, length }, n) => {
        const index = {
          userName: SECRET,
          emails: [SECRET],
          display: SECRET,
          memberships: ['g', `g${n}`],
          reservations: [`${SECRET}${n}`],
        };
        return store.write(write(own(n), place(secret(length)), index));
      }),
    ]);
    assert.ok((await filesWith(directory, SECRET)).length > 0);
    for (const n of lives.keys()) await store.write(n % 3 === 0 ? removal(own(n), 1) : write(own(n), { version: 2 }));
    await store.setState('progress', undefined);
    assert.deepEqual(await store.read(kept.key), kept.row);
    await store.close();
    assert.deepEqual(await filesWith(directory, SECRET), []);
    assert.deepEqual(await filesWith(directory, 'kept'), ['bridge.db']);
  });

  it('from a store that stays open, once nothing was written for a while', async () => {
    const directory = await newFolder();
    const store = await open(directory, { idleMs: 3_000 });
    await store.write(owes(SECRET));
    assert.notDeepEqual(await filesWith(directory, SECRET), []);
    await store.write(settled);
    await emptyLog(directory);
    assert.deepEqual(await filesWith(directory, SECRET), []);
  });

  it('from what a crash left, without a new write', async () => {
    const [directory, left] = [await newFolder(), await newFolder()];
    const store = await open(directory, { idleMs: NEVER });
    await store.write(owes(SECRET));
    await store.write(settled);
    await cp(directory, left, { recursive: true });
    assert.deepEqual(await filesWith(left, SECRET), ['bridge.db-wal']);
    const next = await open(left, { idleMs: 50 });
    await emptyLog(left);
    assert.deepEqual(await next.read(key), settled.row);
    assert.deepEqual(await filesWith(left, SECRET), []);
  });

  it('from the log of a store that is never idle, with the pages that come after', async () => {
    const directory = await newFolder();
    const store = await open(directory, { idleMs: NEVER });
    // once the log is longer than it is ever to be again
    await store.write(owes(secret(2_000).repeat(4_000)));
    const longest = await logSize(directory);
    await store.write(settled);
    for (let version = 1; version <= 15; version++) {
      await store.write(write({ ...key, id: 'other' }, { version, lastError: '.'.repeat(400_000) }));
    }
    assert.deepEqual(await filesWith(directory, SECRET), []);
    const size = await logSize(directory);
    assert.ok(size > 0 && size < longest, `${size} after ${longest} bytes`);
  });
});
