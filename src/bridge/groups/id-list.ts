/** Ids of groups that need work: a value in the store, with one writer at a time across all processes. */
import type { Lock } from '../delivery/exclusive.ts';
import type { Store } from '../ports/store.ts';

export interface IdList {
  all(): Promise<readonly string[]>;
  /** Appends an id. */
  add(id: string): Promise<void>;
  drop(id: string): Promise<void>;
}

export function createIdList(store: Store, lock: Lock, name: string): IdList {
  const all = async (): Promise<readonly string[]> => ((await store.getState(name)) as string[] | undefined) ?? [];
  const change = (make: (others: readonly string[]) => readonly string[], id: string): Promise<void> =>
    lock.take(name, async () => store.setState(name, make((await all()).filter((each) => each !== id))));
  return {
    all,
    add: (id) => change((others) => [...others, id], id),
    drop: (id) => change((others) => others, id),
  };
}
