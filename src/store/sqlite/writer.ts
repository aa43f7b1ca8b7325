/** The thread that owns the writing connection. Each message is one batch: it becomes one transaction, so one fsync. */
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { explained, sqliteCode } from './explain.ts';
import { COMMIT_STATE, openLastCommit } from './last-commit.ts';
import { migrate } from './migrate.ts';
import { FileLost, type Identity, identify, requireSame } from './place.ts';
import { CHANGES } from './schema.ts';
import type { Call } from './schema.ts';

/** Holds commits up, for tests and measurements. The thread itself stands still, as it would on a slow disk. */
export interface CommitHook {
  /** commits stand still while `gate[0]` is not 0; shared memory, wake with Atomics.notify */
  readonly availability?: Int32Array<SharedArrayBuffer>;
  /** every commit takes so much longer, milliseconds */
  readonly delayMs?: number;
  /** pages the database may have, as if the disk ended there */
  readonly maxPages?: number;
}

export interface WriterData {
  readonly file: string;
  /** where the number of the last commit is kept apart */
  readonly lastCommit: string;
  /** nothing is committed while one of these is not where it was */
  readonly place: readonly Identity[];
  /** this long without a batch the write-ahead log is emptied, milliseconds */
  readonly idleMs: number;
  readonly hook: CommitHook;
}

/** null: close. */
export type ToWriter = readonly Call[] | null;

/** Milliseconds the batch took; or why nothing of it was written. `ready`, with the settings read back, comes first. */
export type FromWriter =
  | ({ readonly kind: 'ready' } & Settings)
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'committed'; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: string; readonly cause: Failure };

/** disk: the same may succeed later. lost: the files are no longer in DATA_DIR. other: a bug in what was to be written. */
export type Failure = 'disk' | 'lost' | 'other';

/** What durability and erasure rest on, as SQLite says it has them. */
interface Settings {
  readonly journalMode: unknown;
  readonly synchronous: unknown;
  readonly secureDelete: unknown;
}

/** 1,000 pages and their headers: where SQLite begins the log anew by itself. */
const LOG_BYTES = 1_000 * (4_096 + 24);

const port = parentPort;
if (port === null) throw new Error('writer.ts runs as a worker thread');
const { file, lastCommit, place, idleMs, hook } = workerData as WriterData;
const say = (message: FromWriter): void => port.postMessage(message);

try {
  // SQLite would make a new database in the place of one that is gone
  requireSame(place);
  serve(new DatabaseSync(file, { timeout: 1_000 }));
} catch (error) {
  say({ kind: 'unusable', reason: explained(error) });
  port.close();
}

/**
 * What is settled is erased. The database overwrites with zeros what a newer row takes the place of, and every page that is
 * no longer used (secure_delete). The write-ahead log keeps it until it is begun anew, which none of its bytes outlives
 * (journal_size_limit), or emptied: once nothing was written for a while, and at close. So a password hash that is settled
 * leaves the files within about 1,000 written pages or idleMs, whichever comes first. Two things are not promised: SQLite
 * moves rows from one page to another without wiping the place they had (seldom, and until that page fills again or VACUUM), and
 * the file system keeps what it likes of the blocks that it took back.
 */
function serve(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  db.exec(`PRAGMA secure_delete = ON; PRAGMA journal_size_limit = ${LOG_BYTES};`);
  migrate(db);
  if (hook.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(hook.maxPages)}`);

  const last = openLastCommit(lastCommit, db);
  const others = [`${file}-wal`, lastCommit].flatMap((each) => identify(each) ?? []);
  const files = [...place, ...others];

  const statements = new Map<string, StatementSync>();
  for (const [name, sql] of Object.entries(CHANGES)) statements.set(name, db.prepare(sql));

  /**
   * Who is first to read what was committed marks its place in the file that the connections share. On a frozen file system that hangs:
   * so the mark is made here, and the readers on the main thread write to no file.
   */
  const look = db.prepare('SELECT 1 FROM state LIMIT 1');

  const emptyLog = (): void => {
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // nothing is lost by it: the log is whole, and the next commit tells what is wrong with the disk
    }
  };
  const idle = setTimeout(() => {
    emptyLog();
    last.sync();
  }, idleMs);

  port?.on('message', (calls: ToWriter) => {
    if (calls === null) {
      clearTimeout(idle);
      emptyLog();
      last.sync();
      last.close();
      db.close();
      port.close();
      return;
    }
    const start = performance.now();
    idle.refresh();
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const [name, ...cells] of calls) statements.get(name)?.run(...cells);
      const commit = last.next();
      statements.get('putState')?.run(COMMIT_STATE, JSON.stringify(commit));
      holdUp(hook);
      requireSame(files);
      db.exec('COMMIT');
      last.note(commit);
      look.get();
      say({ kind: 'committed', ms: performance.now() - start });
    } catch (error) {
      // some failures (disk full) have rolled back by themselves
      if (db.isTransaction) db.exec('ROLLBACK');
      say({ kind: 'failed', reason: explained(error), cause: failureOf(error) });
    }
  });

  say({
    kind: 'ready',
    journalMode: db.prepare('PRAGMA journal_mode').get()?.['journal_mode'],
    synchronous: db.prepare('PRAGMA synchronous').get()?.['synchronous'],
    secureDelete: db.prepare('PRAGMA secure_delete').get()?.['secure_delete'],
  });
}

function holdUp({ availability, delayMs = 0 }: CommitHook): void {
  if (delayMs > 0) Atomics.wait(NEVER, 0, 0, delayMs);
  if (availability === undefined) return;
  for (let shut = Atomics.load(availability, 0); shut !== 0; shut = Atomics.load(availability, 0))
    Atomics.wait(availability, 0, shut);
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** https://sqlite.org/rescode.html: the disk, its rights, or its room; a lock of somebody who copies the file; memory. */
const DISK: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 13, 14, 15]);

function failureOf(error: unknown): Failure {
  if (error instanceof FileLost) return 'lost';
  return DISK.has(sqliteCode(error) ?? -1) ? 'disk' : 'other';
}
