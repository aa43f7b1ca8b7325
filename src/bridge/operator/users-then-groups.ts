/** Operators name a row by its id alone: users are searched first, then groups. */
import { BridgeError } from '../../errors.ts';
import type { QueueActions } from './queue-actions.ts';
import type { Store } from '../ports/store.ts';

/** @param shelf the key of the group rows */
export function usersThenGroups(store: Store, shelf: string, users: QueueActions, groups: QueueActions): QueueActions {
  async function either<T>(work: (of: QueueActions) => Promise<T>): Promise<T> {
    try {
      return await work(users);
    } catch (error) {
      if (!(error instanceof BridgeError) || error.status !== 404) throw error;
      return work(groups).catch((other: unknown) => {
        throw other instanceof BridgeError && other.status === 404 ? error : other;
      });
    }
  }

  return {
    async list(condition, limit, after) {
      const isGroup = after !== undefined && (await store.read({ tenant: shelf, id: after })) !== undefined;
      const first = isGroup ? [] : await users.list(condition, limit, after);
      if (first.length === limit) return first;
      return [...first, ...(await groups.list(condition, limit - first.length, isGroup ? after : undefined))];
    },
    show: (id) => either((of) => of.show(id)),
    retry: (id) => either((of) => of.retry(id)),
    drop: (id) => either((of) => of.drop(id)),
    release: (id) => either((of) => of.release(id)),
  };
}
