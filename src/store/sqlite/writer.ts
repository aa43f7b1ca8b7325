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

/** Delays commits, for tests and measurements. The thread itself blocks, as it would on a slow disk. */
export interface CommitHook {
  /** commits block while `gate[0]` is not 0; shared memory, wake with Atomics.notify */
  readonly availability?: Int32Array<SharedArrayBuffer>;
  /** delay added to every commit, milliseconds */
  readonly delayMs?: number;
  /** maximum pages of the database, as if the disk were full */
  readonly maxPages?: number;
}

export interface WriterData {
  readonly file: string;
  /** the file with the number of the last commit */
  readonly lastCommit: string;
  /** nothing is committed while one of these is not in place */
  readonly place: readonly Identity[];
  /** after this long without a batch the write-ahead log is emptied, milliseconds */
  readonly idleMs: number;
  readonly hook: CommitHook;
}

/** null: close. */
export type ToWriter = readonly Call[] | null;

/** Milliseconds the batch took, or why none of it was written. `ready`, with the settings read back, comes first. */
export type FromWriter =
  | ({ readonly kind: 'ready' } & Settings)
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'committed'; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: string; readonly cause: Failure };

/** disk: a retry may succeed. lost: the files are no longer in DATA_DIR. other: a bug in the batch. */
export type Failure = 'disk' | 'lost' | 'other';

/** The settings that durability and erasure depend on, as reported by SQLite. */
interface Settings {
  readonly journalMode: unknown;
  readonly synchronous: unknown;
  readonly secureDelete: unknown;
}

/** 1,000 pages and their headers: where SQLite restarts the log on its own. */
const LOG_BYTES = 1_000 * (4_096 + 24);

const port = parentPort;
if (port === null) throw new Error('writer.ts runs as a worker thread');
const { file, lastCommit, place, idleMs, hook } = workerData as WriterData;
const say = (message: FromWriter): void => port.postMessage(message);

try {
  // SQLite would create a new database in place of a missing one
  requireSame(place);
  serve(new DatabaseSync(file, { timeout: 1_000 }));
} catch (error) {
  say({ kind: 'unusable', reason: explained(error) });
  port.close();
}

/**
 * Settled data is erased. The database overwrites replaced rows and unused pages with zeros (secure_delete). The
 * write-ahead log keeps them until it restarts (journal_size_limit cuts off its old bytes) or is emptied: after a
 * while without writes, and at close. So the hash of a settled password leaves the files
 * within about 1,000 written pages or idleMs, whichever comes first. Two things are not promised: SQLite
 * moves rows from one page to another without wiping the old place (seldom, and until that page fills or VACUUM), and
 * the file system may keep the contents of freed blocks.
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
   * The first reader of a commit marks its position in the file shared by the connections. On a frozen file system that
   * hangs: so the mark is made here, and the readers on the main thread write to no file.
   */
  const look = db.prepare('SELECT 1 FROM state LIMIT 1');

  const emptyLog = (): void => {
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // nothing is lost: the log is whole, and the next commit reports what is wrong with the disk
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
      // some failures (disk full) have already rolled back
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

/** https://sqlite.org/rescode.html: disk, permissions or space; a lock by a program copying the file; memory. */
const DISK: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 13, 14, 15]);

function failureOf(error: unknown): Failure {
  if (error instanceof FileLost) return 'lost';
  return DISK.has(sqliteCode(error) ?? -1) ? 'disk' : 'other';
}
