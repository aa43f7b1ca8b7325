/** DATA_DIR: accessible to its owner only, and used by one process at a time. */
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explained, sqliteCode } from './explain.ts';
import { createPlace, type Place } from './place.ts';

/** Another process works on this folder. */
export class FolderInUse extends Error {
  readonly code = 'FOLDER_IN_USE';
  /** undefined: not written yet */
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
  /** the number of the last commit (last-commit.ts) */
  readonly lastCommit: string;
  /** whether these are still the files in DATA_DIR */
  readonly place: Place;
  /** To be called once every connection to the database is closed. */
  release(): void;
}

/**
 * Ensures a folder that others cannot write to: they could replace the bridge's files. Write permission for the group
 * is allowed: clusters share volumes that way. Throws an Error that tells the operator what to do.
 */
export function ownFolder(directory: string): void {
  try {
    makeFolder(resolve(directory));
    const found = statSync(directory);
    if (!found.isDirectory()) throw Object.assign(new Error(`ENOTDIR: ${directory}`), { code: 'ENOTDIR' });
    if ((found.mode & 0o002) === 0) return;
  } catch (error) {
    throw new Error(`DATA_DIR ${directory} cannot be used: ${explained(error)}`, { cause: error });
  }
  throw new Error(`DATA_DIR ${directory} cannot be used: every user may write to it; chmod o-w ${directory}`);
}

/** Creates the folder and its parents. Not with `recursive`: Node loops on ENOENT for an existing folder (/proc). */
function makeFolder(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined) return;
  const above = dirname(directory);
  if (above !== directory) makeFolder(above);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // another process was faster
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Takes the folder for this process. The lock is the operating system's, through an open transaction on
 * `lock.db`: it ends with the process however that dies, and a reused process id cannot be mistaken for its owner.
 * The id in `lock.pid` only improves the message. Throws FolderInUse, or an Error that tells the operator what to do.
 */
export function takeFolder(directory: string): Folder {
  ownFolder(directory);
  try {
    for (const name of FILES) refuseLink(join(directory, name));
    return lockedFolder(directory);
  } catch (error) {
    if (!(error instanceof Error) || (!('errcode' in error) && !('syscall' in error))) throw error;
    throw new Error(`DATA_DIR ${directory} cannot be used: ${explained(error)}`, { cause: error });
  }
}

/** All files that are opened by name. */
const FILES: readonly string[] = [
  'lock.db',
  'lock.pid',
  'bridge.db',
  'bridge.db-wal',
  'bridge.db-shm',
  'bridge.db-journal',
  'bridge.last-commit',
];

function lockedFolder(directory: string): Folder {
  const lockFile = ownFile(directory, 'lock.db');
  const pidFile = ownFile(directory, 'lock.pid');
  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    // nothing is ever written to it: no journal on disk
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    lock.close();
    if (sqliteCode(error) === SQLITE_BUSY) throw new FolderInUse(directory, readPid(pidFile));
    if (sqliteCode(error) !== SQLITE_NOTADB) throw error;
    throw new Error(
      `${lockFile} is damaged (${reasonOf(error)}). It holds no data: ` +
        'make sure that no other scim-bridge runs on this folder, delete that file and start again',
      { cause: error },
    );
  }
  try {
    notePid(pidFile);
    // SQLite gives -wal and -shm the mode of the database itself
    const database = ownFile(directory, 'bridge.db');
    const place = createPlace(directory, ['lock.db', 'bridge.db']);
    return {
      database,
      lastCommit: join(directory, 'bridge.last-commit'),
      place,
      release() {
        place.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Ensures a file that only its owner can read. An existing one is not opened: closing any descriptor of a file
 * drops every POSIX lock this process has on it.
 */
function ownFile(directory: string, name: string): string {
  const file = join(directory, name);
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    refuseLink(file);
    if ((lstatSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  }
  return file;
}

/** The bridge's files are regular files: a link may point to a file that belongs to something else. */
function refuseLink(file: string): void {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return;
  const what = found.isSymbolicLink() ? 'a symbolic link' : 'no regular file';
  throw new Error(`${file} is ${what}: it is not followed; put the file itself in its place, or remove it`);
}

/** If the disk is full, only the message of the next process suffers. */
function notePid(file: string): void {
  try {
    writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readPid(file: string): number | undefined {
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  return Number.isNaN(pid) ? undefined : pid;
}
