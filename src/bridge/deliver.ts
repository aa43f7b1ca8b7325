/** Handing a change over: written durably, reconciled inline, its result awaited. */
import { BridgeError } from '../errors.ts';
import type { Clock, Lease, Row, Store, Unique, WriteResult } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { indexOf, keyOf } from './rows.ts';
import type { Expected, Result, Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';

export interface DeliverOptions {
  readonly unique: Unique;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly timing: Timing;
}

/**
 * Writes `row`, which holds a new last change on top of the stored version `expect`, and delivers it. 'ok' when it settled; else why it
 * was not written. Throws what the client is told: the refusal, 404 when the user is gone, 503 when ZITADEL is away or late.
 */
export type Deliver = (row: Row, expect: number, deadline: number) => Promise<WriteResult>;

export function createDeliver(options: DeliverOptions): Deliver {
  const { unique, store, reconcile, settlements, clock, timing } = options;

  return async function deliver(row, expect, deadline) {
    const key = keyOf(row);
    const revision = row.changes.at(-1)?.revision ?? 0;
    const expected = settlements.expect(key, revision);
    const lease = await store.lease(key, timing.lease);
    // with the lease of a row in no doubt the call follows at once: the mark goes with the change, in one durable write
    const ours = lease !== undefined && !row.doubt;
    const written = { ...row, doubt: row.doubt || ours, dueAt: clock() + timing.lease };
    try {
      const outcome = await store.write(
        { key, expect, row: written, index: indexOf(written, unique) },
        { durable: true },
      );
      if (outcome.kind !== 'ok') {
        await letGo(expected, lease);
        return outcome;
      }
    } catch (error) {
      await letGo(expected, lease);
      throw error;
    }
    if (lease !== undefined && !ours) await store.release(lease);
    reconcile(key, ours ? lease : undefined).catch((error: unknown) => {
      const reason = error instanceof Error ? error.name : 'unexpected';
      settlements.publish(key, revision, { kind: 'away', retryAfter: 5, reason });
      if (!(error instanceof BridgeError)) throw error;
    });
    answer(await within(expected.result, deadline - clock()));
    return { kind: 'ok' };

    function answer(ended: Result | undefined): void {
      if (ended !== undefined) return tell(ended);
      expected.forget();
      throw new BridgeError(503, 'ZITADEL has not answered in time; the change may still be applied, try again', {
        retryAfter: 5,
      });
    }
  };

  async function letGo(expected: Expected, lease: Lease | undefined): Promise<void> {
    expected.forget();
    if (lease !== undefined) await store.release(lease);
  }
}

function tell(ended: Result): void {
  if (ended.kind === 'refused') throw ended.error;
  if (ended.kind === 'gone') throw new BridgeError(404, 'there is no user with this id');
  if (ended.kind === 'away')
    throw new BridgeError(503, 'ZITADEL cannot be reached now; try again later', { retryAfter: ended.retryAfter });
}

/** The value, or undefined after `ms`. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
