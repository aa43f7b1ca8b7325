/** What is kept for a while and then taken away for good: tombstones and dead letters. */
import type { Row, Store, Unique } from './ports.ts';
import { orNothing } from './rows.ts';
import { updateRow } from './writes.ts';

const AT_ONCE = 100;

/** Takes tombstones of a tenant away that are older than `before`: lists of ZITADEL are long past them. */
export async function forgetTombstones(store: Store, tenant: string, unique: Unique, before: number): Promise<void> {
  const isOver = (row: Row): boolean =>
    row.tombstone !== null && row.confirm === null && row.changes.length === 0 && row.dead.length === 0;
  for (;;) {
    const rows = (await store.tombstones(tenant, before, AT_ONCE)).filter(isOver);
    if (rows.length === 0) return;
    for (const row of rows) await updateRow(store, unique, row, (now) => (isOver(now) ? null : now));
  }
}

/** Takes dead letters away that died before `before`: nobody has asked for them in DEAD_KEEP. */
export async function forgetDead(store: Store, tenant: string, unique: Unique, before: number): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await store.troubled(tenant, 'dead', AT_ONCE, after);
    if (rows.length === 0) return;
    for (const row of rows)
      await updateRow(store, unique, row, (now) => {
        const dead = now.dead.filter(({ died }) => died >= before);
        if (dead.length === now.dead.length) return now;
        return orNothing({ ...now, dead });
      });
    after = rows.at(-1)?.id;
  }
}
