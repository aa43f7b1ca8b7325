/** How much more may be owed: a backlog that grows without end would end as a full disk. */
import type { Clock, Store } from './ports.ts';

/** Others may have changed the count: it is asked for again after so long, ms. */
const COUNTED_FOR = 1_000;

/**
 * Whether one row more of the tenant may owe something, of `most`. The rows are counted anew after a second, or when half of the room
 * that was there may have been taken.
 */
export function createRoom(
  store: Pick<Store, 'counts'>,
  most: number,
  clock: Clock,
): (tenant: string) => Promise<boolean> {
  const rooms = new Map<string, { readonly at: number; readonly left: number; taken: number }>();

  return async (tenant) => {
    const found = rooms.get(tenant);
    if (found !== undefined && clock() - found.at < COUNTED_FOR && ++found.taken <= found.left / 2) return true;
    const at = clock();
    const { owed } = await store.counts(tenant);
    rooms.set(tenant, { at, left: most - owed, taken: 1 });
    return owed < most;
  };
}
