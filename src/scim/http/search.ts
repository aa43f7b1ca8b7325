/** POST /.search (RFC 7644 §3.4.3): users and groups in one list, users first if no order is requested. */
import { BridgeError } from '../../errors.ts';
import type { Listed, ListQuery } from '../../bridge/requests/use-cases.ts';
import { resolvePath } from '../../mapping/attribute-path.ts';
import { GROUP, USER, type ResourceSchema } from '../../mapping/schema.ts';
import type { FilterNode } from '../../mapping/filter.ts';
import { sortInSlices, sortKey } from '../../mapping/sort.ts';
import { nextSlice, sliceIsOver } from '../../mapping/slices.ts';
import type { Json } from './body.ts';
import { GROUPS } from '../groups/groups.ts';
import { listAnswer } from './messages.ts';
import { mapped } from './pages.ts';
import { asked, bodyParameters, listQuery, MAX_COUNT } from './query.ts';
import type { ScimRequest, Serve } from './request.ts';
import { listed, type ResourceType } from './resource.ts';
import { narrowed } from '../filter/search-filter.ts';
import { USERS } from '../users/users.ts';

type Query = Omit<ListQuery, 'members' | 'location'>;

/** One resource type as the search sees it. */
interface Kind {
  readonly name: 'User' | 'Group';
  readonly schema: ResourceSchema;
  /** whole resources */
  list(query: Query): Promise<Listed<Json>>;
  /** what the answer shows of one */
  show(resource: Json): Json;
}

/** A window into one kind's resources, with its own filter; 0-based. */
type Pages = (from: number, count: number) => Promise<Listed<Row>>;

interface Row {
  readonly kind: Kind;
  readonly resource: Json;
}

/** What users and groups are sorted by: all attributes that one of them has. They agree where they share a name. */
const EITHER: ResourceSchema = {
  core: {
    ...USER.core,
    attributes: [
      ...new Map([...GROUP.core.attributes, ...USER.core.attributes].map((each) => [each.name, each])).values(),
    ],
  },
  extensions: USER.extensions,
};

export const searchAll: Serve = async (request) => {
  const parameters = bodyParameters(await request.body());
  const query = listQuery(parameters);
  const wanted = asked(parameters);
  const kinds = [kindOf(USERS, request, wanted), kindOf(GROUPS, request, wanted)];
  const all = kinds.flatMap((kind) => pagesOf(kind, kinds, query));
  const from = query.startIndex - 1;
  const { total, rows } =
    query.sortBy === undefined
      ? await oneAfterTheOther(all, from, query.count)
      : await merged(all, from, query.count, { sortBy: bare(query.sortBy), sortOrder: query.sortOrder });
  return listAnswer(
    total,
    query.startIndex,
    mapped(rows, ({ kind, resource }) => kind.show(resource)),
  );
};

function kindOf<Resource, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  request: ScimRequest,
  wanted: ReturnType<typeof asked>,
): Kind {
  const [projection, whole] = [type.projection(wanted), type.projection({})];
  return {
    name: type.name,
    schema: type.schema,
    async list(query) {
      const { total, resources } = await listed(type, request, { ...query, members: projection.wants('members') });
      return { total, resources: mapped(resources, (each) => type.render(each, request.base, whole)) };
    },
    show: (resource) => projection.apply(resource),
  };
}

/** None for a kind that the filter leaves out altogether. What only other kinds have is not sorted by: its resources are equal there. */
function pagesOf(kind: Kind, kinds: readonly Kind[], { filter, sortBy, sortOrder }: Query): readonly Pages[] {
  const own: FilterNode | boolean = filter === undefined || narrowed(filter, kind, kinds);
  if (own === false) return [];
  const sorts = sortBy !== undefined && resolvePath(sortBy, kind.schema) !== undefined;
  return [
    async (from, count) => {
      const { total, resources } = await kind.list({
        ...(own !== true && { filter: own }),
        ...(sorts && { sortBy, ...(sortOrder && { sortOrder }) }),
        startIndex: from + 1,
        count,
      });
      return { total, resources: mapped(resources, (resource) => ({ kind, resource })) };
    },
  ];
}

interface Found {
  readonly total: number;
  readonly rows: AsyncIterable<Row>;
}

/** How many resources a page holds that begins at `from` and may hold `count`. */
const heldBy = (total: number, from: number, count: number): number => Math.max(0, Math.min(count, total - from));

async function oneAfterTheOther(all: readonly Pages[], from: number, count: number): Promise<Found> {
  const parts: Listed<Row>['resources'][] = [];
  let [total, left] = [0, count];
  for (const pages of all) {
    const start = Math.max(0, from - total);
    const page = await pages(start, left);
    parts.push(page.resources);
    left -= heldBy(page.total, start, left);
    total += page.total;
  }
  return { total, rows: joined(parts) };
}

async function* joined<T>(parts: readonly (AsyncIterable<T> | Iterable<T>)[]): AsyncGenerator<T, void> {
  for (const part of parts) yield* part;
}

/** How far a list in one order over all kinds reaches: each page needs all that stand before it. */
const MAX_SORTED = 10_000;

/** The first ones of each, up to the end of the requested page, in one order. Resources are read twice, never kept. */
async function merged(
  all: readonly Pages[],
  from: number,
  count: number,
  { sortBy, sortOrder }: { readonly sortBy: string; readonly sortOrder: Query['sortOrder'] },
): Promise<Found> {
  const key = sortKey(EITHER, sortBy);
  const keys: { readonly pages: Pages; readonly at: number; readonly key: ReturnType<typeof key> }[] = [];
  let total = 0;
  for (const pages of all) {
    let at = 0;
    for (let more = true; more; ) {
      const page = await pages(at, Math.min(MAX_COUNT, from + count - at));
      const end = Math.min(page.total, from + count);
      if (end > MAX_SORTED) throw tooDeep();
      const start = at;
      for await (const { resource } of page.resources) {
        keys.push({ pages, at, key: key(resource) });
        at += 1;
        if (sliceIsOver()) await nextSlice();
      }
      more = at > start && at < end;
      if (!more) total += page.total;
    }
  }
  const sorted = await sortInSlices(keys, sortOrder);
  return { total, rows: inOrder(sorted.slice(from, from + count)) };
}

/** What a page has of one kind stands side by side in the order of that kind. */
async function* inOrder(places: readonly { readonly pages: Pages; readonly at: number }[]): AsyncGenerator<Row, void> {
  const parts = new Map<Pages, AsyncIterator<Row, void>>();
  for (const [pages, own] of Map.groupBy(places, (each) => each.pages)) {
    const { resources } = await pages(own[0]?.at ?? 0, own.length);
    parts.set(pages, joined([resources]));
  }
  for (const { pages } of places) {
    const next = await parts.get(pages)?.next();
    if (next?.done === false) yield next.value;
  }
}

/** A core attribute without the URN of its schema: it is sorted by wherever it is. */
function bare(sortBy: string): string {
  const path = resolvePath(sortBy, USER) ?? resolvePath(sortBy, GROUP);
  if (!path || path.extension !== undefined) return sortBy;
  return path.sub ? `${path.attribute.name}.${path.sub.name}` : path.attribute.name;
}

const tooDeep = (): BridgeError =>
  new BridgeError(
    400,
    `startIndex: a search that sorts users and groups together ends at ${MAX_SORTED}: search /Users or /Groups`,
    { scimType: 'tooMany' },
  );
