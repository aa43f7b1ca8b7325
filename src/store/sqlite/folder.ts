/** DATA_DIR: made for its owner alone, and held by one process at a time. */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process works on this folder. */
export class FolderInUse extends Error {
  readonly code = 'FOLDER_IN_USE';
  /** undefined when it has not said yet */
  readonly pid: number | undefined;

  constructor(directory: string, pid: number | undefined) {
    super(
      `${directory} is in use by another scim-bridge${pid === undefined ? '' : ` (process ${pid})`}: ` +
        'stop it first, or give this one a DATA_DIR of its own',
    );
    this.name = 'FolderInUse';
    this.pid = pid;
  }
}

export interface Folder {
  /** the database file; it exists and only its owner may read it */
  readonly database: string;
  release(): void;
}

/**
 * Takes the folder for this process. The lock is one of the operating system, held through an open transaction on
 * `lock.db`: it ends with the process however that dies, and a reused process id cannot be mistaken for its holder.
 * The id in `lock.pid` only makes the message better. Throws FolderInUse, or the file system's own error.
 */
export function takeFolder(directory: string): Folder {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lockFile = ownFile(directory, 'lock.db');
  const pidFile = ownFile(directory, 'lock.pid');
  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    // nothing is ever written to it: no journal on disk
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw new FolderInUse(directory, readPid(pidFile));
    throw error;
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    // SQLite gives -wal and -shm the mode of the database itself
    database: ownFile(directory, 'bridge.db'),
    release: () => lock.close(),
  };
}

/**
 * Makes sure of a file that only its owner may read. An existing one is not opened: closing any descriptor of a file
 * drops every POSIX lock this process has on it.
 */
function ownFile(directory: string, name: string): string {
  const file = join(directory, name);
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(file, 0o600);
  }
  return file;
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function readPid(file: string): number | undefined {
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  return Number.isNaN(pid) ? undefined : pid;
}
