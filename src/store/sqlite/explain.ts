/** What an error of the file system or of SQLite means for an operator, and what to do about it. */

/** By the file system's own code. */
const OF_FILES: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write to it; chown it to the user of the bridge, or name another folder in DATA_DIR',
  EPERM: 'this user may not change it; chown it to the user of the bridge, or name another folder in DATA_DIR',
  EROFS: 'its file system is read-only; mount it for writing, or name another folder in DATA_DIR',
  ENOSPC: 'its disk is full; make room and start again',
  EDQUOT: 'the disk quota is used up; make room and start again',
  ENOTDIR: 'it is not a folder; name another one in DATA_DIR',
  EEXIST: 'it is not a folder; name another one in DATA_DIR',
  ENOENT: 'it cannot be made there; name another folder in DATA_DIR',
};

/** By SQLite's primary result code, https://sqlite.org/rescode.html */
const OF_SQLITE: Readonly<Record<number, string>> = {
  8: 'the file system is read-only, or this user may not write to the file; mount it for writing, or chown it',
  10: 'the disk refuses to read or write; look at its space, its mount and the log of the kernel',
  11: 'the file is damaged; restore a backup of DATA_DIR, or start with an empty one',
  13: 'the disk is full; make room',
  14: 'the file cannot be opened; see that this user may write to it and to its folder',
  26: 'the file is damaged; restore a backup of DATA_DIR, or start with an empty one',
};

/** SQLite's primary result code; undefined: the error is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}

/** One line: what the system said, and what to do. */
export function explained(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const code = sqliteCode(error);
  const advice =
    code === undefined ? OF_FILES[(error as NodeJS.ErrnoException | undefined)?.code ?? ''] : OF_SQLITE[code];
  return advice === undefined ? said : `${said}: ${advice}`;
}

/** The same for the cause of an error. */
export function rootCause(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : explained(error);
}
