/** Scripts in Lua: each is one indivisible change, or one sight of several keys. */
import { hash } from 'node:crypto';

export interface Script {
  readonly lua: string;
  /** what EVALSHA calls it by */
  readonly sha: string;
}

export const script = (lua: string): Script => ({ lua, sha: hash('sha1', lua, 'hex') });
