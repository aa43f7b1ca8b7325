/**
 * One write of a row. Beside hash `rows` it keeps, under the same hash tag:
 * order, due, since, tomb: sorted by created (visible rows), dueAt, the oldest pending change, tombstone;
 * owed, doubt, dead, held, blocked, hidden: ids by condition; find: index entry + id; m:<group>: ids of its members;
 * display: id -> name in lists of members; sets: group -> "count revision modified"; bans: reservations that are void, by time;
 * mark: marks.ts; aside: ids of unreadable rows;
 * changes: number of announced writes; tokens: the last one of a lease; lease:<id>: "token mark" while it is leased.
 */
import { LEASES } from './lease-scripts.ts';
import { REQUIRE_MARK } from './marks.ts';
import { script } from './script.ts';

/**
 * KEYS: rows, tokens, lease of the row. ARGV: id, expected version, then of RowText version ('' deletes the row), head,
 * names, members, body, created, dueAt, since, tombstone; then names the caller believes the row has, JSON of the
 * reservations it made for new ones, the time ('': that of Redis), the channel that announces the row ('': none); token
 * of the lease that the row is written under or '', ms for which the lease is taken or '', mark of that.
 * Answers {'ok', names before, token of the lease taken or ''}, {'leased'}, {'version'}, {'names', names before} when
 * they change and the caller believed others, or {'void', reservation} if it was taken over. Only 'ok' wrote anything.
 */
export const WRITE = script(String.raw`${LEASES}${REQUIRE_MARK}
local base = string.sub(KEYS[1], 1, -5)
local id, expect, version, head, names, members, body = unpack(ARGV, 1, 7)
local created, due, since, tomb, known, tokens, clock, channel = unpack(ARGV, 8, 15)
local under, ms, mark = unpack(ARGV, 16, 18)

if under ~= '' and not holdsLease(KEYS[3], under) then return { 'leased' } end
if ms ~= '' and redis.call('EXISTS', KEYS[3]) == 1 then return { 'leased' } end
local old = redis.call('HGET', KEYS[1], id)
local was = { '0', '[[],[]]', '[]', '[]' }
if old then was = { string.match(old, '^(%d+)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n') } end
if was[1] ~= expect then return { 'version' } end
if names ~= was[3] then
  if names ~= '[]' and known ~= was[3] then return { 'names', was[3] } end
  for _, token in ipairs(cjson.decode(tokens)) do
    if redis.call('ZSCORE', base .. 'bans', token) then return { 'void', token } end
  end
end

-- the first write of a script that needs memory fails when Redis is full; once it has written, the rest does not
if version == '' then
  redis.call('HDEL', KEYS[1], id)
else
  local text = table.concat({ version, head, names, members, body }, '\n')
  -- a row that does not grow is written all the same: ZREM needs no memory
  if old and #text <= #old then redis.call('ZREM', base .. 'bans', '') end
  redis.call('HSET', KEYS[1], id, text)
end

local function place(set, score)
  if score == '' then redis.call('ZREM', base .. set, id) else redis.call('ZADD', base .. set, score, id) end
end
place('order', created)
place('due', due)
place('since', since)
place('tomb', tomb)
redis.call('ZREM', base .. 'aside', id)

local function differ(before, after, gone, come)
  local had, has = {}, {}
  for _, each in ipairs(before) do had[each] = true end
  for _, each in ipairs(after) do has[each] = true end
  for _, each in ipairs(before) do if not has[each] then gone(each) end end
  for _, each in ipairs(after) do if not had[each] then come(each) end end
end

if head ~= was[2] then
  local before, after = cjson.decode(was[2]), cjson.decode(head)
  differ(before[1], after[1],
    function(set) redis.call('ZREM', base .. set, id) end,
    function(set) redis.call('ZADD', base .. set, 0, id) end)
  differ(before[2], after[2],
    function(entry) redis.call('ZREM', base .. 'find', entry .. id) end,
    function(entry) redis.call('ZADD', base .. 'find', 0, entry .. id) end)
end

if members ~= was[4] then
  local before, after = cjson.decode(was[4]), cjson.decode(members)
  table.remove(before, 1)
  local display = table.remove(after, 1)
  if type(display) == 'string' then redis.call('HSET', base .. 'display', id, display)
  else redis.call('HDEL', base .. 'display', id) end
  local time = redis.call('TIME')
  local now = tonumber(clock) or (time[1] * 1000 + math.floor(time[2] / 1000))
  local function count(group, by)
    local set = redis.call('HGET', base .. 'sets', group) or '0 0 0'
    local many, revision = string.match(set, '^(%d+) (%d+) ')
    revision = math.max(revision + 1, math.floor(now))
    redis.call('HSET', base .. 'sets', group, string.format('%.0f %.0f %.17g', many + by, revision, now))
  end
  differ(before, after,
    function(group) redis.call('ZREM', base .. 'm:' .. group, id) count(group, -1) end,
    function(group) redis.call('ZADD', base .. 'm:' .. group, 0, id) count(group, 1) end)
end

if channel ~= '' then
  local number = redis.call('INCR', base .. 'changes')
  redis.call('PUBLISH', channel, string.format('%.0f %s', number, id))
end
return { 'ok', was[3], ms == '' and '' or takeLease(KEYS[2], KEYS[3], ms, mark) }
`);
