/** Handing a change over: written durably, reconciled inline, its result awaited. */
import { BridgeError } from '../errors.ts';
import type { Clock, Row, Store, Unique, WriteResult } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { absent, indexOf, keyOf } from './rows.ts';
import type { Result, Settlements } from './settlements.ts';
import { type Timing, within } from './timing.ts';

export interface HandOverOptions {
  readonly unique: Unique;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly timing: Timing;
}

/**
 * Writes `row`, which holds a new last change on top of the stored version `expect`, and has it reconciled. 'ok' when it settled; else
 * why it was not written. Throws what the client is told: the refusal, 404 when the user is gone, 503 when ZITADEL is away or late.
 */
export type HandOver = (row: Row, expect: number, deadline: number) => Promise<WriteResult>;

export function createHandOver(options: HandOverOptions): HandOver {
  const { unique, store, reconcile, settlements, clock, timing } = options;

  return async function handOver(row, expect, deadline) {
    const key = keyOf(row);
    const lease = await store.lease(key, timing.lease);
    // with the lease of a row in no doubt the call follows at once: the mark goes with the change, in one durable write
    const ours = lease !== undefined && !row.doubt;
    const written = { ...row, doubt: row.doubt || ours, dueAt: clock() + timing.lease };
    // before the write: once it is accepted, another holder of the lease may settle it
    const expected = settlements.expect(key, row.changes.at(-1)?.revision ?? 0);
    let outcome: WriteResult | undefined;
    try {
      outcome = await store.write({ key, expect, row: written, index: indexOf(written, unique) }, { durable: true });
    } finally {
      if (outcome?.kind !== 'ok') expected.forget();
      if (lease !== undefined && (outcome?.kind !== 'ok' || !ours)) await store.release(lease);
    }
    if (outcome.kind !== 'ok') return outcome;
    // not awaited: the call goes on when the client is answered before it ends
    reconcile(key, ours ? lease : undefined).catch(() => settlements.publish(key, row.version, STORE_AWAY));
    tell(await within(expected.result, deadline - clock()));
    expected.forget();
    return outcome;
  };
}

/** reconcile throws only while the store cannot be read. */
const STORE_AWAY: Result = { kind: 'away', retryAfter: 5, reason: 'store' };

export const late = (): BridgeError =>
  new BridgeError(503, 'ZITADEL has not answered in time; the change may still be applied, try again', {
    retryAfter: 5,
  });

/** undefined: late. */
function tell(ended: Result | undefined): void {
  if (ended === undefined) throw late();
  if (ended.kind === 'refused') throw ended.error;
  if (ended.kind === 'gone') throw absent();
  if (ended.kind === 'away') {
    const why = ended.blocked === true ? BLOCKED : 'ZITADEL cannot be reached now; try again later';
    throw new BridgeError(503, why, { retryAfter: ended.retryAfter });
  }
}

const BLOCKED =
  'ZITADEL does not let the bridge do this: the token or the roles of its service user have to be mended; the log of the bridge says which call';
