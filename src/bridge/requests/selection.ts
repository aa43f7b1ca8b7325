/**
 * The page of a list: which rows match, in which order, and the rows of the page one by one. Only ids (and sort keys)
 * are kept in memory: rows may be large, and there may be many.
 */
import type { Resource } from '../../mapping/attribute-path.ts';
import type { Key as SortKey } from '../../mapping/comparison.ts';
import { compileSliced, type FilterNode } from '../../mapping/filter.ts';
import type { ResourceSchema } from '../../mapping/schema.ts';
import { sortInSlices, sortKey } from '../../mapping/sort.ts';
import { nextSlice, sliceIsOver } from '../../mapping/slices.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';

export interface Selection {
  readonly total: number;
  /** in order; each is read on demand */
  readonly rows: AsyncIterable<Row>;
}

export interface SelectionOptions {
  readonly store: Pick<Store, 'read'>;
  readonly shelf: string;
  readonly schema: ResourceSchema;
  readonly candidates: AsyncIterable<readonly Row[]>;
  readonly filter: FilterNode | undefined;
  /** the resource for filters and sorting; undefined: not shown */
  readonly document: (row: Row) => Resource | undefined | Promise<Resource | undefined>;
  readonly sortBy: string | undefined;
  readonly sortOrder: string | undefined;
  /** 0-based */
  readonly from: number;
  readonly count: number;
}

interface Hit {
  readonly id: string;
  readonly key: SortKey | undefined;
  /** kept for the page while all kept rows are small */
  readonly row: Row | undefined;
}

/** Longer texts are sorted by their first characters, up to this number. */
const SORT_KEY_MAX = 1_000;
/** Approximate number of characters of a page's rows kept in memory; the other rows are read again. */
const KEPT_MAX = 500_000;
/** Number of rows read again in parallel. */
const READ_AT_ONCE = 8;

/** Walks over all candidates in slices. Throws 400 for a filter or an order outside the schema. */
export async function select(options: SelectionOptions): Promise<Selection> {
  const { schema, document, filter, sortBy, sortOrder, from, count } = options;
  const matches = filter === undefined ? () => true : compileSliced(filter, schema);
  const keyIn = sortBy === undefined ? undefined : sortKey(schema, sortBy);
  const hits: Hit[] = [];
  let total = 0;
  let kept = 0;
  for await (const rows of options.candidates) {
    for (const row of rows) {
      if (sliceIsOver()) await nextSlice();
      const resource = await document(row);
      if (resource === undefined || !(await matches(resource))) continue;
      total += 1;
      if (keyIn !== undefined) hits.push({ id: row.id, key: shortened(keyIn(resource)), row: undefined });
      else if (total > from && total <= from + count) {
        const size = sizeOf(row);
        const isKept = kept + size <= KEPT_MAX;
        kept += isKept ? size : 0;
        hits.push({ id: row.id, key: undefined, row: isKept ? row : undefined });
      }
    }
  }
  const page = keyIn === undefined ? hits : (await sortInSlices(hits, sortOrder)).slice(from, from + count);
  return { total, rows: rowsOf(page, options) };
}

/** The rows of a page. A row deleted since is left out. */
async function* rowsOf(hits: readonly Hit[], { store, shelf }: SelectionOptions): AsyncGenerator<Row, void> {
  for (let at = 0; at < hits.length; at += READ_AT_ONCE) {
    const part = hits.slice(at, at + READ_AT_ONCE);
    const rows = await Promise.all(part.map(async ({ id, row }) => row ?? store.read({ tenant: shelf, id })));
    for (const row of rows) if (row !== undefined) yield row;
  }
}

/** At most `count` visible rows from a position on: the store returns large rows in several parts. */
export async function pageOf(
  store: Pick<Store, 'page' | 'scan'>,
  shelf: string,
  from: number,
  count: number,
): Promise<Selection> {
  const { rows, total } = await store.page(shelf, from, count);
  return { total, rows: rest() };

  async function* rest(): AsyncGenerator<Row, void> {
    yield* rows;
    const last = rows.at(-1);
    let left = Math.min(count, total - from) - rows.length;
    if (last === undefined || left <= 0) return;
    for await (const more of store.scan(shelf, last)) {
      for (const row of more) {
        yield row;
        left -= 1;
        if (left === 0) return;
      }
    }
  }
}

const shortened = (key: SortKey | undefined): SortKey | undefined =>
  typeof key === 'string' && key.length > SORT_KEY_MAX ? key.slice(0, SORT_KEY_MAX) : key;

/** The approximate size of a row in characters: its facts dominate. */
function sizeOf({ confirmed, pending: changes, deadLetters: dead }: Row): number {
  let size = 200;
  for (const facts of [confirmed ?? {}, ...changes.map((each) => each.facts), ...dead.map((each) => each.facts)])
    for (const value of Object.values(facts)) size += 20 + (typeof value === 'string' ? value.length : 0);
  return size;
}
