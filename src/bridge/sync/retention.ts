import type { DeadLetter, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { dropDeadLetters } from '../row/transitions.ts';
import { unlessEmpty } from '../row/views.ts';
import { updateRow } from '../row/update-row.ts';

const AT_ONCE = 100;

/** Removes a tenant's tombstones older than `before`: lists of ZITADEL no longer show those users. */
export async function forgetTombstones(store: Store, tenant: string, unique: Unique, before: number): Promise<void> {
  const isOver = (row: Row): boolean =>
    row.tombstone !== null && row.recheck === null && row.pending.length === 0 && row.deadLetters.length === 0;
  for (;;) {
    const rows = (await store.tombstones(tenant, before, AT_ONCE)).filter(isOver);
    if (rows.length === 0) return;
    for (const row of rows) await updateRow(store, unique, row, (now) => (isOver(now) ? null : now));
  }
}

/** Removes dead letters created before `before`, after DEAD_LETTER_RETENTION. */
export async function forgetDeadLetters(store: Store, tenant: string, unique: Unique, before: number): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await store.withCondition(tenant, 'deadLetter', AT_ONCE, after);
    if (rows.length === 0) return;
    for (const row of rows)
      await updateRow(store, unique, row, (now) => {
        const isOld = ({ deadAt }: DeadLetter): boolean => deadAt < before;
        return now.deadLetters.some(isOld) ? unlessEmpty(dropDeadLetters(now, isOld)) : now;
      });
    after = rows.at(-1)?.id;
  }
}
