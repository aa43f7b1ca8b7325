/**
 * Unique names have another hash tag than rows, so no script sees both. A name is reserved first, then the row is
 * written, then the names it no longer has are freed. A reservation has its own token. A process that finds a
 * reservation its row does not have voids the token beside the row before it takes the name over: a process that slept
 * between the two steps can then no longer write the row with it.
 */
import { script } from './script.ts';

/**
 * KEYS: names. ARGV: owner (JSON [tenant, id]), token, JSON of the names, JSON of tokens that are void.
 * All or nothing: {'ok', the token of each name in order: an older one of the same owner stays valid},
 * or {'taken', name, owner, token, its age in ms}.
 */
export const RESERVE = script(String.raw`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local void = {}
for _, token in ipairs(cjson.decode(ARGV[4])) do void[token] = true end
local names = cjson.decode(ARGV[3])
local tokens = { 'ok' }
for i, name in ipairs(names) do
  local entry = redis.call('HGET', KEYS[1], name)
  if entry then
    local owner, token, at = string.match(entry, '^([^\n]*)\n([^\n]*)\n(%d+)$')
    if owner ~= ARGV[1] then return { 'taken', name, owner, token, now - at } end
    if not void[token] then tokens[i + 1] = token end
  end
end
for i, name in ipairs(names) do
  if not tokens[i + 1] then
    redis.call('HSET', KEYS[1], name, string.format('%s\n%s\n%.0f', ARGV[1], ARGV[2], now))
    tokens[i + 1] = ARGV[2]
  end
end
return tokens
`);

/** KEYS: names. ARGV: name, owner, token. Frees the name if it is still this reservation. */
export const FREE = script(String.raw`
local entry = redis.call('HGET', KEYS[1], ARGV[1])
local same = ARGV[2] .. '\n' .. ARGV[3] .. '\n'
if entry and string.sub(entry, 1, #same) == same then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
`);

/**
 * KEYS: rows. ARGV: id, instance, name, token to void unless the row has the name ('': only check).
 * Answers 1 if the row has it. A token is remembered for a day: no process sleeps longer in the middle of a write.
 */
export const HOLDS = script(String.raw`
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text then
  -- of a row that cannot be read nobody knows: it keeps what is reserved for it
  local ok, names = pcall(cjson.decode, string.match(text, '^[^\n]*\n[^\n]*\n([^\n]*)\n') or '')
  if not ok or type(names) ~= 'table' then return 1 end
  if names[1] == ARGV[2] then
    for i = 2, #names do if names[i] == ARGV[3] then return 1 end end
  end
end
if ARGV[4] ~= '' then
  local bans = string.sub(KEYS[1], 1, -5) .. 'bans'
  local now = tonumber(redis.call('TIME')[1])
  redis.call('ZREMRANGEBYSCORE', bans, '-inf', now - 86400)
  redis.call('ZADD', bans, now, ARGV[4])
end
return 0
`);
