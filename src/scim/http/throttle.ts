/** Two limits in memory: failed tokens by address, and requests by tenant. */
import { isIPv6 } from 'node:net';
import { BridgeError } from '../../errors.ts';
import type { Clock } from '../../bridge/ports/context.ts';

const WINDOW_MS = 60_000;
const FAILURES_ALLOWED = 10;
/** Addresses remembered at once, about 1 MB; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000;

export interface Failures {
  /** Throws 429 with Retry-After once the address has too many failures: its guessable credentials are not checked. */
  holdBack(address: string): void;
  /**
   * Counts a try as failed, before it is looked at where that takes time, so that many at once are no more than their number. Throws 429
   * for the eleventh and later ones of a minute. What it returns takes the try back: it was right.
   */
  attempt(address: string): () => void;
}

/** Counts failures by address. Addresses are untrusted: their number is bounded, and an IPv6 network counts as one. */
export function createFailures(clock: Clock): Failures {
  const seen = new Map<string, { count: number; readonly until: number }>();
  const keyOf = (address: string): string =>
    isIPv6(address) && !address.startsWith('::ffff:') ? network(address) : address;

  function holdBack(address: string): void {
    const entry = seen.get(keyOf(address));
    const left = entry === undefined ? 0 : entry.until - clock();
    if (entry === undefined || left <= 0 || entry.count < FAILURES_ALLOWED) return;
    throw new BridgeError(429, 'too many failed tokens or passwords from this address: wait, then use a valid one', {
      retryAfter: left / 1000,
    });
  }

  return {
    holdBack,
    attempt(address) {
      holdBack(address);
      const key = keyOf(address);
      const now = clock();
      let entry = seen.get(key);
      if (!entry || entry.until <= now) {
        seen.delete(key); // to the end of the order of age
        entry = { count: 0, until: now + WINDOW_MS };
        seen.set(key, entry);
        const oldest = seen.size > MAX_ADDRESSES ? seen.keys().next().value : undefined;
        if (oldest !== undefined) seen.delete(oldest);
      }
      const counted = entry;
      counted.count += 1;
      return () => void (counted.count -= 1);
    },
  };
}

/** The /64 of an IPv6 address: a client with one address of it usually has them all. */
function network(address: string): string {
  const [head = '', tail] = address.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4).join(':');
}

export interface RateLimit {
  /** Counts a request. Throws 429 when the tenant has used its share of this second. */
  take(tenant: string): void;
}

/** A bucket per tenant that holds `perSecond` requests and fills at that rate; 0 = no limit. Tenants are few and come from the configuration. */
export function createRateLimit(perSecond: number, clock: Clock): RateLimit {
  const buckets = new Map<string, { level: number; at: number }>();
  return {
    take(tenant) {
      if (perSecond <= 0) return;
      const now = clock();
      const bucket = buckets.get(tenant) ?? { level: perSecond, at: now };
      buckets.set(tenant, bucket);
      bucket.level = Math.min(perSecond, bucket.level + (Math.max(0, now - bucket.at) / 1000) * perSecond);
      bucket.at = now;
      if (bucket.level < 1)
        throw new BridgeError(429, `more than ${perSecond} requests a second: send fewer`, { retryAfter: 1 });
      bucket.level -= 1;
    },
  };
}
