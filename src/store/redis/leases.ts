/** Leases in Redis: one holder over all processes, with tokens that grow. */
import { randomBytes } from 'node:crypto';
import type { Key, Lease, Row } from '../../bridge/ports.ts';
import type { Client } from './client.ts';
import { besideRows, leaseKey, rowsKey } from './keys.ts';
import { PROVE, RELEASE, RELEASE_MARK, TAKE } from './lease-scripts.ts';
import { rowFrom } from './row-text.ts';

export interface Leases {
  take(key: Key, ms: number): Promise<Lease | undefined>;
  /** Calls what takes a lease, with the mark it is to be taken with. Of a call without an answer the lease is given back. */
  marked<T>(key: Key, ms: number, call: (mark: string) => Promise<T>): Promise<T>;
  renew(lease: Lease, ms: number): Promise<boolean>;
  /** The row as it is then. */
  release(lease: Lease): Promise<Row | undefined>;
  /** Redis is there again: gives back what was taken by calls that nobody heard the answer of. */
  giveBack(): void;
}

/** A sorted set and a key know whole milliseconds. */
export const whole = (ms: number): number => Math.max(1, Math.ceil(ms));

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

  async function marked<T>(key: Key, ms: number, call: (mark: string) => Promise<T>): Promise<T> {
    const mark = randomBytes(9).toString('base64url');
    try {
      return await call(mark);
    } catch (error) {
      lost.set(mark, { key, until: performance.now() + ms });
      giveBack();
      throw error;
    }
  }

  return {
    giveBack,
    marked,
    async take(key, ms) {
      const keys = [besideRows(key.tenant, 'tokens'), leaseKey(key)];
      const token = await marked(key, ms, (mark) => client.run<string | null>(TAKE, keys, [whole(ms), mark]));
      return token === null ? undefined : { key, token: Number(token) };
    },
    renew: async ({ key, token }, ms) =>
      (await client.run<number>(PROVE, [leaseKey(key)], [String(token), whole(ms)])) === 1,
    async release({ key, token }) {
      const keys = [leaseKey(key), rowsKey(key.tenant)];
      const value = await client.runRaw<Buffer | null>(RELEASE, keys, [String(token), key.id]);
      return value === null ? undefined : rowFrom(key, value);
    },
  };
}
