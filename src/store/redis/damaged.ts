/** Unreadable rows are removed from lists and queue; their names stay reserved, and the rows are kept aside. */
import { CONDITIONS } from '../conditions.ts';
import type { Client } from './client.ts';
import { besideRows, rowsKey } from './keys.ts';
import { script } from './script.ts';

const SETS = `{ ${['order', 'due', 'since', 'tomb', ...Object.values(CONDITIONS).map(({ stored }) => stored)].map((set) => `'${set}'`).join(', ')} }`;

/** KEYS: rows. ARGV: id, the unreadable value. 1: set aside now; 0: it was written meanwhile, or is aside already. */
const SET_ASIDE = script(String.raw`
local base = string.sub(KEYS[1], 1, -5)
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
for _, set in ipairs(${SETS}) do redis.call('ZREM', base .. set, ARGV[1]) end
return redis.call('ZADD', base .. 'aside', 0, ARGV[1])
`);

/**
 * KEYS: rows. ARGV: id. Removes a row that is aside, with as much of its index as is readable; the remaining entries
 * point to no row. Answers JSON of its names ('[]': unknown), or nothing when no such row is aside.
 */
const FORGET = script(String.raw`
local base = string.sub(KEYS[1], 1, -5)
if not redis.call('ZSCORE', base .. 'aside', ARGV[1]) then return false end
local text = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local head, names, members = string.match(text, '^%d+\n([^\n]*)\n([^\n]*)\n([^\n]*)\n')
local function read(json)
  local ok, value = pcall(cjson.decode, json or '')
  return ok and type(value) == 'table' and value or {}
end
for _, entry in ipairs(read(head)[2] or {}) do redis.call('ZREM', base .. 'find', entry .. ARGV[1]) end
for i, group in ipairs(read(members)) do
  if i > 1 and redis.call('ZREM', base .. 'm:' .. group, ARGV[1]) == 1 then
    local set = redis.call('HGET', base .. 'sets', group) or '1 0 0'
    local many, revision, at = string.match(set, '^(%d+) (%d+) (.*)$')
    redis.call('HSET', base .. 'sets', group, string.format('%.0f %.0f %s', many - 1, revision + 1, at))
  end
end
redis.call('HDEL', base .. 'display', ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', base .. 'aside', ARGV[1])
return #read(names) > 0 and names or '[]'
`);

export interface Damaged {
  /** Whether lists omit it from now on. */
  setAside(tenant: string, id: string, value: Buffer): Promise<boolean>;
  ids(tenant: string): Promise<readonly string[]>;
  /** Its former [instance, name, ...]; undefined: there is no such row. */
  forget(tenant: string, id: string): Promise<readonly string[] | undefined>;
}

export const createDamaged = (client: Client): Damaged => ({
  setAside: async (tenant, id, value) => (await client.run<number>(SET_ASIDE, [rowsKey(tenant)], [id, value])) === 1,
  ids: (tenant) => client.ask((redis) => redis.zrange(besideRows(tenant, 'aside'), '0', '-1')),
  async forget(tenant, id) {
    const names = await client.run<string | null>(FORGET, [rowsKey(tenant)], [id]);
    return names === null ? undefined : (JSON.parse(names) as string[]);
  },
});
