/** Lists of users and groups: candidates from an index or all rows, filtered, sorted and paged. */
import type { Resource } from '../../mapping/attribute-path.ts';
import { type FilterNode, indexable } from '../../mapping/filter.ts';
import type { ResourceSchema } from '../../mapping/schema.ts';
import type { Store } from '../ports/store.ts';
import type { Row } from '../row/types.ts';
import type { ScanLine } from './scan-queue.ts';
import { pageOf, select, type Selection } from './selection.ts';
import type { Listed, ListQuery } from './use-cases.ts';

/** How rows of one kind are found and shown. */
export interface RowList<Shown, Path extends string> {
  readonly shelf: string;
  readonly schema: ResourceSchema;
  /** paths with an index */
  readonly indexes: readonly Path[];
  /** whether finding rows by this path scans all of them */
  isScan(path: Path): boolean;
  find(path: Path, value: string): Promise<readonly Row[]>;
  /** the filter in normalised form */
  filterOf(filter: FilterNode): FilterNode;
  /** the resource for filters and sorting; undefined: not shown */
  document(row: Row, query: ListQuery): Resource | undefined | Promise<Resource | undefined>;
  show(row: Row, query: ListQuery): Shown | undefined | Promise<Shown | undefined>;
}

/** Scans of one tenant run one at a time. Throws BridgeError 400 for a filter or order outside the schema, 429. */
export async function listRows<Shown, Path extends string>(
  { store, scans }: { readonly store: Store; readonly scans: ScanLine },
  list: RowList<Shown, Path>,
  query: ListQuery,
): Promise<Listed<Shown>> {
  const { sortBy, sortOrder, startIndex, count } = query;
  const { shelf, schema } = list;
  const from = startIndex - 1;
  if (query.filter === undefined && sortBy === undefined)
    return shownOf(list, query, await pageOf(store, shelf, from, count));
  const filter = query.filter && list.filterOf(query.filter);
  const hint = filter && indexable(filter, schema, list.indexes);
  const candidates = hint === undefined ? store.scan(shelf) : found(() => list.find(hint.path, hint.value));
  const document = (row: Row) => list.document(row, query);
  const search = (): Promise<Selection> =>
    select({ store, shelf, schema, candidates, filter, document, sortBy, sortOrder, from, count });
  const isScan = hint === undefined || list.isScan(hint.path);
  return shownOf(list, query, await (isScan ? scans.run(search) : search()));
}

async function* found(find: () => Promise<readonly Row[]>): AsyncGenerator<readonly Row[], void> {
  yield await find();
}

function shownOf<Shown, Path extends string>(
  list: RowList<Shown, Path>,
  query: ListQuery,
  { total, rows }: Selection,
): Listed<Shown> {
  return { total, resources: resources() };

  async function* resources(): AsyncGenerator<Shown, void> {
    for await (const row of rows) {
      const shown = await list.show(row, query);
      if (shown !== undefined) yield shown;
    }
  }
}
