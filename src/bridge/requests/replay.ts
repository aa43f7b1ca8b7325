/** Repeated creates of users and groups: a client that never got the response retries and gets the same resource. */
import { adopt as adoptRow, closeReplay, scheduleBy } from '../row/transitions.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import { updateRow, updateSeen } from '../row/update-row.ts';
import { keyOf } from '../row/views.ts';
import { within } from '../timing.ts';
import type { RequestContext } from './context.ts';

/** A create whose response is being sent. Call it when that has ended, with true if the whole response was sent. */
export type Answering = (delivered: boolean, seen?: Row) => Promise<void>;

export interface Replays {
  /** Records that the response to this row's create is being sent. */
  begin(key: Key): Answering;
  /**
   * Takes over the response to the request that created this row, if that request was equal and got none. Waits while
   * another equal request is being answered. undefined: not equal, already answered, or not answered by the deadline.
   */
  adopt(made: Row, hash: string, deadline: number): Promise<Answering | undefined>;
}

export function createReplays({ store, scheduler, clock }: RequestContext, unique: Unique): Replays {
  /** by row id: when its response has ended */
  const answering = new Map<string, Promise<void>>();

  function begin(key: Key): Answering {
    const { promise, resolve } = Promise.withResolvers<void>();
    answering.set(key.id, promise);
    return async (delivered, seen) => {
      try {
        // if the store fails, the key stays: one more repeat gets 201, never a duplicate
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
      // the original request ended without a response: this one gets it
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

/** An unacknowledged create, as acknowledged; the rest is dropped. */
function promised(row: Row, hash: string, dueAt: number): Row {
  const adopted = isOpen(row, hash) ? adoptRow(row) : row;
  return adopted === row ? row : scheduleBy(adopted, dueAt);
}
