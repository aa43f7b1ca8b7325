import type { Index, Key, Row, Unique } from './types.ts';
import type { Store, Write, WriteOptions, WriteResult } from '../ports/store.ts';
import { stillGiven, stillVouched } from '../delivery/rights.ts';
import { atVersion } from './transitions.ts';
import { emptyRow, heldName, indexOf, isExternalId, isMark, keyOf } from './views.ts';

/** What to make of the newest row: a row to write, the same row to leave it, null to take it away. */
export type Make = (row: Row) => Row | null;

/** Gives the row as it is then: null when it was taken away, undefined when there is none. */
export async function updateRow(
  store: Store,
  unique: Unique,
  key: Key,
  make: Make,
  durable = false,
): Promise<Row | null | undefined> {
  return updateSeen(store, unique, await store.read(key), make, { durable });
}

/** As updateRow of a row that was seen just now: it is read only when somebody wrote it since. Throws LeaseLost with `options.under`. */
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

/** Somebody else has the row by now, or nobody: whoever takes it finds it in doubt when a call was marked. */
export class LeaseLost extends Error {}

/** Writes a row for a user that was found in ZITADEL and has none yet; a row that came meanwhile stays. */
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
 * Facts read from ZITADEL are true even when another row asks for the name already: then it is only marked as held.
 * False: somebody wrote the row meanwhile.
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

/** Writes a row; marks that another row has set already are left to it. */
export async function writeAsked(store: Store, write: Write, options: WriteOptions): Promise<WriteResult> {
  for (let { reservations: reserved } = write.index; ; ) {
    const result = await store.write({ ...write, index: { ...write.index, reservations: reserved } }, options);
    if (result.kind !== 'name' || !isMark(result.name)) return result;
    reserved = reserved.filter((name) => name !== result.name);
  }
}
