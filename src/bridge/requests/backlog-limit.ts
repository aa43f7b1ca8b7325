import type { Clock } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';

/** Other processes may have changed the count: it is read again after this many milliseconds. */
const COUNTED_FOR = 1_000;

interface Room {
  readonly at: number;
  readonly left: number;
  taken: number;
}

/**
 * Whether one more row may have pending changes, given the limit `most`; users and groups are counted separately.
 * Rows are counted again after a second, or when half of the remaining room is used. A process exceeds the limit by at
 * most its concurrent requests.
 */
export function createBacklogLimit(
  store: Pick<Store, 'counts'>,
  most: number,
  clock: Clock,
): (shelf: string) => Promise<boolean> {
  const rooms = new Map<string, Room>();
  const counting = new Map<string, Promise<Room>>();

  async function count(shelf: string): Promise<Room> {
    const at = clock();
    const { pending } = await store.counts(shelf);
    const room = { at, left: most - pending, taken: 0 };
    rooms.set(shelf, room);
    return room;
  }

  /** One count at a time: concurrent callers share its result. */
  function counted(shelf: string): Promise<Room> {
    const running = counting.get(shelf) ?? count(shelf).finally(() => counting.delete(shelf));
    counting.set(shelf, running);
    return running;
  }

  return async (shelf) => {
    const cached = rooms.get(shelf);
    const isGood = cached !== undefined && clock() - cached.at < COUNTED_FOR && cached.taken < cached.left / 2;
    const room = isGood ? cached : await counted(shelf);
    room.taken += 1;
    return room.taken <= room.left;
  };
}
