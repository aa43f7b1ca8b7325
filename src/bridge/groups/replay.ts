import type { Clock } from '../ports/context.ts';
import type { Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import { groupsOf } from '../row/kinds.ts';
import { within } from '../timing.ts';
import { adopt, closeReplay, scheduleBy } from '../row/transitions.ts';
import { updateRow } from '../row/update-row.ts';

export interface Replays {
  /**
   * Whether the group that an equal request made is to be answered here: nobody was told of it. Waits for a request that is being
   * answered. False: that one was answered, or is still at it at the deadline.
   */
  adopt(id: string, deadline: number): Promise<boolean>;
  /** Notes that the creation of this group is being answered; to be called when that has ended, with true when the answer had left. */
  begin(id: string): (delivered: boolean) => Promise<void>;
}

export interface ReplaysOptions {
  readonly tenant: string;
  /** of the tenant's groups */
  readonly unique: Unique;
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

export function createReplays({ tenant, unique, store, scheduler: wake, clock }: ReplaysOptions): Replays {
  const shelf = groupsOf(tenant);
  const answering = new Map<string, Promise<void>>();

  return {
    async adopt(id, deadline) {
      for (let other = answering.get(id); other !== undefined; other = answering.get(id)) {
        const ended = await within(
          other.then(() => true),
          deadline - clock(),
        );
        if (ended === undefined) return false;
      }
      // the request that asked for it is gone without an answer: this one gets it
      const row = await updateRow(store, unique, { tenant: shelf, id }, (now) => promised(now, clock()), true);
      if (row?.replay?.open !== true) return false;
      if (row.dueAt !== null) wake.at(row.dueAt);
      return true;
    },
    begin(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      answering.set(id, promise);
      return async (delivered) => {
        try {
          // when the store fails the mark stays open: one repeat more is 201, never a twin
          if (delivered) await updateRow(store, unique, { tenant: shelf, id }, closeReplay);
        } catch {
          // see above
        } finally {
          if (answering.get(id) === promise) answering.delete(id);
          resolve();
        }
      };
    },
  };
}

function promised(row: Row, dueAt: number): Row {
  const adopted = adopt(row);
  return adopted === row ? row : scheduleBy(adopted, dueAt);
}
