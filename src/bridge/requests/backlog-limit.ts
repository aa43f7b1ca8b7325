import type { Clock } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';

/** Others may have changed the count: it is read again after this many milliseconds. */
const COUNTED_FOR = 1_000;

interface Room {
  readonly at: number;
  readonly left: number;
  taken: number;
}

/**
 * Whether one row more of a shelf may owe something, of `most`: users and groups are counted apart. They are counted anew after a
 * second, or when half of the room is taken. So a process does not exceed it by more than it has under way, several by that of each.
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

  /** One count at a time: those who come together share what it finds. */
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
