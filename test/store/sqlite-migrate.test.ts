/** A database of an older schema becomes one of this schema, with all that stands in it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Row } from '../../src/bridge/row/types.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { allDue, change, counts, deadLetter, ids, row, scanned, write } from './rows.ts';

/** What a row of schema 1 was made of. */
const FIELDS_1: readonly string[] = [
  'tenant',
  'id',
  'version',
  'known',
  'changes',
  'doubt',
  'attempts',
  'dueAt',
  'lastError',
  'createMark',
  'verifiedAt',
  'sequence',
  'created',
  'modified',
  'tombstone',
];
/** ... and of schema 2. */
const FIELDS_2: readonly string[] = [...FIELDS_1, 'calling', 'sentName', 'confirm', 'dead', 'blocked', 'stuck'];

/** A row as it was stored under the names of then. */
function oldBody(row: Row, fields: readonly string[]): string {
  const { confirmed, pending, recheck, deadLetters, repeated, replay, ...others } = row;
  const stored: Record<string, unknown> = {
    ...others,
    known: confirmed,
    changes: pending.map(({ acknowledged, onHold, abandoned, ...each }) => ({
      ...each,
      answered: acknowledged,
      ...(onHold ? { held: onHold } : {}),
      ...(abandoned ? { orphan: abandoned } : {}),
    })),
    confirm: recheck && { until: recheck.at, facts: recheck.facts },
    dead: deadLetters.map(({ deadAt, ...each }) => ({ ...each, died: deadAt })),
    stuck: repeated,
    createMark: replay,
  };
  return JSON.stringify(Object.fromEntries(fields.map((field) => [field, stored[field]])));
}

const key = (id: string) => ({ tenant: 't', id });
const QUIET = row(key('quiet'), {
  confirmed: { displayName: 'a\0"\\ü\u{1F600}', '': '' },
  verifiedAt: 0.1,
  created: 1,
});
const OWED = row(key('owed'), {
  version: 7,
  pending: [change({ at: 30 }), change({ revision: 2, at: 20 })],
  doubt: true,
  dueAt: 5,
  created: 2,
});
const LEAVER = row(key('leaver'), { pending: [change({ kind: 'delete', facts: {}, at: 40 })], dueAt: 4, created: 3 });
const GONE = row(key('gone'), { confirmed: null, tombstone: 9, created: 4 });

describe('store/sqlite/migrate', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bridge-migrate-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (): DatabaseSync => new DatabaseSync(join(directory, 'bridge.db'));

  function fillSchema1(): void {
    const db = open();
    db.exec('PRAGMA journal_mode = WAL');
    migrate(db, MIGRATIONS.slice(0, 1));
    const put = db.prepare(`INSERT INTO rows
        (tenant, id, version, visible, owed, doubt, created, user_name, due_at, tombstone, emails, names, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', '[]', ?)`);
    for (const each of [QUIET, OWED, LEAVER, GONE]) {
      const { tenant, id, version, pending: changes, doubt, created, dueAt, tombstone } = each;
      const flags = [each === QUIET || each === OWED, changes.length > 0, doubt].map(Number);
      put.run(tenant, id, version, ...flags, created, id, dueAt, tombstone, oldBody(each, FIELDS_1));
    }
    db.exec("INSERT INTO counts (tenant, rows, owed, doubt) VALUES ('t', 2, 2, 1)");
    db.close();
  }

  function fillSchema2(rows: readonly Row[]): void {
    const db = open();
    db.exec('PRAGMA journal_mode = WAL');
    migrate(db, MIGRATIONS.slice(0, 2));
    const put = db.prepare(`INSERT INTO rows
        (tenant, id, version, visible, owed, doubt, dead, created, tombstone, emails, names, body)
      VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, '[]', '[]', ?)`);
    for (const each of rows) {
      const { tenant, id, version, deadLetters: dead, created, tombstone } = each;
      const flags = [tombstone === null, dead.length > 0].map(Number);
      put.run(tenant, id, version, ...flags, created, tombstone, oldBody(each, FIELDS_2));
    }
    db.exec("INSERT INTO counts (tenant, rows, owed, doubt, dead) VALUES ('t', 2, 0, 0, 1)");
    db.close();
  }

  it('rows of schema 1 read back sound and are found by what they owe', async () => {
    fillSchema1();
    const store = await createSqliteStore({ directory });
    try {
      for (const each of [QUIET, OWED, LEAVER, GONE]) assert.deepEqual(await store.read(each), each);
      assert.deepEqual(await scanned(store, 't'), [QUIET, OWED]);
      assert.deepEqual(await store.counts('t'), counts({ rows: 2, pending: 2, inDoubt: 1 }));
      assert.deepEqual(ids(await store.withCondition('t', 'pending', 10)), ['leaver', 'owed']);
      assert.deepEqual(ids(await store.withCondition('t', 'inDoubt', 10)), ['owed']);
      for (const condition of ['deadLetter', 'onHold', 'blocked'] as const) {
        assert.deepEqual(await store.withCondition('t', condition, 10), [], condition);
      }
      assert.equal(await store.oldestPending('t'), 20);
      assert.deepEqual(await allDue(store, 't', 9, 1), [
        { id: 'leaver', dueAt: 4 },
        { id: 'owed', dueAt: 5 },
      ]);
      assert.deepEqual(await store.tombstones('t', 10, 10), [GONE]);
      assert.deepEqual(await store.write(write(OWED, { version: 8, blocked: 'x' })), { kind: 'ok' });
      assert.deepEqual(await store.counts('t'), counts({ rows: 2, pending: 1, blocked: 1 }));
    } finally {
      await store.close();
    }
  });

  it('rows of schema 2 read back with no rights and nobody who vouched, in no group until they are written', async () => {
    const dead = row(key('dead'), { version: 3, deadLetters: [deadLetter()], sentName: 'ann', created: 2 });
    fillSchema2([QUIET, dead, GONE]);
    const store = await createSqliteStore({ directory });
    try {
      for (const each of [QUIET, dead, GONE]) {
        const found = await store.read(each);
        assert.deepEqual(found, each);
        assert.deepEqual([found?.trusted, found?.rights], [[], { at: 0, sent: 0 }]);
      }
      assert.deepEqual(await scanned(store, 't'), [QUIET, dead]);
      assert.deepEqual(await store.counts('t'), counts({ rows: 2, deadLetter: 1 }));
      assert.deepEqual(await store.members('t', 'g', 9), []);
      assert.deepEqual(await store.memberSet('t', 'g'), { count: 0, revision: 0, modified: 0 });
      const joins = write(QUIET, { version: 2, trusted: ['g'] }, { memberships: ['g'], display: 'Quiet' });
      assert.deepEqual(await store.write(joins), { kind: 'ok' });
      assert.deepEqual(await store.members('t', 'g', 9), [{ id: 'quiet', display: 'Quiet' }]);
      assert.equal((await store.memberSet('t', 'g')).count, 1);
    } finally {
      await store.close();
    }
  });

  it('an upgraded database has the schema of a new one', () => {
    const schema = (db: DatabaseSync) => {
      const tables = db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
      db.close();
      return tables.map((table) => ({ ...table }));
    };
    fillSchema1();
    const upgraded = open();
    migrate(upgraded);
    const made = new DatabaseSync(':memory:');
    migrate(made);
    assert.deepEqual(schema(upgraded), schema(made));
  });

  it('a migration that fails leaves the schema before it', () => {
    const db = open();
    try {
      migrate(db, MIGRATIONS.slice(0, 1));
      const broken = [...MIGRATIONS.slice(0, 1), 'CREATE TABLE half (a TEXT); SELECT no_such_thing'];
      assert.throws(() => migrate(db, broken), /no_such_thing/u);
      assert.equal(db.prepare('PRAGMA user_version').get()?.['user_version'], 1);
      assert.equal(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()?.['n'], 0);
      migrate(db);
      assert.equal(db.prepare('PRAGMA user_version').get()?.['user_version'], MIGRATIONS.length);
    } finally {
      db.close();
    }
  });
});
