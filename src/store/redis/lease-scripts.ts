/** Leases: a key that ends by itself for each row that is held. Redis alone says what time it is. */
import { script } from './script.ts';

/**
 * For scripts: takeLease(tokens, lease, ms, mark of this attempt) gives the token as a text, holdsLease(lease, token) whether it is
 * still that one's. Tokens follow the clock (in microseconds) besides: they grow even when Redis lost the last ones.
 */
export const LEASES = String.raw`
local function takeLease(tokens, lease, ms, mark)
  local time = redis.call('TIME')
  local last = tonumber(redis.call('GET', tokens) or 0)
  local token = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
  redis.call('SET', tokens, token)
  redis.call('SET', lease, token .. ' ' .. mark, 'PX', ms)
  return token
end

local function holdsLease(lease, token)
  local held = redis.call('GET', lease)
  return held and string.match(held, '^%d+') == token
end
`;

/** KEYS: tokens, lease. ARGV: ms, mark. Answers the token, or nothing while somebody else holds it. */
export const TAKE = script(String.raw`${LEASES}
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
return takeLease(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
`);

/**
 * KEYS: lease. ARGV: token, ms. 1: it is held, for so much longer or up to a tenth less: what was taken just now is left alone, for
 * every write is one more for the disk.
 */
export const PROVE = script(String.raw`${LEASES}
if not holdsLease(KEYS[1], ARGV[1]) then return 0 end
local left, ms = redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])
if left <= ms and left >= 0.9 * ms then return 1 end
return redis.call('PEXPIRE', KEYS[1], ms)
`);

/** KEYS: lease, rows. ARGV: token, id. Answers the value of the row, or nothing. */
export const RELEASE = script(String.raw`${LEASES}
if holdsLease(KEYS[1], ARGV[1]) then redis.call('DEL', KEYS[1]) end
return redis.call('HGET', KEYS[2], ARGV[2])
`);

/** KEYS: lease. ARGV: mark of an attempt whose answer never came. */
export const RELEASE_MARK = script(String.raw`
local held = redis.call('GET', KEYS[1])
if held and string.match(held, ' (.*)$') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);
