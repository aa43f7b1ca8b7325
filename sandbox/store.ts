import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Where the state outlives the process: one value per (kind, id). Writes are buffered until commit. */
export interface Store {
  load(kind: string): Iterable<{ readonly id: string; readonly value: unknown }>;
  put(kind: string, id: string, value: unknown): void;
  remove(kind: string, id: string): void;
  /** Everything put or removed since the last commit, at once. */
  commit(): void;
  close(): void;
}

/** A store in memory only. */
export function createMemoryStore(): Store {
  return { load: () => [], put() {}, remove() {}, commit() {}, close() {} };
}

interface Pending {
  readonly kind: string;
  readonly id: string;
  readonly value: unknown;
}

/**
 * A store in one sqlite file. What is committed survives kill -9 of the process, not loss of power:
 * no fsync (synchronous OFF), so a create costs some ten microseconds.
 */
export function createFileStore(file: string): Store {
  // SQLite gives -wal and -shm the mode of the database itself
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600));
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
  db.exec('CREATE TABLE IF NOT EXISTS entity (kind TEXT, id TEXT, value TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID');
  const select = db.prepare('SELECT id, value FROM entity WHERE kind = ?');
  const upsert = db.prepare('INSERT OR REPLACE INTO entity (kind, id, value) VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM entity WHERE kind = ? AND id = ?');
  let pending: Pending[] = [];

  function write({ kind, id, value }: Pending): void {
    if (value === undefined) drop.run(kind, id);
    else upsert.run(kind, id, JSON.stringify(value));
  }

  return {
    *load(kind) {
      for (const row of select.iterate(kind)) {
        yield { id: String(row.id), value: JSON.parse(String(row.value)) as unknown };
      }
    },
    put: (kind, id, value) => void pending.push({ kind, id, value }),
    remove: (kind, id) => void pending.push({ kind, id, value: undefined }),
    commit() {
      const batch = pending;
      pending = [];
      const [first] = batch;
      if (!first) return;
      if (batch.length === 1) return write(first);
      db.exec('BEGIN');
      for (const entry of batch) write(entry);
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}
