/** Which rows go from one store to another. */
import { isDeepStrictEqual } from 'node:util';
import type { Due, Row, Store, Trouble } from './ports.ts';
import { emptyRow, isQuiet, keyOf } from './rows.ts';
import { isGroupRow } from './shelves.ts';

const TROUBLES: readonly Trouble[] = ['owed', 'doubt', 'dead', 'held', 'blocked'];
/** Rows read at once. */
const PAGE = 200;

/** More than anybody deletes in two sync intervals. */
const MOST_TOMBSTONES = 1_000_000;

/** ZITADEL does not know it, or would not let it give rights again: who said that somebody is a member stands nowhere else. */
export const isToCarry = (row: Row): boolean =>
  isGroupRow(row) ||
  !isQuiet(row) ||
  row.dead.length > 0 ||
  row.blocked !== null ||
  row.tombstone !== null ||
  row.createMark?.open === true ||
  row.vouched.length > 0;

export async function* toCarry(store: Store, shelf: string): AsyncGenerator<Row, void> {
  for await (const row of allRows(store, shelf)) if (isToCarry(row)) yield row;
}

/** Every row of a shelf, once: the visible ones, those in trouble, those that are due, and the deleted. */
export async function* allRows(store: Store, shelf: string): AsyncGenerator<Row, void> {
  const seen = new Set<string>();
  const isNew = ({ id }: Pick<Row, 'id'>): boolean => !seen.has(id) && seen.add(id) !== undefined;
  for await (const rows of store.scan(shelf)) yield* rows.filter(isNew);
  for (const trouble of TROUBLES) {
    for (let after: string | undefined; ; ) {
      const rows = await store.troubled(shelf, trouble, PAGE, after);
      yield* rows.filter(isNew);
      after = rows.at(-1)?.id;
      if (after === undefined) break;
    }
  }
  for (let after: Due | undefined; ; ) {
    const page = await store.due(shelf, Number.MAX_SAFE_INTEGER, PAGE, after);
    const rows = await Promise.all(page.filter(isNew).map(({ id }) => store.read({ tenant: shelf, id })));
    yield* rows.filter((row) => row !== undefined);
    after = page.at(-1);
    if (after === undefined) break;
  }
  yield* (await store.tombstones(shelf, Number.MAX_SAFE_INTEGER, MOST_TOMBSTONES)).filter(isNew);
}

/** A store may leave out what is as in an empty row. */
export const isSame = (one: Row | undefined, other: Row): boolean =>
  one !== undefined &&
  isDeepStrictEqual({ ...emptyRow(keyOf(one), 0), ...one }, { ...emptyRow(keyOf(other), 0), ...other });
