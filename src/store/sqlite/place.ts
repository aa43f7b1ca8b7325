/**
 * Whether the files that are open are still those that stand in DATA_DIR. What is written to a file that was deleted or moved away is
 * gone with the process, without any error of the system.
 */
import { closeSync, fstatSync, lstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Loss } from '../loss.ts';

/** A file as the system knows it, whatever its name. */
export interface Identity {
  readonly file: string;
  readonly dev: number;
  readonly ino: number;
}

/** The file that stands under this name now; undefined: none does. */
export function identify(file: string): Identity | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : { file, dev: found.dev, ino: found.ino };
}

/** Throws FileLost when another file, or none, stands where one of these was. A few microseconds each. */
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
    // a folder on the way is none any more
    return false;
  }
}

export interface Place {
  readonly files: readonly Identity[];
  /** From now on this file is looked at too. */
  add(name: string): void;
  /** undefined: all are where they were. */
  look(): Loss | undefined;
  close(): void;
}

/** Files of the folder that exist. The last one is held open: it tells whether the folder was deleted, or only moved away. */
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

  /** The folder still stands where it did, so the file was taken out of it; or another bridge has moved in; or the file is deleted. */
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
