/** The tables of the embedded store, the migrations to them, and every statement the writer runs. */

import type { DatabaseSync } from 'node:sqlite';
import { CONDITION_NAMES, snakeOf } from '../conditions.ts';
import { renamedFields } from '../older-rows.ts';

/** SQL, or code where SQL is not enough. */
export type Migration = string | ((db: DatabaseSync) => void);

/** PRAGMA user_version n = the first n migrations are done. Append only. */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE rows (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    doubt INTEGER NOT NULL,
    created REAL NOT NULL,
    user_name TEXT,              -- lower case
    external_id TEXT,            -- as given
    due_at REAL,
    tombstone REAL,
    emails TEXT NOT NULL,        -- JSON [address, ...] as they stand in table emails
    names TEXT NOT NULL,         -- JSON [instance, name, ...] as they stand in table names, or []
    body TEXT NOT NULL,          -- JSON of the whole row
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX rows_in_order ON rows (tenant, created, id) WHERE visible = 1;
  CREATE INDEX rows_by_user_name ON rows (tenant, user_name, created, id) WHERE visible = 1 AND user_name IS NOT NULL;
  CREATE INDEX rows_by_external_id ON rows (tenant, external_id, created, id) WHERE visible = 1 AND external_id IS NOT NULL;
  CREATE INDEX rows_by_due_at ON rows (due_at, tenant, id) WHERE due_at IS NOT NULL;
  CREATE INDEX rows_by_tombstone ON rows (tombstone, tenant, id) WHERE tombstone IS NOT NULL;

  CREATE TABLE emails (
    tenant TEXT NOT NULL,
    email TEXT NOT NULL,         -- lower case
    id TEXT NOT NULL,
    PRIMARY KEY (tenant, email, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE names (
    instance TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (instance, name)
  ) STRICT, WITHOUT ROWID;

  -- kept beside the rows: counting 100,000 of them costs more than a list may take
  CREATE TABLE counts (
    tenant TEXT PRIMARY KEY,
    rows INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    doubt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,

  `
  ALTER TABLE rows ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rows ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rows ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rows ADD COLUMN owed_since REAL;      -- earliest \`at\` of the changes that are not held
  ALTER TABLE counts ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;

  -- nothing was dead, held or blocked before there were words for it: owed and the counts are as they were
  UPDATE rows SET
    owed_since = (SELECT min(json_extract(value, '$.at')) FROM json_each(body, '$.changes')),
    body = json_insert(body, '$.calling', NULL, '$.sentName', NULL, '$.confirm', NULL, '$.dead', json('[]'),
      '$.blocked', NULL, '$.stuck', NULL);

  -- by tenant first: nobody passes over the rows of another one
  DROP INDEX rows_by_due_at;
  DROP INDEX rows_by_tombstone;
  CREATE INDEX rows_by_due_at ON rows (tenant, due_at, id) WHERE due_at IS NOT NULL;
  CREATE INDEX rows_by_owed_since ON rows (tenant, owed_since) WHERE owed_since IS NOT NULL;
  CREATE INDEX rows_by_tombstone ON rows (tenant, tombstone, id) WHERE tombstone IS NOT NULL;
  CREATE INDEX rows_owed ON rows (tenant, id) WHERE owed = 1;
  CREATE INDEX rows_doubt ON rows (tenant, id) WHERE doubt = 1;
  CREATE INDEX rows_dead ON rows (tenant, id) WHERE dead = 1;
  CREATE INDEX rows_held ON rows (tenant, id) WHERE held = 1;
  CREATE INDEX rows_blocked ON rows (tenant, id) WHERE blocked = 1;
  `,

  `
  ALTER TABLE rows ADD COLUMN members TEXT NOT NULL DEFAULT '[]';  -- JSON [display, group, ...] as they stand in table members, or []
  UPDATE rows SET body = json_insert(body, '$.vouched', json('[]'), '$.rights', json('{"at":0,"sent":0}'));

  CREATE TABLE members (
    tenant TEXT NOT NULL,
    grp TEXT NOT NULL,
    id TEXT NOT NULL,
    display TEXT,
    PRIMARY KEY (tenant, grp, id)
  ) STRICT, WITHOUT ROWID;

  -- an empty set stays: its revision must not come again
  CREATE TABLE member_sets (
    tenant TEXT NOT NULL,
    grp TEXT NOT NULL,
    count INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    modified REAL NOT NULL,
    PRIMARY KEY (tenant, grp)
  ) STRICT, WITHOUT ROWID;
  `,

  `
  ALTER TABLE rows ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE counts ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
  UPDATE rows SET body = json_insert(body, '$.hidden', NULL);
  CREATE INDEX rows_hidden ON rows (tenant, id) WHERE hidden = 1;
  `,
  renameFieldsOfRows,

  `
  ALTER TABLE rows RENAME COLUMN owed TO pending;
  ALTER TABLE rows RENAME COLUMN doubt TO in_doubt;
  ALTER TABLE rows RENAME COLUMN dead TO dead_letter;
  ALTER TABLE rows RENAME COLUMN held TO on_hold;
  ALTER TABLE rows RENAME COLUMN owed_since TO pending_since;
  ALTER TABLE counts RENAME COLUMN owed TO pending;
  ALTER TABLE counts RENAME COLUMN doubt TO in_doubt;
  ALTER TABLE counts RENAME COLUMN dead TO dead_letter;
  ALTER TABLE counts RENAME COLUMN held TO on_hold;
  `,
];

/** The columns of the conditions, in their order. */
const COLUMNS = CONDITION_NAMES.map(snakeOf);

/** Row by row: a store of 100,000 users must not be loaded into memory as a whole. */
function renameFieldsOfRows(db: DatabaseSync): void {
  const put = db.prepare('UPDATE rows SET body = ? WHERE tenant = ? AND id = ?');
  const next = db.prepare(
    'SELECT tenant, id, body FROM rows WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT 100',
  );
  let last: readonly [string, string] = ['', ''];
  for (;;) {
    const page = next.all(...last) as { readonly tenant: string; readonly id: string; readonly body: string }[];
    const end = page.at(-1);
    if (end === undefined) return;
    for (const { tenant, id, body } of page) {
      const row = jsonOf(body);
      if (row !== undefined) put.run(JSON.stringify(renamedFields(row)), tenant, id);
    }
    last = [end.tenant, end.id];
  }
}

/** undefined: the record is damaged, and stays as it is. */
function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The writer's commands. A call is the name of a row of this table and its parameters in order. */
export const CHANGES = {
  putRow: `INSERT INTO rows
      (tenant, id, version, visible, ${COLUMNS.join(', ')}, created, user_name, external_id, due_at, pending_since,
       tombstone, emails, names, members, body)
    VALUES (?, ?, ?, ?, ${COLUMNS.map(() => '?').join(', ')}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, id) DO UPDATE SET
      version = excluded.version, visible = excluded.visible,
      ${COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')},
      created = excluded.created, user_name = excluded.user_name, external_id = excluded.external_id,
      due_at = excluded.due_at, pending_since = excluded.pending_since, tombstone = excluded.tombstone,
      emails = excluded.emails, names = excluded.names, members = excluded.members, body = excluded.body`,
  removeRow: 'DELETE FROM rows WHERE tenant = ? AND id = ?',
  addEmail: 'INSERT INTO emails (tenant, email, id) VALUES (?, ?, ?)',
  removeEmail: 'DELETE FROM emails WHERE tenant = ? AND email = ? AND id = ?',
  addName: 'INSERT INTO names (instance, name, tenant, id) VALUES (?, ?, ?, ?)',
  removeName: 'DELETE FROM names WHERE instance = ? AND name = ?',
  putMember: `INSERT INTO members (tenant, grp, id, display) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant, grp, id) DO UPDATE SET display = excluded.display`,
  removeMember: 'DELETE FROM members WHERE tenant = ? AND grp = ? AND id = ?',
  putMemberSet: `INSERT INTO member_sets (tenant, grp, count, revision, modified) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (tenant, grp) DO UPDATE SET
      count = excluded.count, revision = excluded.revision, modified = excluded.modified`,
  addCounts: `INSERT INTO counts (tenant, rows, ${COLUMNS.join(', ')}) VALUES (?, ?, ${COLUMNS.map(() => '?').join(', ')})
    ON CONFLICT (tenant) DO UPDATE SET
      ${['rows', ...COLUMNS].map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`,
  putState: 'INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  removeState: 'DELETE FROM state WHERE name = ?',
} as const;

export type ChangeName = keyof typeof CHANGES;
export type Cell = string | number | null;
export type Call = readonly [ChangeName, ...Cell[]];
