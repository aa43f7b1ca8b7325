/**
 * A create that a client repeats because our answer never reached it gets the group that it made. Names of groups may repeat, so the
 * content of the request is reserved until its answer has left.
 */
import type { Clock, Row, Store, Unique, Wake } from '../ports.ts';
import { groupsOf } from '../shelves.ts';
import { within } from '../timing.ts';
import { updateRow } from '../writes.ts';

export interface Repeats {
  /**
   * Whether the group that an equal request made is to be answered here: nobody was told of it. Waits for a request that is being
   * answered. False: that one was answered, or is still at it at the deadline.
   */
  adopt(id: string, deadline: number): Promise<boolean>;
  /** Notes that the creation of this group is being answered; to be called when that has ended, with true when the answer had left. */
  begin(id: string): (delivered: boolean) => Promise<void>;
}

export interface RepeatsOptions {
  readonly tenant: string;
  /** of the tenant's groups */
  readonly unique: Unique;
  readonly store: Store;
  readonly wake: Wake;
  readonly clock: Clock;
}

export function createRepeats({ tenant, unique, store, wake, clock }: RepeatsOptions): Repeats {
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
      if (row?.createMark?.open !== true) return false;
      if (row.dueAt !== null) wake.at(row.dueAt);
      return true;
    },
    begin(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      answering.set(id, promise);
      return async (delivered) => {
        try {
          // when the store fails the mark stays open: one repeat more is 201, never a twin
          if (delivered) await updateRow(store, unique, { tenant: shelf, id }, closed);
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
  if (row.createMark?.open !== true || row.changes.every(({ answered }) => answered)) return row;
  const changes = row.changes.map(({ orphan: _orphan, ...each }) => ({ ...each, answered: true }));
  return { ...row, changes, dueAt: Math.min(row.dueAt ?? dueAt, dueAt) };
}

const closed = (row: Row): Row =>
  row.createMark?.open === true ? { ...row, createMark: { ...row.createMark, open: false } } : row;
