/**
 * A mark beside the rows of each tenant: while it is there, they are the rows this process has worked with. A Redis
 * that was emptied, or lost its data, has none; without the mark it would look as if all users had been deleted.
 */
import { randomUUID } from 'node:crypto';
import { unavailable } from '../unavailable.ts';
import type { Client } from './client.ts';
import { besideRows, rowsKey } from './keys.ts';
import { script } from './script.ts';

/** For scripts: the last of ARGV is the mark; if another one is stored, nothing is read or written. */
export const REQUIRE_MARK = String.raw`
local mark = table.remove(ARGV)
if redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'mark') ~= mark then
  return redis.error_reply('EMPTIED the rows are not those that were here before')
end
`;

/** KEYS: rows. ARGV: mark to set if there is none. Answers the mark. */
const MARK = script(String.raw`
local key = string.sub(KEYS[1], 1, -5) .. 'mark'
redis.call('SET', key, ARGV[1], 'NX')
return redis.call('GET', key)
`);

/** Redis has lost its data. */
export class Emptied extends Error {
  constructor(tenant: string) {
    super(`Redis was emptied: what it kept of ${tenant} is gone; the users are read from ZITADEL again`);
    this.name = 'Emptied';
  }
}

export interface Marks {
  /** The mark of a tenant's rows, created on the first access if there is none. */
  of(tenant: string): Promise<string>;
  /** Rejects with BridgeError 503 if the rows of the tenant, or of any accessed so far, are not the same as before. */
  check(tenant?: string): Promise<void>;
  /** A script's answer; reports a lost mark. */
  seen(tenant: string, error: unknown): unknown;
  /** Accepts the rows that are there now. */
  adopt(): void;
}

export function createMarks(client: Client, onLost: (error: Emptied) => void): Marks {
  const marks = new Map<string, Promise<string>>();

  function lost(tenant: string): unknown {
    const error = new Emptied(tenant);
    onLost(error);
    return unavailable(error);
  }

  async function checkOne(tenant: string, mark: string): Promise<void> {
    const found = await client.ask((redis) => redis.get(besideRows(tenant, 'mark')));
    if (found !== mark) throw lost(tenant);
  }

  function of(tenant: string): Promise<string> {
    const mark = marks.get(tenant) ?? client.run<string>(MARK, [rowsKey(tenant)], [randomUUID()]);
    if (!marks.has(tenant)) {
      marks.set(tenant, mark);
      mark.catch(() => marks.delete(tenant));
    }
    return mark;
  }

  return {
    of,
    async check(tenant) {
      if (tenant !== undefined) return checkOne(tenant, await of(tenant));
      await Promise.all([...marks].map(async ([each, mark]) => checkOne(each, await mark)));
    },
    seen(tenant, error) {
      for (let cause = error; cause instanceof Error; { cause } = cause) {
        if (cause.message.startsWith('EMPTIED')) return lost(tenant);
      }
      return error;
    },
    adopt: () => marks.clear(),
  };
}
