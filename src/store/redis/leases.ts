/** Leases in Redis: one owner across all processes, with growing tokens. */
import { randomBytes } from 'node:crypto';
import type { Key, Row } from '../../bridge/row/types.ts';
import type { Lease } from '../../bridge/ports/store.ts';
import type { Client } from './client.ts';
import { besideRows, leaseKey, rowsKey } from './keys.ts';
import { PROVE, RELEASE, RELEASE_MARK, TAKE } from './lease-scripts.ts';
import { rowFrom } from './row-text.ts';
import type { Seal } from './sealed.ts';

export interface Leases {
  take(key: Key, ms: number): Promise<Lease | undefined>;
  /** Calls `take` with the mark for the lease. If the answer is lost, the lease is released later. */
  marked<T>(key: Key, ms: number, call: (mark: string) => Promise<T>): Promise<T>;
  renew(lease: Lease, ms: number): Promise<boolean>;
  /** The row as it is then. If the answer is lost, it is tried again later. */
  release(lease: Lease): Promise<Row | undefined>;
  /** Redis is back: releases the leases of calls whose answer was lost. */
  giveBack(): void;
  stop(): void;
}

/** Releasing an unused lease is retried until it would have expired. */
interface Left {
  readonly until: number;
  giveBack(): Promise<unknown>;
}

/** Between two attempts to release leases, ms. */
const AGAIN = 200;
/** How long a lease to be released lasts is unknown: longer than any, ms. */
const LONGEST = 60_000;

/** Sorted sets and key expiry use whole milliseconds. */
export const whole = (ms: number): number => Math.max(1, Math.ceil(ms));

export function createLeases(client: Client, seal: Seal): Leases {
  const left = new Set<Left>();
  let timer: NodeJS.Timeout | undefined;

  function giveBack(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const each of left) {
      if (each.until < performance.now()) left.delete(each);
      else each.giveBack().then(() => left.delete(each), again);
    }
  }

  function again(): void {
    timer ??= setTimeout(giveBack, AGAIN).unref();
  }

  function leave(ms: number, give: () => Promise<unknown>): void {
    left.add({ until: performance.now() + ms, giveBack: give });
    again();
  }

  async function marked<T>(key: Key, ms: number, call: (mark: string) => Promise<T>): Promise<T> {
    const mark = randomBytes(9).toString('base64url');
    try {
      return await call(mark);
    } catch (error) {
      leave(ms, () => client.run(RELEASE_MARK, [leaseKey(key)], [mark]));
      throw error;
    }
  }

  return {
    giveBack,
    stop: () => clearTimeout(timer),
    marked,
    async take(key, ms) {
      const keys = [besideRows(key.tenant, 'tokens'), leaseKey(key)];
      const token = await marked(key, ms, (mark) => client.run<string | null>(TAKE, keys, [whole(ms), mark]));
      return token === null ? undefined : { key, token: Number(token) };
    },
    renew: async ({ key, token }, ms) =>
      (await client.run<number>(PROVE, [leaseKey(key)], [String(token), whole(ms)])) === 1,
    async release({ key, token }) {
      const give = (): Promise<Buffer | null> =>
        client.runRaw(RELEASE, [leaseKey(key), rowsKey(key.tenant)], [String(token), key.id]);
      let value: Buffer | null;
      try {
        value = await give();
      } catch (error) {
        leave(LONGEST, give);
        throw error;
      }
      return value === null ? undefined : rowFrom(key, value, seal);
    },
  };
}
