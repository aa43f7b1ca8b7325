import type { Store } from '../src/bridge/ports/store.ts';
import { createSqliteStore as createStore, type SqliteStoreOptions } from '../src/store/sqlite/store.ts';

export const commits = { count: 0 };

export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const store = await createStore({ ...options, onCommit: () => (commits.count += 1) });
  if (process.env['BENCH_WAIT'] !== 'false') return store;
  return { ...store, write: (write, options) => store.write(write, { ...options, durable: false }) };
}
