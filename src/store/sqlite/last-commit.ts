/**
 * The number of the last commit, kept outside the database. SQLite silently takes a write-ahead log that was truncated,
 * damaged or removed for a shorter one, so a start compares the database with this number. docs/decisions/0013.
 *
 * The number is written once the commit is durable and before it is acknowledged, so the file never promises more than
 * the disk has. Each commit passes it to the operating system, which survives the process, and it is synced within a
 * second: after a power cut it may be behind the database, never ahead of it.
 */
import { hash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explained } from './explain.ts';

export interface Commit {
  /** random, created with the database: a file is never mistaken for that of another database */
  readonly store: string;
  /** grows by one with each commit */
  readonly number: number;
}

/** Where the database keeps its own count: a name of table state, JSON of Commit. */
export const COMMIT_STATE = 'commit';

/** Two records, written alternately, each in its own sector: if a power cut tears one, the other remains. Bytes. */
const SECTOR = 512;

const signed = (text: string): string => `${text} ${hash('sha256', text, 'hex').slice(0, 16)}\n`;

const recordOf = ({ store, number }: Commit): Buffer => Buffer.from(signed(`scim-bridge 1 ${store} ${number}`));

function commitOf(record: string): Commit | undefined {
  const line = record.slice(0, record.indexOf('\n') + 1);
  const [program, format, store, number] = line.split(' ');
  if (store === undefined || line !== signed(`scim-bridge 1 ${store} ${number}`)) return undefined;
  return program === 'scim-bridge' && format === '1' ? { store, number: Number(number) } : undefined;
}

/** The last number; undefined: none was ever written. Throws an Error for the operator when the file is damaged. */
function readLastCommit(file: string): Commit | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const records = [text.slice(0, SECTOR), text.slice(SECTOR, 2 * SECTOR)].map(commitOf);
  const [first, second] = records;
  const newest = (second?.number ?? -1) > (first?.number ?? -1) ? second : first;
  if (newest !== undefined) return newest;
  throw new Error(
    `${file} is damaged: it cannot be told whether bridge.db has every write that was answered. ${ADVICE(file)}`,
  );
}

const ADVICE = (file: string): string =>
  'Restore a backup of the whole DATA_DIR, or start with an empty one. To go on with what is left, delete ' +
  `${file}: users are read from ZITADEL again, changes that were answered and not delivered yet may be lost`;

/**
 * Compares the database with the last number before it is opened for writing. Nothing is changed: SQLite reads a
 * damaged log on a read-only connection. Throws an Error for the operator that names the file and what to do.
 */
export function checkDatabase(database: string, file: string): void {
  const promised = readLastCommit(file);
  const log = `${database}-wal`;
  if (sizeOf(database) === 0) {
    // SQLite would delete the log without reading it
    if (sizeOf(log) > 0)
      throw new Error(`${database} is empty or missing, and ${log} beside it is not. ${ADVICE(file)}`);
    if (promised === undefined || promised.number === 0) return;
    throw new Error(`${database} is empty or missing: it had ${promised.number} commits. ${ADVICE(file)}`);
  }
  const found = readWhole(database);
  if (promised === undefined) return;
  if (promised.number > 0 && found !== undefined && found.store !== promised.store) {
    throw new Error(
      `${database} is not the database that ${file} belongs to: one of them was replaced. ${ADVICE(file)}`,
    );
  }
  if ((found?.number ?? 0) >= promised.number) return;
  throw new Error(
    `${database} has ${found?.number ?? 0} of the ${promised.number} commits that were answered: ` +
      `it or ${log} was truncated, removed, damaged or replaced by an older copy. ${ADVICE(file)}`,
  );
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** The database's own count, after an integrity check: half a second for 100,000 rows. */
function readWhole(database: string): Commit | undefined {
  let db: DatabaseSync | undefined;
  let problem: unknown;
  try {
    db = new DatabaseSync(database, { readOnly: true, timeout: 1_000 });
    problem = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (problem === 'ok') return commitIn(db);
  } catch (error) {
    throw new Error(`${database}: ${explained(error)}`, { cause: error });
  } finally {
    db?.close();
  }
  const [first = ''] = String(problem).split('\n').slice(-1);
  throw new Error(`${database} is damaged (${first}): restore a backup of DATA_DIR, or start with an empty one`);
}

/** The database's own count; undefined: it was created by a version without one, or has no tables yet. */
function commitIn(db: DatabaseSync): Commit | undefined {
  const hasStates =
    db.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'state'`).get() !== undefined;
  const value = hasStates
    ? db.prepare('SELECT value FROM state WHERE name = ?').get(COMMIT_STATE)?.['value']
    : undefined;
  return typeof value === 'string' ? (JSON.parse(value) as Commit) : undefined;
}

export interface LastCommit {
  /** The one to write with the next transaction. */
  next(): Commit;
  /** It is durable. */
  note(commit: Commit): void;
  /** Syncs the file to disk. */
  sync(): void;
  close(): void;
}

/** At most at this interval under load, ms. */
const SYNC_MS = 1_000;

/** Continues from the database's count. A missing file is created durably before anything is promised. */
export function openLastCommit(file: string, db: DatabaseSync): LastCommit {
  const promised = readLastCommit(file);
  let last: Commit = commitIn(db) ?? promised ?? { store: randomUUID(), number: 0 };
  // an existing one needs no space on a full disk
  const descriptor = promised?.store === last.store ? openSync(file, 'r+') : made(file, last);
  let timer: NodeJS.Timeout | undefined;
  let isSynced = true;

  return {
    next: () => ({ store: last.store, number: last.number + 1 }),
    note(commit) {
      last = commit;
      try {
        writeSync(descriptor, recordOf(commit), 0, undefined, (commit.number % 2) * SECTOR);
      } catch {
        // the commit itself is durable; the file is behind until the next one
        return;
      }
      isSynced = false;
      timer ??= setTimeout(() => {
        timer = undefined;
        isSynced = true;
        fdatasync(descriptor, () => undefined);
      }, SYNC_MS).unref();
    },
    sync() {
      if (isSynced) return;
      isSynced = true;
      fdatasyncSync(descriptor);
    },
    close() {
      clearTimeout(timer);
      closeSync(descriptor);
    },
  };
}

/** Creates the file: its content is durable before its name is. */
function made(file: string, last: Commit): number {
  const young = `${file}.new`;
  const descriptor = openSync(young, 'w', 0o600);
  const content = Buffer.alloc(2 * SECTOR);
  recordOf(last).copy(content, (last.number % 2) * SECTOR);
  writeSync(descriptor, content);
  fsyncSync(descriptor);
  renameSync(young, file);
  const folder = openSync(dirname(file), 'r');
  try {
    // also makes the names of all other store files durable
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return descriptor;
}
