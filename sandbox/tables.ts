import type { Store } from './store.ts';

/** Entities of one kind by id, and how lists see them: as they were a moment ago. */
export interface Table<V> {
  get(id: string): V | undefined;
  has(id: string): boolean;
  set(id: string, value: V): void;
  delete(id: string): void;
  values(): IterableIterator<V>;
  readonly size: number;
  /** What a list answers now. */
  seen(): ReadonlyMap<string, V>;
  /** Lists see everything at once, as after a bulk fill. */
  settle(): void;
}

/** Rows by owner and key (metadata), always up to date. */
export interface Rows<V> {
  of(owner: string): ReadonlyMap<string, V>;
  put(owner: string, key: string, value: V): void;
  remove(owner: string, key: string): void;
  removeAll(owner: string): void;
}

interface Change<V> {
  readonly at: number;
  readonly id: string;
  readonly value: V | undefined;
}

/**
 * A table kept in the store under its kind.
 * lag: milliseconds until lists see a write; null: at once. Like a projection, changes become seen in their order.
 */
export function createTable<V>(
  kind: string,
  store: Store,
  lag: (() => number) | null = null,
  now: () => number = Date.now,
): Table<V> {
  const current = new Map<string, V>();
  for (const { id, value } of store.load(kind)) current.set(id, value as V);
  const seen = lag ? new Map(current) : current;
  let queue: Change<V>[] = [];
  let head = 0;
  let lastAt = 0;

  function catchUp(until: number): void {
    for (let change = queue[head]; change && change.at <= until; change = queue[head]) {
      if (change.value === undefined) seen.delete(change.id);
      else seen.set(change.id, change.value);
      head += 1;
    }
    if (head > 1000 && head * 2 > queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
  }

  function follow(id: string, value: V | undefined): void {
    if (!lag) return;
    const time = now();
    catchUp(time);
    lastAt = Math.max(lastAt, time + lag());
    queue.push({ at: lastAt, id, value });
  }

  return {
    get: (id) => current.get(id),
    has: (id) => current.has(id),
    set(id, value) {
      current.set(id, value);
      store.put(kind, id, value);
      follow(id, value);
    },
    delete(id) {
      if (!current.delete(id)) return;
      store.remove(kind, id);
      follow(id, undefined);
    },
    values: () => current.values(),
    get size() {
      return current.size;
    },
    seen() {
      if (lag) catchUp(now());
      return seen;
    },
    settle: () => catchUp(Number.POSITIVE_INFINITY),
  };
}

const NO_ROWS: ReadonlyMap<string, never> = new Map<string, never>();

/** Rows kept in the store under their kind, one entry per row. */
export function createRows<V>(kind: string, store: Store): Rows<V> {
  const owners = new Map<string, Map<string, V>>();
  const idOf = (owner: string, key: string): string => JSON.stringify([owner, key]);

  function keep(owner: string, key: string, value: V): void {
    const rows = owners.get(owner);
    if (rows) rows.set(key, value);
    else owners.set(owner, new Map([[key, value]]));
  }

  for (const { id, value } of store.load(kind)) {
    const [owner, key] = JSON.parse(id) as [string, string];
    keep(owner, key, value as V);
  }
  return {
    of: (owner) => owners.get(owner) ?? NO_ROWS,
    put(owner, key, value) {
      keep(owner, key, value);
      store.put(kind, idOf(owner, key), value);
    },
    remove(owner, key) {
      if (owners.get(owner)?.delete(key)) store.remove(kind, idOf(owner, key));
    },
    removeAll(owner) {
      for (const key of owners.get(owner)?.keys() ?? []) store.remove(kind, idOf(owner, key));
      owners.delete(owner);
    },
  };
}
