/** Selects the rows of a migration. */
import { isDeepStrictEqual } from 'node:util';
import { CONDITION_NAMES } from '../../store/conditions.ts';
import type { Due, Store } from '../ports/store.ts';
import type { Row } from '../row/types.ts';
import { emptyRow, isIdle } from '../row/views.ts';
import { isGroupRow } from '../row/kinds.ts';

/** Number of rows read at once. */
const PAGE = 200;

/** More than the deletions expected in two sync intervals. */
const MOST_TOMBSTONES = 1_000_000;

/** The row cannot be read back from ZITADEL, or would lose its trusted memberships, which are stored only here. */
export const isToMigrate = (row: Row): boolean =>
  isGroupRow(row) ||
  !isIdle(row) ||
  row.deadLetters.length > 0 ||
  row.blocked !== null ||
  row.hidden !== null ||
  row.tombstone !== null ||
  row.replay?.open === true ||
  row.trusted.length > 0;

export async function* toCarry(store: Store, shelf: Shelf): AsyncGenerator<Row, void> {
  for await (const row of allRows(store, shelf)) if (isToMigrate(row)) yield row;
}

/** Rows of users, or of groups; `hidden`: ids of rows that are in no list. */
export interface Shelf {
  readonly name: string;
  readonly hidden: readonly string[];
}

/** Every row of a kind, once: visible, in some condition, due, deleted and hidden ones. */
export async function* allRows(store: Store, { name: shelf, hidden }: Shelf): AsyncGenerator<Row, void> {
  const seen = new Set<string>();
  const isNew = ({ id }: Pick<Row, 'id'>): boolean => !seen.has(id) && seen.add(id) !== undefined;
  for await (const rows of store.scan(shelf)) yield* rows.filter(isNew);
  for (const condition of CONDITION_NAMES) {
    for (let after: string | undefined; ; ) {
      const rows = await store.withCondition(shelf, condition, PAGE, after);
      yield* rows.filter(isNew);
      after = rows.at(-1)?.id;
      if (after === undefined) break;
    }
  }
  for (let after: Due | undefined; ; ) {
    const page = await store.due(shelf, Number.MAX_SAFE_INTEGER, PAGE, after);
    yield* await read(page);
    after = page.at(-1);
    if (after === undefined) break;
  }
  yield* (await store.tombstones(shelf, Number.MAX_SAFE_INTEGER, MOST_TOMBSTONES)).filter(isNew);
  yield* await read(hidden.map((id) => ({ id })));

  async function read(ids: readonly Pick<Row, 'id'>[]): Promise<Row[]> {
    const rows = await Promise.all(ids.filter(isNew).map(({ id }) => store.read({ tenant: shelf, id })));
    return rows.filter((row) => row !== undefined);
  }
}

/** A store may omit values equal to those of an empty row. */
export const isSame = (one: Row | undefined, other: Row): boolean =>
  one !== undefined && isDeepStrictEqual(emptyRow(one, 0, one), emptyRow(other, 0, other));
