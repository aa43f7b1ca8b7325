/** Unique userNames (per ZITADEL instance) and externalIds (if the tenant requires it): which row has one. */
import { BridgeError } from '../../errors.ts';
import type { Key, Row } from '../row/types.ts';
import { contended } from './submit.ts';
import { indexOf, isIdle } from '../row/views.ts';
import { LOOK_AGAIN } from '../delivery/waiters.ts';
import { within } from '../timing.ts';
import { readUser, type UserView } from './read-users.ts';

/**
 * Waits until the row that asks for `name` is decided, at most until `deadline`. Returns that row if the name is
 * taken, or asked for by an abandoned change; undefined if it is free by now. Throws 503 if it stays undecided.
 */
export async function holderOf(view: UserView, holder: Key, name: string, deadline: number): Promise<Row | undefined> {
  const { tenant, timing } = view.requests;
  const row = await decided(view, holder, name, deadline);
  if (row === undefined || holder.tenant !== tenant || !isIdle(row)) return row;
  try {
    // it may have been renamed or deleted in ZITADEL since it was read
    const now = await readUser(view, holder.id, timing.believedMs);
    return indexOf(now, view.unique).reservations.includes(name) ? now : undefined;
  } catch (error) {
    if (error instanceof BridgeError && error.status === 404) return undefined;
    throw error;
  }
}

/** The row that has the name, once no running request decides about it any more. */
async function decided(view: UserView, holder: Key, name: string, deadline: number): Promise<Row | undefined> {
  const { store, waiters, deliver, clock } = view.requests;
  let tried = false;
  for (;;) {
    const row = await store.read(holder);
    if (row === undefined || !indexOf(row, view.unique).reservations.includes(name)) return undefined;
    const open = row.pending.filter((change) => !change.acknowledged && !change.abandoned);
    if (open.length === 0) return row;
    if (open.some((change) => waiters.awaited(holder, change))) {
      if (clock() >= deadline) throw contended();
      await waiters.next(holder, Math.min(LOOK_AGAIN, deadline - clock()));
    } else if (tried) return row;
    else {
      tried = true;
      // its request is gone: the outcome is needed now
      await within(deliver(holder), deadline - clock());
    }
  }
}
