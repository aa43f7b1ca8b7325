/** userNames are unique over the ZITADEL instance, externalIds when the tenant wants it: who has one, and whether it is truly taken. */
import { BridgeError } from '../errors.ts';
import type { Clock, Key, Row, Store, Unique } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { indexOf, isExternalId, isQuiet } from './rows.ts';
import type { Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';
import type { View } from './view.ts';

export interface NamesOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly view: View;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly timing: Timing;
}

/**
 * Waits until the row that claims `name` is decided, at most until `deadline`. Gives that row when the name is truly taken,
 * undefined when it is free by now. Throws 503 when it stays undecided.
 */
export type HeldBy = (holder: Key, name: string, deadline: number) => Promise<Row | undefined>;

/** Tries for a row that was put off, before the client is asked to come back. */
const MOST_TRIES = 2;

/** Looks again at least this often, ms: another process may have decided. */
const LOOK_AGAIN = 250;

const undecided = (): BridgeError =>
  new BridgeError(503, 'another request for the same userName or externalId is not decided yet; try again', {
    retryAfter: 5,
  });

/** 409 uniqueness for a reserved name that another row has. */
export function taken(name: string): BridgeError {
  const told = isExternalId(name)
    ? 'externalId is already used by another user'
    : 'userName is already taken by another user in ZITADEL: user names are unique over all its organizations';
  return new BridgeError(409, told, { scimType: 'uniqueness' });
}

export function createNames(options: NamesOptions): HeldBy {
  const { tenant, unique, store, view, reconcile, settlements, clock, timing } = options;

  return async function heldBy(holder, name, deadline) {
    const row = await decided(holder, deadline);
    if (row === undefined || holder.tenant !== tenant) return row;
    try {
      // it may have been renamed or deleted in ZITADEL since it was read
      const now = await view.row(holder.id, timing.believed);
      return indexOf(now, unique).reserved.includes(name) ? now : undefined;
    } catch (error) {
      if (error instanceof BridgeError && error.status === 404) return undefined;
      throw error;
    }
  };

  async function decided(holder: Key, deadline: number): Promise<Row | undefined> {
    let tries = 0;
    for (;;) {
      const row = await store.read(holder);
      if (row === undefined || row.tombstone !== null) return undefined;
      if (isQuiet(row)) return row;
      const left = deadline - clock();
      if (left <= 0 || tries >= MOST_TRIES) throw undecided();
      if (row.attempts === 0) await settlements.next(holder, Math.min(LOOK_AGAIN, left));
      else {
        tries += 1;
        await reconcile(holder); // it was put off: its outcome is wanted now
      }
    }
  }
}
