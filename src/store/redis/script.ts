/** Lua scripts: each is one atomic change, or one consistent view of several keys. */
import { hash } from 'node:crypto';

export interface Script {
  readonly lua: string;
  /** the name for EVALSHA */
  readonly sha: string;
}

export const script = (lua: string): Script => ({ lua, sha: hash('sha1', lua, 'hex') });
