/** Leases: an expiring key for each leased row. Only Redis's clock counts. */
import { script } from './script.ts';

/**
 * For scripts: takeLease(tokens, lease, ms, mark of this attempt) returns the token as text, holdsLease(lease, token)
 * whether that token still has it. Tokens also follow the clock (in microseconds): they grow even if Redis lost some.
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

/** KEYS: tokens, lease. ARGV: ms, mark. Answers the token, or nothing while another process has the lease. */
export const TAKE = script(String.raw`${LEASES}
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
return takeLease(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
`);

/**
 * KEYS: lease. ARGV: token, ms. 1: the lease is ours, for that long or up to a tenth less: a lease taken just now is
 * not extended, because every write costs disk.
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

/** KEYS: lease. ARGV: mark of an attempt whose answer was lost. */
export const RELEASE_MARK = script(String.raw`
local held = redis.call('GET', KEYS[1])
if held and string.match(held, ' (.*)$') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);
