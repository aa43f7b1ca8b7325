/** The embedded store: the suite for all stores, and what only a folder, a file and a thread can do wrong. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { Store } from '../../src/bridge/ports/store.ts';
import { FolderInUse } from '../../src/store/sqlite/folder.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { storeConformance } from './conformance.ts';
import { createGate, folder, unavailable, useFolders } from './folders.ts';
import { change, counts, deadLetter, ids, removal, row, TROUBLES, write } from './rows.ts';

storeConformance('sqlite', async () => {
  const directory = await folder();
  let store = await createSqliteStore({ directory });
  const smalls: { readonly directory: string; readonly store: Store }[] = [];
  return {
    store,
    async reopen() {
      await store.close();
      store = await createSqliteStore({ directory });
      return store;
    },
    async small() {
      const own = await folder();
      const small = { directory: own, store: await createSqliteStore({ directory: own, hook: { maxPages: 100 } }) };
      smalls.push(small);
      return small.store;
    },
    async destroy() {
      for (const each of [...smalls, { directory, store }]) {
        await each.store.close();
        await rm(each.directory, { recursive: true });
      }
    },
  };
});

describe('store/sqlite', () => {
  const { newFolder, open, writers, cleanup } = useFolders();

  /** Another process that holds the folder and prints what it was promised. */
  function holder(directory: string) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'holder.ts'), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const kill = async (): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    };
    cleanup(kill);
    return { pid: child.pid, kill, line: async (): Promise<string> => (await lines.next()).value ?? '' };
  }

  it('keeps every acknowledged write over kill -9, whole and in its last value', async () => {
    const directory = await newFolder();
    const child = holder(directory);
    const promised = new Map<string, number>();
    for (let twice = 0; twice < 20; ) {
      const line = await child.line();
      assert.notEqual(line, '', 'it writes until it is killed');
      const [id = '', version] = line.split(' ');
      promised.set(id, Number(version));
      if (version === '2') twice++;
    }
    await child.kill();
    for (let line = await child.line(); line !== ''; line = await child.line()) {
      const [id = '', version] = line.split(' ');
      promised.set(id, Number(version));
    }
    const store = await open(directory);
    for (const [id, version] of promised) {
      const key = { tenant: 't', id };
      const found = await store.read(key);
      assert.ok(found !== undefined && found.version >= version, `${id} ${version}`);
      assert.deepEqual(found, row(key, { version: found.version }));
      assert.deepEqual(await store.reservedBy('zitadel', id), key);
    }
  });

  it('refuses a folder that another process holds, naming it, and takes it after kill -9', async () => {
    const directory = await newFolder();
    const child = holder(directory);
    await child.line();
    await assert.rejects(createSqliteStore({ directory }), (error: unknown) => {
      assert.ok(error instanceof FolderInUse);
      assert.equal(error.pid, child.pid);
      assert.match(
        error.message,
        new RegExp(`${directory} is in use by another scim-bridge \\(process ${child.pid}\\)`, 'u'),
      );
      return true;
    });
    await child.kill();
    await open(directory);
    await assert.rejects(createSqliteStore({ directory }), FolderInUse, 'nor twice in one process');
  });

  it('keeps its files to their owner, in a folder of its own', async () => {
    const directory = join(await newFolder(), 'new', 'data');
    const store = await open(directory);
    await store.write(write({ tenant: 't', id: 'a' }));
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const names = (await readdir(directory)).toSorted();
    assert.deepEqual(names, [
      'bridge.db',
      'bridge.db-shm',
      'bridge.db-wal',
      'bridge.last-commit',
      'lock.db',
      'lock.pid',
    ]);
    for (const name of names) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  });

  it('lets 200 simultaneous durable writes share a few commits', async () => {
    let commits = 0;
    const store = await open(await newFolder(), { onCommit: () => commits++ });
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.write(write({ tenant: 't', id: `id-${n}` }))));
    assert.ok(commits >= 1 && commits <= 5, `${commits} commits`);
  });

  it('a lazy write rides with a durable one, or goes alone', async () => {
    let commits = 0;
    const committed: (() => void)[] = [];
    const onCommit = (): void => {
      commits++;
      for (const tell of committed.splice(0)) tell();
    };
    const store = await open(await newFolder(), { onCommit });
    await store.write(write({ tenant: 't', id: 'a' }), { durable: false });
    assert.equal(commits, 0, 'it resolves before its commit');
    await store.write(write({ tenant: 't', id: 'b' }));
    assert.equal(commits, 1);
    const alone = new Promise<void>((resolve) => committed.push(resolve));
    await store.write(write({ tenant: 't', id: 'c' }), { durable: false });
    await alone;
    assert.equal(commits, 2);
  });

  it('goes on working while a commit stands still: commits do not hold the event loop', async () => {
    const { gate: availability, shut, open: release } = createGate();
    const store = await open(await newFolder(), { hook: { availability } });
    await store.write(write({ tenant: 't', id: 'a' }));
    shut();
    let durable = false;
    const written = store.write(write({ tenant: 't', id: 'b' }, {}, { userName: 'b' })).then(() => (durable = true));
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(await store.read({ tenant: 't', id: 'a' }));
    assert.ok(await store.read({ tenant: 't', id: 'b' }), 'what was accepted is seen');
    assert.deepEqual(ids(await store.find('t', 'userName', 'b')), ['b']);
    assert.equal(durable, false, 'nothing is promised before the commit');
    release();
    await written;
    assert.equal(durable, true);
  });

  it('a disk that does not answer: 503 in time, what is durable is read, and all goes on once it answers', async () => {
    const { gate: availability, shut, open: release } = createGate();
    const failures: unknown[] = [];
    const onFailure = (error: unknown): void => void failures.push(error);
    const store = await open(await newFolder(), { hook: { availability }, deadlineMs: 2_000, onFailure });
    await store.write(write({ tenant: 't', id: 'a' }));
    shut();
    const held = [1, 2, 3].map((n) => assert.rejects(store.write(write({ tenant: 't', id: `held${n}` })), unavailable));
    await Promise.all(held);
    assert.equal(failures.length, 1, 'told once');
    assert.match(String(failures[0]), /The disk has not answered for 2 s/);
    // nothing piles up: it is not even accepted
    await assert.rejects(store.write(write({ tenant: 't', id: 'late' })), unavailable);
    await assert.rejects(store.write(write({ tenant: 't', id: 'lazy' }), { durable: false }), unavailable);
    await assert.rejects(store.setState('late', 1), unavailable);
    assert.equal(await store.read({ tenant: 't', id: 'late' }), undefined);
    assert.deepEqual(ids((await store.page('t', 0, 10)).rows), ['a']);
    assert.deepEqual((await store.due('t', Number.MAX_SAFE_INTEGER, 10)).length, 0);
    for await (const rows of store.scan('t')) assert.deepEqual(ids(rows), ['a']);

    release();
    // what was accepted is written in the end, as after any 503 of a store
    const isAccepted = (): Promise<boolean> =>
      store.write(write({ tenant: 't', id: 'late' })).then(
        () => true,
        () => false,
      );
    while (!(await isAccepted())) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await store.counts('t')).rows, 5);
    assert.equal(failures.length, 1);
  });

  it('reading writes to no file, not even to the one that the connections share: a frozen file system holds no reader up', async () => {
    const directory = await newFolder();
    const store = await open(directory);
    // by another process: closing the file here would drop the locks on it
    const shared = (): string => execFileSync('base64', [join(directory, 'bridge.db-shm')], { encoding: 'utf8' });
    for (const id of ['a', 'b', 'c']) {
      await store.write(write({ tenant: 't', id }));
      const before = shared();
      assert.ok((await store.page('t', 0, 10)).total > 0);
      assert.equal(shared(), before);
    }
  });

  it('a commit can be made slow', async () => {
    const took: number[] = [];
    const store = await open(await newFolder(), { hook: { delayMs: 20 }, onCommit: (ms) => took.push(ms) });
    for (const id of ['a', 'b']) await store.write(write({ tenant: 't', id }));
    assert.equal(took.length, 2);
    assert.ok(Math.min(...took) >= 19, `${took.join(', ')} ms in the writer thread, not on the event loop`);
  });

  it('what was accepted during a commit outlives that commit, and falls with it', async () => {
    const { gate: availability, shut, open: release } = createGate();
    const store = await open(await newFolder(), { hook: { availability } });
    const key = { tenant: 't', id: 'a' };
    shut();
    const first = store.write(write(key));
    await new Promise((resolve) => setImmediate(resolve));
    const second = store.write(write(key, { version: 2 }, { reservations: ['second'] }));
    release();
    await first;
    assert.equal((await store.read(key))?.version, 2);
    assert.deepEqual(await store.reservedBy('zitadel', 'second'), key);
    await second;

    shut();
    const third = assert.rejects(store.write(write(key, { version: 3, created: Number.NaN })), unavailable);
    await new Promise((resolve) => setImmediate(resolve));
    const fourth = assert.rejects(store.write(write(key, { version: 4 })), unavailable);
    release();
    await Promise.all([third, fourth]);
    assert.equal((await store.read(key))?.version, 2);
  });

  it('a full disk is 503, leaves nothing half-written, and ends when there is room', async () => {
    const directory = await newFolder();
    const failures: unknown[] = [];
    const store = await open(directory, { hook: { maxPages: 200 }, onFailure: (error) => failures.push(error) });
    const small = { tenant: 't', id: 'small' };
    const memberships = { memberships: ['g', 'h'], display: 'Small' };
    await store.write(write(small, {}, { userName: 'small', reservations: ['small'], ...memberships }));
    const big = (id: string) =>
      write({ tenant: 't', id }, { lastError: 'x'.repeat(500_000), pending: [change()] }, { reservations: [id] });
    await store.write(big('fits'));
    const sight = async () => ({
      counts: await store.counts('t'),
      page: await store.page('t', 0, 10),
      troubled: await Promise.all(TROUBLES.map((condition) => store.withCondition('t', condition, 10))),
      oldestOwed: await store.oldestPending('t'),
      due: await store.due('t', 9, 10),
      sets: await Promise.all(['g', 'h', 'i'].map((group) => store.memberSet('t', group))),
      members: await Promise.all(['g', 'h', 'i'].map((group) => store.members('t', group, 10))),
    });
    const before = await sight();

    const changes = [change({ at: 1 }), change({ revision: 2, onHold: true })];
    const full = { pending: changes, doubt: true, deadLetters: [deadLetter()], blocked: 'x', hidden: 2, dueAt: 1 };
    const moved = { memberships: ['h', 'i'], display: 'Other' };
    const together = await Promise.allSettled([
      store.write(write(small, { ...full, version: 2 }, { userName: 'other', reservations: ['other'], ...moved })),
      store.write(big('does not fit')),
      store.write(write({ tenant: 't', id: 'beside' }), { durable: false }),
      store.setState('beside', 1),
    ]);
    assert.deepEqual(
      together.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled', 'rejected'],
    );
    for (const result of together) if (result.status === 'rejected') assert.ok(unavailable(result.reason));
    assert.equal(failures.length, 1);

    assert.deepEqual(await store.read(small), row(small));
    assert.equal(await store.read({ tenant: 't', id: 'beside' }), undefined);
    assert.equal(await store.getState('beside'), undefined);
    assert.equal(await store.reservedBy('zitadel', 'other'), undefined);
    assert.deepEqual(await store.reservedBy('zitadel', 'small'), small);
    assert.deepEqual(await sight(), before);

    await store.write(removal({ tenant: 't', id: 'fits' }, 1));
    assert.deepEqual(await store.write(big('does not fit')), { kind: 'ok' });
    assert.deepEqual(await store.counts('t'), counts({ rows: 2, owed: 1 }));
    assert.deepEqual(await store.write(write(small, { ...full, version: 2 })), { kind: 'ok' });
    assert.deepEqual(
      await store.counts('t'),
      counts({ rows: 2, owed: 2, doubt: 1, dead: 1, held: 1, blocked: 1, hidden: 1 }),
    );
  });

  it('writes on after a batch that SQLite refuses', async () => {
    const store = await open(await newFolder());
    const [a, b] = [
      { tenant: 't', id: 'a' },
      { tenant: 't', id: 'b' },
    ];
    const beside = assert.rejects(store.write(write(a)), unavailable);
    await assert.rejects(store.write(write(b, { created: Number.NaN })), unavailable);
    await beside;
    for (const key of [a, b]) assert.equal(await store.read(key), undefined, 'a batch is written whole or not at all');
    for (const key of [a, b]) assert.deepEqual(await store.write(write(key)), { kind: 'ok' });
  });

  it('writes on after its thread has died', async () => {
    const { gate: availability, shut, open: release } = createGate();
    const threads = writers();
    const store = await open(await newFolder(), { hook: { availability } });
    const [a, b] = [
      { tenant: 't', id: 'a' },
      { tenant: 't', id: 'b' },
    ];
    await store.write(write(a, { doubt: true }));
    shut();
    const lost = assert.rejects(store.write(write(b, { doubt: true })), unavailable);
    await new Promise((resolve) => setImmediate(resolve));
    await threads[0]?.terminate();
    await lost;
    release();
    assert.equal(await store.read(b), undefined);
    assert.deepEqual(await store.counts('t'), counts({ rows: 1, doubt: 1 }));
    assert.deepEqual(await store.write(write(b)), { kind: 'ok' });
    assert.equal(threads.length, 2);
  });

  it('refuses a database that a newer program has written', async () => {
    const directory = await newFolder();
    await (await createSqliteStore({ directory })).close();
    const db = new DatabaseSync(join(directory, 'bridge.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await assert.rejects(createSqliteStore({ directory }), /schema 99, this program knows up to \d+: .*newer version/u);
    await assert.rejects(createSqliteStore({ directory }), /schema 99/u, 'and lets go of the folder');
  });
});
