/** Repeated creates, of users and groups alike: a client that never got the answer asks again, and gets what it made. */
import { adopt as adoptRow, closeReplay, scheduleBy } from '../row/transitions.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import { updateRow, updateSeen } from '../row/update-row.ts';
import { keyOf } from '../row/views.ts';
import { within } from '../timing.ts';
import type { RequestContext } from './context.ts';

/** A create that is being answered. To be called when that has ended, with true when the whole answer has left. */
export type Answering = (delivered: boolean, seen?: Row) => Promise<void>;

export interface Replays {
  /** Notes that the create of this row is being answered. */
  begin(key: Key): Answering;
  /**
   * Takes over the answer to the request that made this row, when it was an equal one and nobody was told of the row. Waits while another
   * equal request is being answered. undefined: it was no equal one, it got its answer, or does not have it at the deadline.
   */
  adopt(made: Row, hash: string, deadline: number): Promise<Answering | undefined>;
}

export function createReplays({ store, scheduler, clock }: RequestContext, unique: Unique): Replays {
  /** by id of the row: when its answer has ended */
  const answering = new Map<string, Promise<void>>();

  function begin(key: Key): Answering {
    const { promise, resolve } = Promise.withResolvers<void>();
    answering.set(key.id, promise);
    return async (delivered, seen) => {
      try {
        // when the store fails the key stays open: one repeat more is 201, never a twin
        if (delivered)
          await updateSeen(store, unique, seen ?? (await store.read(key)), closeReplay, { durable: false });
      } catch {
        // see above
      } finally {
        if (answering.get(key.id) === promise) answering.delete(key.id);
        resolve();
      }
    };
  }

  async function adopt(made: Row, hash: string, deadline: number): Promise<Answering | undefined> {
    if (made.replay?.hash !== hash) return undefined;
    const key = keyOf(made);
    for (let other = answering.get(key.id); other !== undefined; other = answering.get(key.id)) {
      const ended = await within(
        other.then(() => true),
        deadline - clock(),
      );
      if (ended === undefined) return undefined;
    }
    const end = begin(key);
    try {
      // the request that asked for it is gone without an answer: this one gets it
      const row = await updateRow(store, unique, key, (now) => promised(now, hash, clock()), true);
      if (isOpen(row, hash)) {
        if (row.dueAt !== null) scheduler.at(row.dueAt);
        return end;
      }
    } catch (error) {
      await end(false);
      throw error;
    }
    await end(false);
    return undefined;
  }

  return { begin, adopt };
}

const isOpen = (row: Row | null | undefined, hash: string): row is Row =>
  row?.replay?.open === true && row.replay.hash === hash;

/** A create that nobody was told of, as acknowledged; all that is left of it. */
function promised(row: Row, hash: string, dueAt: number): Row {
  const adopted = isOpen(row, hash) ? adoptRow(row) : row;
  return adopted === row ? row : scheduleBy(adopted, dueAt);
}
