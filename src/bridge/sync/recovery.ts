/** What an earlier process left of a tenant's rows, users and groups: taken over at the start, or held back after a long sleep. */
import { horizonOf } from '../row/recheck.ts';
import { abandon, bringForward, hold } from '../row/transitions.ts';
import type { Change, Recheck, Row, Unique } from '../row/types.ts';
import type { Due, Store } from '../ports/store.ts';
import { LONGEST_PAUSE } from '../row/next-attempt.ts';
import type { Timing } from '../timing.ts';
import { updateRow } from '../row/update-row.ts';

/** Rows of one kind: where they stand, and what must not be had twice among them. */
export interface Shelf {
  readonly name: string;
  readonly unique: Unique;
}

/** Rows read at once. */
const AT_ONCE = 100;

/** What a process was calling when it died may have been answered: an answer leaves before its record is on the disk. */
export async function recoverInFlight(store: Store, { name, unique }: Shelf, timing: Timing): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await store.withCondition(name, 'inDoubt', AT_ONCE, after);
    if (rows.length === 0) return;
    await Promise.all(rows.filter(({ calling }) => calling !== null).map(adopt));
    after = rows.at(-1)?.id;
  }

  /** One that another process is at is not left. */
  async function adopt(row: Row): Promise<void> {
    const lease = await store.lease(row, timing.leaseMs);
    if (lease === undefined) return;
    await updateRow(store, unique, row, abandon, true);
    await store.release(lease);
  }
}

/** Users whose calls an earlier process may have left on their way and after which they can no longer act as owner. */
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

/** The clock was set back since: what is due later than anything is ever put off is due now, and a call has landed soon. */
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

/** Holds back what is owed. The number of rows. */
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
