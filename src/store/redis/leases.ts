/** Leases in Redis: one holder over all processes, with tokens that grow. */
import { randomBytes } from 'node:crypto';
import type { Key, Lease } from '../../bridge/ports.ts';
import type { Client } from './client.ts';
import { besideRows, leaseKey } from './keys.ts';
import { PROVE, RELEASE, RELEASE_MARK, TAKE } from './lease-scripts.ts';

export interface Leases {
  take(key: Key, ms: number): Promise<Lease | undefined>;
  renew(lease: Lease, ms: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;
  /** Redis is there again: gives back what was taken by calls that nobody heard the answer of. */
  giveBack(): void;
}

/** A sorted set and a key know whole milliseconds. */
const whole = (ms: number): number => Math.max(1, Math.ceil(ms));

export function createLeases(client: Client): Leases {
  /** attempts without an answer: the row would be held by nobody until they end by themselves */
  const lost = new Map<string, { readonly key: Key; readonly until: number }>();

  function giveBack(): void {
    for (const [mark, { key, until }] of lost) {
      if (until < performance.now()) lost.delete(mark);
      else {
        client.run(RELEASE_MARK, [leaseKey(key)], [mark]).then(
          () => lost.delete(mark),
          () => undefined, // tried again at the next connection
        );
      }
    }
  }

  return {
    giveBack,
    async take(key, ms) {
      const mark = randomBytes(9).toString('base64url');
      try {
        const token = await client.run<string | null>(
          TAKE,
          [besideRows(key.tenant, 'tokens'), leaseKey(key)],
          [whole(ms), mark],
        );
        return token === null ? undefined : { key, token: Number(token) };
      } catch (error) {
        lost.set(mark, { key, until: performance.now() + ms });
        giveBack();
        throw error;
      }
    },
    renew: async ({ key, token }, ms) =>
      (await client.run<number>(PROVE, [leaseKey(key)], [String(token), whole(ms)])) === 1,
    async release({ key, token }) {
      await client.run(RELEASE, [leaseKey(key)], [String(token)]);
    },
  };
}
