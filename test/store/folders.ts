/** Folders for embedded stores, closed and taken away after each test. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { Store } from '../../src/bridge/ports/store.ts';
import { BridgeError } from '../../src/errors.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import type { SqliteStoreOptions } from '../../src/store/sqlite/store.ts';

export const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'bridge-store-'));

export interface Folders {
  newFolder(): Promise<string>;
  open(directory: string, options?: Partial<SqliteStoreOptions>): Promise<Store>;
  /** The writer threads started from now on. */
  writers(): readonly Worker[];
  /** Runs after the test, the last one first. */
  cleanup(work: () => unknown): void;
}

/** To be called in the suite that uses them. */
export function useFolders(): Folders {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const work of cleanups.splice(0).toReversed()) await work();
  });
  const cleanup = (work: () => unknown): void => void cleanups.push(work);
  return {
    cleanup,
    async newFolder() {
      const directory = await folder();
      cleanup(() => rm(directory, { recursive: true }));
      return directory;
    },
    async open(directory, options = {}) {
      const store = await createSqliteStore({ directory, ...options });
      cleanup(() => store.close());
      return store;
    },
    writers() {
      const threads: Worker[] = [];
      const collect = (thread: Worker): number => threads.push(thread);
      process.on('worker', collect);
      cleanup(() => process.off('worker', collect));
      return threads;
    },
  };
}

/** The store's answer when it cannot write. */
export const unavailable = (error: unknown): boolean =>
  error instanceof BridgeError && error.status === 503 && error.retryAfter === 5;

/** Shuts and opens the gate of a CommitHook. */
export function createGate() {
  const availability = new Int32Array(new SharedArrayBuffer(4));
  const move = (to: 0 | 1): void => {
    Atomics.store(availability, 0, to);
    Atomics.notify(availability, 0);
  };
  return { gate: availability, shut: () => move(1), open: () => move(0) };
}

/** Names of the files in a folder that hold these bytes. */
export async function filesWith(directory: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(directory)) {
    if ((await readFile(join(directory, name))).includes(text)) found.push(name);
  }
  return found;
}
