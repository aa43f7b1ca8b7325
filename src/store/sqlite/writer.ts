/** The thread that owns the writing connection. Each message is one batch: it becomes one transaction, so one fsync. */
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { migrate } from './migrate.ts';
import { CHANGES } from './schema.ts';
import type { Call } from './schema.ts';

/** Holds commits up, for tests and measurements. The thread itself stands still, as it would on a slow disk. */
export interface CommitHook {
  /** commits stand still while `gate[0]` is not 0; shared memory, wake with Atomics.notify */
  readonly gate?: Int32Array<SharedArrayBuffer>;
  /** pages the database may have, as if the disk ended there */
  readonly maxPages?: number;
}

export interface WriterData {
  readonly file: string;
  readonly hook: CommitHook;
}

/** null: close. */
export type ToWriter = readonly Call[] | null;

/** Milliseconds the batch took; or why nothing of it was written. `ready`, with the settings read back, comes first. */
export type FromWriter =
  | { readonly kind: 'ready'; readonly journalMode: unknown; readonly synchronous: unknown }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'committed'; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: string };

const port = parentPort;
if (port === null) throw new Error('writer.ts runs as a worker thread');
const { file, hook } = workerData as WriterData;
const say = (message: FromWriter): void => port.postMessage(message);

try {
  serve(new DatabaseSync(file, { timeout: 1_000 }));
} catch (error) {
  say({ kind: 'unusable', reason: reasonOf(error) });
  port.close();
}

function serve(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  migrate(db);
  if (hook.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(hook.maxPages)}`);

  const statements = new Map<string, StatementSync>();
  for (const [name, sql] of Object.entries(CHANGES)) statements.set(name, db.prepare(sql));

  port?.on('message', (calls: ToWriter) => {
    if (calls === null) {
      db.close();
      port.close();
      return;
    }
    const start = performance.now();
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const [name, ...cells] of calls) statements.get(name)?.run(...cells);
      holdUp(hook);
      db.exec('COMMIT');
      say({ kind: 'committed', ms: performance.now() - start });
    } catch (error) {
      // some failures (disk full) have rolled back by themselves
      if (db.isTransaction) db.exec('ROLLBACK');
      say({ kind: 'failed', reason: reasonOf(error) });
    }
  });

  say({
    kind: 'ready',
    journalMode: db.prepare('PRAGMA journal_mode').get()?.['journal_mode'],
    synchronous: db.prepare('PRAGMA synchronous').get()?.['synchronous'],
  });
}

function holdUp({ gate }: CommitHook): void {
  if (gate === undefined) return;
  for (let shut = Atomics.load(gate, 0); shut !== 0; shut = Atomics.load(gate, 0)) Atomics.wait(gate, 0, shut);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
