/** Leases: a key that ends by itself for each row that is held. Redis alone says what time it is. */
import { script } from './script.ts';

/**
 * KEYS: tokens, lease. ARGV: ms, mark of this attempt. Answers the token as a text, or nothing while somebody else holds it.
 * Tokens follow the clock (in microseconds) besides: they grow even when Redis lost the last ones.
 */
export const TAKE = script(String.raw`
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
local token = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[1], token)
redis.call('SET', KEYS[2], token .. ' ' .. ARGV[2], 'PX', ARGV[1])
return token
`);

const HELD = String.raw`
local held = redis.call('GET', KEYS[1])
local function holds(at) return held and string.match(held, at) == ARGV[1] end
`;

/** KEYS: lease. ARGV: token, ms. 1: it is held, and for so much longer. */
export const PROVE = script(String.raw`${HELD}
if holds('^%d+') then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`);

/** KEYS: lease. ARGV: token. */
export const RELEASE = script(String.raw`${HELD}
if holds('^%d+') then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** KEYS: lease. ARGV: mark of an attempt whose answer never came. */
export const RELEASE_MARK = script(String.raw`${HELD}
if holds(' (.*)$') then return redis.call('DEL', KEYS[1]) end
return 0
`);
