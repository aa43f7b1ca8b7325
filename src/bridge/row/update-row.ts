import type { Index, Key, Row, Unique } from './types.ts';
import type { Store, Write, WriteOptions, WriteResult } from '../ports/store.ts';
import { stillGiven, stillVouched } from '../delivery/rights.ts';
import { atVersion } from './transitions.ts';
import { emptyRow, heldName, indexOf, isExternalId, isMark, keyOf } from './views.ts';

/** Computes the new row from the newest one: a row to write, the same row for no change, null to delete it. */
export type Make = (row: Row) => Row | null;

/** Returns the resulting row: null if it was deleted, undefined if there is none. */
export async function updateRow(
  store: Store,
  unique: Unique,
  key: Key,
  make: Make,
  durable = false,
): Promise<Row | null | undefined> {
  return updateSeen(store, unique, await store.read(key), make, { durable });
}

/** Like updateRow for a row read just now: read again only if written since. Throws LeaseLost with `options.under`. */
export async function updateSeen(
  store: Store,
  unique: Unique,
  seen: Row | undefined,
  make: Make,
  options: WriteOptions,
): Promise<Row | null | undefined> {
  for (let row = seen; row !== undefined; row = await store.read(row)) {
    const next = make(row);
    if (next === row) return row;
    const written = next === null ? null : atVersion(stillGiven(stillVouched(next)), row.version + 1);
    if (await writeKnown(store, row, written, indexOf(written ?? row, unique), options)) return written;
  }
  return undefined;
}

/** The lease was lost: if a call was marked, the next holder finds the row in doubt. */
export class LeaseLost extends Error {}

/** Writes a row for a user found in ZITADEL that has none yet; a row created meanwhile stays. */
export async function insertRow(
  store: Store,
  unique: Unique,
  key: Key,
  now: number,
  make: (row: Row) => Row,
): Promise<Row | undefined> {
  const row = atVersion(make(emptyRow(key, now)), 1);
  const index = indexOf(row, unique);
  const written = await writeKnown(store, emptyRow(key, now), row, index, { durable: false });
  return written ? row : store.read(key);
}

/**
 * Facts read from ZITADEL are true even if another row already asks for the name: then it is only noted as taken.
 * False: the row was written meanwhile.
 */
async function writeKnown(
  store: Store,
  from: Row,
  row: Row | null,
  index: Index,
  options: WriteOptions,
): Promise<boolean> {
  for (let reserved = index.reservations; ; ) {
    const write = { key: keyOf(from), expect: from.version, row, index: { ...index, reservations: reserved } };
    const result = await writeAsked(store, write, options);
    if (result.kind === 'leased') throw new LeaseLost();
    if (result.kind !== 'name') return result.kind === 'ok';
    const { name } = result;
    const rest = reserved.filter((each) => each !== name);
    reserved = isExternalId(name) ? rest : [...rest, heldName(name)];
  }
}

/** Writes a row; reservations that another row already has are left to that row. */
export async function writeAsked(store: Store, write: Write, options: WriteOptions): Promise<WriteResult> {
  for (let { reservations: reserved } = write.index; ; ) {
    const result = await store.write({ ...write, index: { ...write.index, reservations: reserved } }, options);
    if (result.kind !== 'name' || !isMark(result.name)) return result;
    reserved = reserved.filter((name) => name !== result.name);
  }
}
