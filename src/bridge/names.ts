/** userNames are unique over the ZITADEL instance, externalIds when the tenant wants it: who has one, and whether it is truly taken. */
import { BridgeError } from '../errors.ts';
import type { Clock, Key, Row, Store, Unique } from './ports.ts';
import { contended } from './hand-over.ts';
import type { Reconcile } from './reconcile.ts';
import { indexOf, isQuiet } from './rows.ts';
import { LOOK_AGAIN, type Settlements } from './settlements.ts';
import { type Timing, within } from './timing.ts';
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
 * Waits until the row that asks for `name` is decided, at most until `deadline`. Gives that row when the name is truly taken, or asked
 * for by a request that is gone; undefined when it is free by now. Throws 503 when it stays undecided.
 */
export type HeldBy = (holder: Key, name: string, deadline: number) => Promise<Row | undefined>;

export function createNames(options: NamesOptions): HeldBy {
  const { tenant, unique, store, view, reconcile, settlements, clock, timing } = options;

  return async function heldBy(holder, name, deadline) {
    const row = await decided(holder, name, deadline);
    if (row === undefined || holder.tenant !== tenant || !isQuiet(row)) return row;
    try {
      // it may have been renamed or deleted in ZITADEL since it was read
      const now = await view.row(holder.id, timing.believed);
      return indexOf(now, unique).reserved.includes(name) ? now : undefined;
    } catch (error) {
      if (error instanceof BridgeError && error.status === 404) return undefined;
      throw error;
    }
  };

  /** The holder once its claim is no longer that of a request that is being answered. */
  async function decided(holder: Key, name: string, deadline: number): Promise<Row | undefined> {
    let tried = false;
    for (;;) {
      const row = await store.read(holder);
      if (row === undefined || !indexOf(row, unique).reserved.includes(name)) return undefined;
      const open = row.changes.filter((change) => !change.answered && !change.orphan);
      if (open.length === 0) return row;
      if (open.some((change) => settlements.awaited(holder, change))) {
        if (clock() >= deadline) throw contended();
        await settlements.next(holder, Math.min(LOOK_AGAIN, deadline - clock()));
      } else if (tried) return row;
      else {
        tried = true;
        // its request is gone: its outcome is wanted now
        await within(reconcile(holder), deadline - clock());
      }
    }
  }
}
