import type { Counts, IndexName, MemberSet } from '../../bridge/ports/store.ts';
import type { Key, Row } from '../../bridge/row/types.ts';
import { NO_COUNTS } from '../conditions.ts';

/** What the next write of a row needs to know about the previous one. */
export interface Slot {
  /** 0: no row */
  readonly version: number;
  /** what it adds to the counts of its tenant */
  readonly counts: Counts;
  /** JSON [address, ...], lower case */
  readonly emails: string;
  /** JSON [instance, name, ...], or [] */
  readonly names: string;
  /** JSON [display, group, ...], or []: none, or it is hidden */
  readonly members: string;
}

export const NO_ROW: Slot = { version: 0, counts: NO_COUNTS, emails: '[]', names: '[]', members: '[]' };

/** One accepted write. */
export interface Entry {
  readonly key: Key;
  readonly row: Row | null;
  readonly slot: Slot;
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly emails: readonly string[];
  readonly instance: string;
  readonly reserved: readonly string[];
}

export interface Pending {
  get(key: Key): Entry | undefined;
  /** The newest write of a row: pending, or one of the last that became durable. */
  newest(key: Key): Entry | undefined;
  /** `size` in characters, approximately. */
  put(entry: Entry, batch: number, size: number): void;
  /** Pending writes of a tenant. */
  of(tenant: string): Entry[];
  /** Visible rows by an index, in no order. */
  matching(tenant: string, index: IndexName, value: string): Row[];
  /** The row that has a name through a pending write. */
  holder(instance: string, name: string): Key | undefined;
  /** JSON; null: deleted; undefined: not pending. */
  state(name: string): string | null | undefined;
  putState(name: string, value: string | null, batch: number): void;
  memberSet(tenant: string, group: string): MemberSet | undefined;
  putMemberSet(tenant: string, group: string, set: MemberSet, batch: number): void;
  /** The batch is in the database now. */
  committed(batch: number): void;
  /** Nothing that is pending will be written. */
  drop(): void;
}

/** One text for two texts, different for every pair. */
export const pairText = (first: string, second: string): string => `${first.length}:${first}${second}`;

/** Rows remembered after they became durable: this many, and this many characters of them. */
const REMEMBERED = 200;
const REMEMBERED_SIZE = 2_000_000;

export function createPending(): Pending {
  const entries = new Map<string, Entry>();
  /** oldest first; always as in the database */
  const durable = new Map<string, { readonly entry: Entry; readonly size: number }>();
  let durableSize = 0;
  const names = new Map<string, Entry>();
  const states = new Map<string, { readonly value: string | null }>();
  const sets = new Map<string, MemberSet>();
  /** what to remove when a batch is durable */
  const batches = new Map<number, (() => void)[]>();

  function whenCommitted(batch: number, forget: () => void): void {
    const list = batches.get(batch);
    if (list === undefined) batches.set(batch, [forget]);
    else list.push(forget);
  }

  function forgetNames(entry: Entry): void {
    for (const name of entry.reserved) {
      const place = pairText(entry.instance, name);
      if (names.get(place) === entry) names.delete(place);
    }
  }

  function forget(place: string): void {
    durableSize -= durable.get(place)?.size ?? 0;
    durable.delete(place);
  }

  function remember(place: string, entry: Entry, size: number): void {
    forget(place);
    if (size > REMEMBERED_SIZE) return;
    durable.set(place, { entry, size });
    durableSize += size;
    for (const oldest of durable.keys()) {
      if (durable.size <= REMEMBERED && durableSize <= REMEMBERED_SIZE) return;
      forget(oldest);
    }
  }

  return {
    get: ({ tenant, id }) => entries.get(pairText(tenant, id)),
    newest({ tenant, id }) {
      const place = pairText(tenant, id);
      return entries.get(place) ?? durable.get(place)?.entry;
    },
    put(entry, batch, size) {
      const place = pairText(entry.key.tenant, entry.key.id);
      const before = entries.get(place);
      if (before !== undefined) forgetNames(before);
      entries.set(place, entry);
      for (const name of entry.reserved) names.set(pairText(entry.instance, name), entry);
      whenCommitted(batch, () => {
        if (entries.get(place) !== entry) return;
        entries.delete(place);
        forgetNames(entry);
        remember(place, entry, size);
      });
    },
    of: (tenant) => [...entries.values()].filter(({ key }) => key.tenant === tenant),
    matching(tenant, index, value) {
      const rows: Row[] = [];
      for (const entry of entries.values()) {
        if (entry.row === null || entry.slot.counts.rows === 0 || entry.key.tenant !== tenant) continue;
        if (index === 'email' ? entry.emails.includes(value) : entry[index] === value) rows.push(entry.row);
      }
      return rows;
    },
    holder: (instance, name) => names.get(pairText(instance, name))?.key,
    state: (name) => states.get(name)?.value,
    putState(name, value, batch) {
      const entry = { value };
      states.set(name, entry);
      whenCommitted(batch, () => {
        if (states.get(name) === entry) states.delete(name);
      });
    },
    memberSet: (tenant, group) => sets.get(pairText(tenant, group)),
    putMemberSet(tenant, group, set, batch) {
      const place = pairText(tenant, group);
      sets.set(place, set);
      whenCommitted(batch, () => {
        if (sets.get(place) === set) sets.delete(place);
      });
    },
    committed(batch) {
      for (const forget of batches.get(batch) ?? []) forget();
      batches.delete(batch);
    },
    drop() {
      for (const map of [entries, durable, names, states, sets, batches]) map.clear();
      durableSize = 0;
    },
  };
}
