/** Recovery of a tenant's rows from an earlier process: resumed at the start, or put on hold after a long downtime. */
import { horizonOf } from '../row/recheck.ts';
import { abandon, bringForward, hold } from '../row/transitions.ts';
import type { Change, Recheck, Row, Unique } from '../row/types.ts';
import type { Due, Store } from '../ports/store.ts';
import { LONGEST_PAUSE } from '../row/next-attempt.ts';
import type { Timing } from '../timing.ts';
import { updateRow } from '../row/update-row.ts';

/** Rows of one kind: their key, and their unique values. */
export interface Shelf {
  readonly name: string;
  readonly unique: Unique;
}

/** Number of rows read at once. */
const AT_ONCE = 100;

/** Changes in flight when a process died may have been acknowledged: the response is sent before that is recorded. */
export async function recoverInFlight(store: Store, { name, unique }: Shelf, timing: Timing): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await store.withCondition(name, 'inDoubt', AT_ONCE, after);
    if (rows.length === 0) return;
    await Promise.all(rows.filter(({ calling }) => calling !== null).map(adopt));
    after = rows.at(-1)?.id;
  }

  /** A row that another live process is working on is skipped. */
  async function adopt(row: Row): Promise<void> {
    const lease = await store.lease(row, timing.leaseMs);
    if (lease === undefined) return;
    await updateRow(store, unique, row, abandon, true);
    await store.release(lease);
  }
}

/** Users with calls in flight from an earlier process, after which they may no longer act as owner. */
export async function* leftLeaving(store: Store, tenant: string): AsyncIterable<Row> {
  for (let after: string | undefined; ; ) {
    const rows = await store.withCondition(tenant, 'inDoubt', AT_ONCE, after);
    if (rows.length === 0) return;
    yield* rows.filter(({ pending: changes, recheck: confirm }) => changes.some(locksOut) || mayLock(confirm));
    after = rows.at(-1)?.id;
  }
}

const locksOut = ({ kind, facts, rights }: Change): boolean =>
  kind === 'delete' || facts['state'] === 'inactive' || rights === true;

const mayLock = (confirm: Recheck | null): boolean =>
  confirm !== null && ('state' in confirm.facts || confirm.rights === true);

/** The clock was set back: due times beyond any possible delay become due now; waits for late calls are shortened. */
export async function bringNear(
  store: Store,
  { name: tenant, unique }: Shelf,
  timing: Timing,
  now: number,
): Promise<void> {
  const longest = Math.max(
    LONGEST_PAUSE,
    timing.backoffMaxMs,
    timing.syncIntervalMs,
    timing.leaseMs,
    horizonOf(0, timing),
  );
  let after: Due = { dueAt: now + longest, id: '' };
  for (;;) {
    const page = await store.due(tenant, Number.MAX_SAFE_INTEGER, AT_ONCE, after);
    await Promise.all(page.map(({ id }) => updateRow(store, unique, { tenant, id }, near)));
    const last = page.at(-1);
    if (last === undefined) return;
    after = last;
  }

  function near(row: Row): Row {
    return row.dueAt === null || row.dueAt <= now + longest ? row : bringForward(row, now, horizonOf(now, timing));
  }
}

/** Puts pending changes on hold. Returns the number of rows. */
export async function putAllOnHold(store: Store, { name: tenant, unique }: Shelf): Promise<number> {
  let held = 0;
  let after: Due | undefined;
  for (;;) {
    const page = await store.due(tenant, Number.MAX_SAFE_INTEGER, AT_ONCE, after);
    after = page.at(-1);
    if (after === undefined) return held;
    await Promise.all(page.map(({ id }) => updateRow(store, unique, { tenant, id }, holdBack, true)));
  }

  function holdBack(row: Row): Row {
    held += row.pending.length > 0 ? 1 : 0;
    return hold(row);
  }
}
