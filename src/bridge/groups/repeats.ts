/** A create that a client repeats because our answer never reached it: it gets the group it made. Names of groups may repeat, so nothing else tells. */
import type { Clock, Row, Store } from '../ports.ts';
import { groupsOf } from '../shelves.ts';
import { within } from '../timing.ts';

export interface Repeats {
  /** The id of a group that an earlier request of this content made and that nobody was told of. Waits for one that is being answered. */
  find(displayName: string, hash: string, deadline: number): Promise<string | undefined>;
  /** Notes that the creation of this group is being answered; to be called when that has ended. */
  begin(id: string): () => void;
}

export function createRepeats({
  tenant,
  store,
  clock,
}: {
  readonly tenant: string;
  readonly store: Store;
  readonly clock: Clock;
}): Repeats {
  const answering = new Map<string, Promise<void>>();

  async function open(displayName: string, hash: string): Promise<Row | undefined> {
    const rows = await store.find(groupsOf(tenant), 'userName', displayName);
    return rows.find(({ createMark }) => createMark?.open === true && createMark.hash === hash);
  }

  return {
    async find(displayName, hash, deadline) {
      for (let row = await open(displayName, hash); row !== undefined; row = await open(displayName, hash)) {
        const other = answering.get(row.id);
        if (other === undefined) return row.id;
        const ended = await within(
          other.then(() => true),
          deadline - clock(),
        );
        if (ended === undefined) return undefined;
      }
      return undefined;
    },
    begin(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      answering.set(id, promise);
      return () => {
        if (answering.get(id) === promise) answering.delete(id);
        resolve();
      };
    },
  };
}
