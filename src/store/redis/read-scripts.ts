/** Reads of several keys at once, checked against the mark (marks.ts). KEYS: hash `rows`; others: write-script.ts. */
import { PAGE_BYTES } from '../page-bytes.ts';
import { REQUIRE_MARK } from './marks.ts';
import { script, type Script } from './script.ts';

const PRELUDE = String.raw`${REQUIRE_MARK}
local base = string.sub(KEYS[1], 1, -5)

-- id and value of a row in turn, appended to found
local function rows(ids, found)
  for first = 1, #ids, 200 do
    local last = math.min(first + 199, #ids)
    local texts = redis.call('HMGET', KEYS[1], unpack(ids, first, last))
    for i = first, last do
      if texts[i - first + 1] then
        found[#found + 1] = ids[i]
        found[#found + 1] = texts[i - first + 1]
      end
    end
  end
  return found
end

-- the same, as long as they fit together; at least one
local function firstRows(ids, found)
  local size = 0
  for first = 1, #ids, 10 do
    local last = math.min(first + 9, #ids)
    local texts = redis.call('HMGET', KEYS[1], unpack(ids, first, last))
    for i = first, last do
      local text = texts[i - first + 1]
      if text then
        if size > 0 and size + #text > ${PAGE_BYTES} then return found end
        size = size + #text
        found[#found + 1] = ids[i]
        found[#found + 1] = text
      end
    end
  end
  return found
end

-- as Redis orders members of one score: the locale of the server has no say in it
local function later(left, right)
  for i = 1, math.min(#left, #right) do
    local a, b = string.byte(left, i), string.byte(right, i)
    if a ~= b then return a > b end
  end
  return #left > #right
end

-- rank of the first member behind (score, id), whether or not that is there
local function behind(key, score, id)
  if score == '' then return 0 end
  local held = redis.call('ZSCORE', key, id)
  if held and tonumber(held) == tonumber(score) then return redis.call('ZRANK', key, id) + 1 end
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local high = redis.call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if later(redis.call('ZRANGE', key, middle, middle)[1], id) then high = middle else low = middle + 1 end
  end
  return low
end

local function byId(key, after, limit)
  return redis.call('ZRANGEBYLEX', key, after, '+', 'LIMIT', 0, limit)
end
`;

export type Sight = Script;

const sight = (lua: string): Sight => script(PRELUDE + lua);

/** ARGV: first, last rank. {total, id, value, ...} */
export const PAGE = sight(String.raw`
local found = { redis.call('ZCARD', base .. 'order') }
return firstRows(redis.call('ZRANGE', base .. 'order', ARGV[1], ARGV[2]), found)
`);

/** ARGV: created ('': from the beginning), id, limit. {id, value, ...} */
export const SLICE = sight(String.raw`
local first = behind(base .. 'order', ARGV[1], ARGV[2])
return firstRows(redis.call('ZRANGE', base .. 'order', first, first + ARGV[3] - 1), {})
`);

/** ARGV: prefixes of index entries. {id, value, ...} */
export const FIND = sight(String.raw`
local ids = {}
for _, start in ipairs(ARGV) do
  local entries = redis.call('ZRANGEBYLEX', base .. 'find', '[' .. start, '(' .. start .. '\255')
  for _, entry in ipairs(entries) do ids[#ids + 1] = string.sub(entry, #start + 1) end
end
return rows(ids, {})
`);

/** ARGV: set of a condition, '(' and the id to continue after or '-', limit. {id, value, ...} */
export const WITH_CONDITION = sight(String.raw`
return firstRows(byId(base .. ARGV[1], ARGV[2], ARGV[3]), {})
`);

/** ARGV: time, limit. {id, value, ...} */
export const TOMBSTONES = sight(String.raw`
return rows(redis.call('ZRANGEBYSCORE', base .. 'tomb', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2]), {})
`);

/** ARGV: now, limit, dueAt ('': from the beginning), id. {id, dueAt, ...} */
export const DUE = sight(String.raw`
local first = behind(base .. 'due', ARGV[3], ARGV[4])
local found = redis.call('ZRANGE', base .. 'due', first, first + ARGV[2] - 1, 'WITHSCORES')
while #found > 0 and tonumber(found[#found]) > tonumber(ARGV[1]) do
  found[#found] = nil
  found[#found] = nil
end
return found
`);

/** ARGV: group, '(' and the id to continue after or '-', limit. {id, display or null, ...} */
export const MEMBERS = sight(String.raw`
local ids = byId(base .. 'm:' .. ARGV[1], ARGV[2], ARGV[3])
local found = {}
for first = 1, #ids, 200 do
  local last = math.min(first + 199, #ids)
  local names = redis.call('HMGET', base .. 'display', unpack(ids, first, last))
  for i = first, last do
    found[2 * i - 1] = ids[i]
    found[2 * i] = names[i - first + 1]
  end
end
return found
`);

/** The size of each sorted set named in ARGV. */
export const COUNTS = sight(String.raw`
local found = {}
for i, set in ipairs(ARGV) do found[i] = redis.call('ZCARD', base .. set) end
return found
`);
