/** What is done to the files of the embedded store: seen at the next start, and never less than what was answered. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Store } from '../../src/bridge/ports/store.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { folder, unavailable, useFolders } from './folders.ts';
import { write } from './rows.ts';

const ROWS = 40;
const key = (n: number) => ({ tenant: 't', id: `id-${n}` });

async function fill(store: Store, from: number): Promise<void> {
  for (let n = from; n < from + ROWS; n++) await store.write(write(key(n)));
}

const contents = async (directory: string): Promise<Map<string, string>> => {
  const found = new Map<string, string>();
  // -shm is an index of the log, made anew by whoever opens it
  for (const name of await readdir(directory))
    if (!/shm$|^lock/.test(name)) found.set(name, await readFile(join(directory, name), 'base64'));
  return found;
};

describe('store/sqlite: damage', { timeout: 600_000 }, () => {
  const { newFolder, open, cleanup } = useFolders();
  /** the files as kill -9 leaves them: the first half checkpointed, the second half in the log alone */
  let killed = '';

  before(async () => {
    const live = await folder();
    killed = await folder();
    await (await filled(live)).close();
    const store = await createSqliteStore({ directory: live });
    await fill(store, ROWS);
    for (const name of await readdir(live)) await cp(join(live, name), join(killed, name));
    await store.close();
    await rm(live, { recursive: true });
  });

  async function filled(directory: string): Promise<Store> {
    const store = await createSqliteStore({ directory });
    await fill(store, 0);
    return store;
  }

  /** A copy of what was killed, with something done to it. */
  async function damaged(harm: (directory: string) => Promise<unknown>): Promise<string> {
    const directory = await newFolder();
    await cp(killed, directory, { recursive: true });
    await harm(directory);
    return directory;
  }

  const total = async (store: Store): Promise<number> => (await store.page('t', 0, 0)).total;

  it('files that were killed are whole: all rows, and so after every start', async () => {
    const directory = await damaged(async () => undefined);
    for (let times = 0; times < 3; times++) {
      const store = await createSqliteStore({ directory });
      assert.equal(await total(store), 2 * ROWS);
      await store.write(write({ tenant: 'other', id: `id-${times}` }));
      await store.close();
    }
  });

  const flipped = (name: string, at: (size: number) => number) => async (directory: string) => {
    const file = join(directory, name);
    const bytes = await readFile(file);
    const place = at(bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    await writeFile(file, bytes);
  };
  const cut = (name: string, to: (size: number) => number) => async (directory: string) => {
    const file = join(directory, name);
    await truncate(file, to((await stat(file)).size));
  };

  for (const [what, harm, named] of [
    ['the log is removed', (at) => rm(join(at, 'bridge.db-wal')), 'bridge.db-wal'],
    ['the log is empty', cut('bridge.db-wal', () => 0), 'bridge.db-wal'],
    ['the log is cut in the middle', cut('bridge.db-wal', (size) => size >> 1), 'bridge.db-wal'],
    ['the log lacks its last byte', cut('bridge.db-wal', (size) => size - 1), 'bridge.db-wal'],
    ['a bit of the log is flipped in its head', flipped('bridge.db-wal', () => 20), 'bridge.db-wal'],
    ['a bit of the log is flipped in its first frame', flipped('bridge.db-wal', () => 500), 'bridge.db-wal'],
    ['a bit of the log is flipped in its last frame', flipped('bridge.db-wal', (size) => size - 9), 'bridge.db-wal'],
    ['bridge.db is empty beside its log', cut('bridge.db', () => 0), 'bridge.db'],
    ['bridge.db is gone beside its log', (at) => rm(join(at, 'bridge.db')), 'bridge.db'],
    [
      'bridge.db is empty, the log and the count are gone',
      async (at) => {
        await cut('bridge.db', () => 0)(at);
        await rm(join(at, 'bridge.last-commit'));
      },
      'bridge.db',
    ],
    [
      'bridge.db and its log are gone',
      async (at) => {
        await rm(join(at, 'bridge.db'));
        await rm(join(at, 'bridge.db-wal'));
      },
      'bridge.db',
    ],
    ['bridge.db is garbage', (at) => writeFile(join(at, 'bridge.db'), 'g'.repeat(10_000)), 'bridge.db'],
    ['bridge.db is cut', cut('bridge.db', (size) => size >> 1), 'bridge.db'],
    [
      'bridge.db is that of another store',
      async (at) => {
        const other = await newFolder();
        const store = await createSqliteStore({ directory: other });
        for (let n = 0; n < 4; n++) await fill(store, n * ROWS);
        await store.close();
        await rm(join(at, 'bridge.db-wal'));
        await cp(join(other, 'bridge.db'), join(at, 'bridge.db'));
      },
      'bridge.db',
    ],
    ['the count is garbage', (at) => writeFile(join(at, 'bridge.last-commit'), 'garbage'), 'bridge.last-commit'],
    ['the count is empty', (at) => writeFile(join(at, 'bridge.last-commit'), ''), 'bridge.last-commit'],
    ['lock.db is garbage', (at) => writeFile(join(at, 'lock.db'), 'g'.repeat(5_000)), 'lock.db'],
    ['lock.db is a little garbage', (at) => writeFile(join(at, 'lock.db'), 'garbage'), 'lock.db'],
  ] as const satisfies readonly (readonly [string, (directory: string) => Promise<unknown>, string])[])
    it(`${what}: refused, the file is named, nothing is touched`, async () => {
      const directory = await damaged(harm);
      const left = await contents(directory);
      // an empty file may be made where one was missing
      for (const twice of [1, 2])
        await assert.rejects(createSqliteStore({ directory }), (error: unknown) => {
          assert.ok(error instanceof Error);
          assert.ok(error.message.includes(join(directory, named)), `${twice}: ${error.message}`);
          assert.match(error.message, /Restore a backup|restore a backup|delete that file/, error.message);
          assert.ok(!error.message.includes('\n'));
          return true;
        });
      const now = await contents(directory);
      for (const [name, content] of left) assert.equal(now.get(name), content, `${name} is as it was`);
    });

  it('once the count is deleted it starts with what is left, and counts on from there', async () => {
    const directory = await damaged((at) => rm(join(at, 'bridge.db-wal')));
    await assert.rejects(createSqliteStore({ directory }), /To go on with what is left, delete/u);
    await rm(join(directory, 'bridge.last-commit'));
    for (let times = 0; times < 2; times++) {
      const store = await createSqliteStore({ directory });
      assert.equal(await total(store), ROWS);
      await store.write(write({ tenant: 'other', id: `id-${times}` }));
      await store.close();
    }
  });

  it('a power cut: the count may be older than the database, or half of its last record written', async () => {
    const older = await newFolder();
    const store = await open(older);
    await store.write(write(key(0)));
    const count = await readFile(join(older, 'bridge.last-commit'));
    for (const number of [1, 2, 3]) await store.write(write(key(number)));
    await store.close();
    await writeFile(join(older, 'bridge.last-commit'), count);
    const again = await createSqliteStore({ directory: older });
    assert.equal(await total(again), 4);
    await again.close();
    const last = await readFile(join(older, 'bridge.last-commit'), 'latin1');
    for (const sector of [0, 512]) {
      await writeFile(
        join(older, 'bridge.last-commit'),
        `${last.slice(0, sector + 20)}\0\0\0${last.slice(sector + 23)}`,
      );
      const torn = await createSqliteStore({ directory: older });
      assert.equal(await total(torn), 4);
      await torn.close();
    }
  });

  it('kill -9 at any moment is never taken for damage', async () => {
    const directory = await newFolder();
    let promised = 0;
    for (let times = 0; times < 8; times++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'holder.ts'), directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      cleanup(() => child.kill('SIGKILL'));
      // the first bytes come once it works; the very first one is killed while it still makes its files
      if (times > 0) await once(child.stdout, 'data');
      else while (!(await readdir(directory)).includes('bridge.db')) await new Promise((done) => setImmediate(done));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const store = await createSqliteStore({ directory });
      const now = await total(store);
      assert.ok(now >= promised);
      promised = now;
      await store.close();
    }
    assert.ok(promised > 0);
  });
});

describe('store/sqlite: DATA_DIR', { timeout: 600_000 }, () => {
  const { newFolder, open, cleanup } = useFolders();

  const refused = (directory: string, message: RegExp): Promise<void> =>
    assert.rejects(createSqliteStore({ directory }), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    });

  it('one that every user may write to is refused, and says chmod; that of a group is taken', async () => {
    const directory = await newFolder();
    await chmod(directory, 0o777);
    await refused(directory, /every user may write to it; chmod o-w \//u);
    await chmod(directory, 0o770);
    await open(directory);
  });

  for (const name of ['lock.db', 'lock.pid', 'bridge.db', 'bridge.db-wal', 'bridge.last-commit'])
    it(`a symbolic link in the place of ${name} is not followed`, async () => {
      const directory = await newFolder();
      const other = join(await newFolder(), 'precious');
      await writeFile(other, 'precious', { mode: 0o644 });
      await symlink(other, join(directory, name));
      await refused(directory, new RegExp(`${name} is a symbolic link: it is not followed`, 'u'));
      assert.equal(await readFile(other, 'utf8'), 'precious');
      assert.equal((await stat(other)).mode & 0o777, 0o644);
    });

  it('one that cannot be made, or is no folder, ends with a message', async () => {
    const directory = await newFolder();
    await writeFile(join(directory, 'file'), '');
    await refused('/proc/x', /^DATA_DIR \/proc\/x cannot be used: .*another folder in DATA_DIR/u);
    await refused(join(directory, 'file'), /cannot be used: .*not a folder/u);
    await refused(join(directory, 'file', 'below'), /cannot be used: .*not a folder/u);
  });

  it('one that this user may not write to ends with a message', {
    skip: process.getuid?.() === 0 && 'root may',
  }, async () => {
    const directory = await newFolder();
    await chmod(directory, 0o500);
    cleanup(() => chmod(directory, 0o700));
    await refused(directory, /may not write to it; chown/u);
  });

  /** An open store, what it tells of its files, and one durable row in it. */
  async function watched() {
    const directory = join(await newFolder(), 'data');
    const told: (boolean | undefined)[] = [];
    const store = await open(directory, { onLost: (loss) => told.push(loss?.forGood) });
    await store.write(write(key(0)));
    return { directory, store, told };
  }

  for (const [what, harm] of [
    ['deleted', (directory) => rm(directory, { recursive: true })],
    [
      'deleted and made again',
      async (directory) => {
        await rm(directory, { recursive: true });
        await mkdir(directory);
      },
    ],
    [
      'replaced by another one',
      async (directory) => {
        await rename(directory, `${directory}.old`);
        await (await createSqliteStore({ directory })).close();
      },
    ],
    ['robbed of bridge.db', (directory) => rm(join(directory, 'bridge.db'))],
    ['robbed of the log', (directory) => rm(join(directory, 'bridge.db-wal'))],
    ['robbed of the last commit', (directory) => rm(join(directory, 'bridge.last-commit'))],
    ['robbed of lock.db', (directory) => rm(join(directory, 'lock.db'))],
    [
      'given another bridge.db',
      async (directory) => {
        await cp(join(directory, 'bridge.db'), join(directory, 'copy'));
        await rename(join(directory, 'copy'), join(directory, 'bridge.db'));
      },
    ],
  ] as const satisfies readonly (readonly [string, (directory: string) => Promise<unknown>])[])
    it(`${what} while it is open: nothing is acknowledged any more, and only a new start helps`, async () => {
      const { directory, store, told } = await watched();
      await harm(directory);
      for (const n of [1, 2]) await assert.rejects(store.write(write(key(n))), unavailable);
      await assert.rejects(store.setState('heartbeat', 1), unavailable);
      assert.deepEqual(told, [true]);
      assert.equal(await store.read(key(1)), undefined);
    });

  it('moved away and back: 503 meanwhile, then it works again', async () => {
    const { directory, store, told } = await watched();
    await rename(directory, `${directory}.away`);
    await assert.rejects(store.write(write(key(1))), unavailable);
    assert.deepEqual(told, [false]);
    await rename(`${directory}.away`, directory);
    await store.write(write(key(1)));
    assert.deepEqual(told, [false, undefined]);
    assert.equal((await store.page('t', 0, 0)).total, 2);
  });
});
