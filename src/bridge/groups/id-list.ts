/** Ids of groups that something is to be done with: a state of the store, written by one at a time, over all processes. */
import type { Lock } from '../delivery/exclusive.ts';
import type { Store } from '../ports/store.ts';

export interface IdList {
  all(): Promise<readonly string[]>;
  /** Puts an id at the end. */
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
