/**
 * Whether the open files are still those in DATA_DIR. Writes to a file that was deleted or moved away are
 * lost with the process, and the system reports no error.
 */
import { closeSync, fstatSync, lstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Loss } from '../loss.ts';

/** The system's identity of a file, whatever its name. */
export interface Identity {
  readonly file: string;
  readonly dev: number;
  readonly ino: number;
}

/** The file that has this name now; undefined: none. */
export function identify(file: string): Identity | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : { file, dev: found.dev, ino: found.ino };
}

/** Throws FileLost when one of these was replaced or is gone. A few microseconds each. */
export function requireSame(files: readonly Identity[]): void {
  for (const each of files) if (!isSame(each)) throw new FileLost(each.file);
}

export class FileLost extends Error {
  constructor(file: string) {
    super(`${file} was deleted, moved or replaced while the bridge was running`);
    this.name = 'FileLost';
  }
}

function isSame({ file, dev, ino }: Identity): boolean {
  try {
    const found = lstatSync(file, { throwIfNoEntry: false });
    return found?.ino === ino && found.dev === dev;
  } catch {
    // a folder on the path is no longer a folder
    return false;
  }
}

export interface Place {
  readonly files: readonly Identity[];
  /** From now on this file is checked too. */
  add(name: string): void;
  /** undefined: all are in place. */
  look(): Loss | undefined;
  close(): void;
}

/** Existing files of the folder. The last one is kept open: it tells whether the folder was deleted or only moved. */
export function createPlace(directory: string, names: readonly string[]): Place {
  const files: Identity[] = [];
  const folder = statSync(directory);
  const add = (name: string): void => {
    const found = identify(join(directory, name));
    if (found !== undefined) files.push(found);
  };
  for (const name of names) add(name);
  // closing any descriptor of a file drops every POSIX lock on it: this one is closed after all connections
  const held = openSync(join(directory, names.at(-1) ?? ''), 'r');

  /** The folder is still in place, so the file was removed from it; or another bridge uses it; or it was deleted. */
  function cannotComeBack({ file }: Identity): boolean {
    if (fstatSync(held).nlink === 0) return true;
    const now = statSync(directory, { throwIfNoEntry: false });
    return now !== undefined && ((now.ino === folder.ino && now.dev === folder.dev) || identify(file) !== undefined);
  }

  return {
    files,
    add,
    look() {
      const missing = files.find((each) => !isSame(each));
      if (missing === undefined) return undefined;
      const { message } = new FileLost(missing.file);
      try {
        return { reason: message, forGood: cannotComeBack(missing) };
      } catch {
        return { reason: message, forGood: false };
      }
    },
    close: () => closeSync(held),
  };
}
