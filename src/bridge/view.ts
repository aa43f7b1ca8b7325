/** Reading: rows while they are fresh, ZITADEL when they are not; lists and filters from the rows alone. */
import { BridgeError } from '../errors.ts';
import { USER } from '../mapping/attributes.ts';
import { compileFilter, type FilterNode, indexable } from '../mapping/filter.ts';
import { fromFacts } from '../mapping/users.ts';
import { sortResources } from '../mapping/sort.ts';
import type { Clock, IndexName, Key, Row, Store, Unique, Zitadel } from './ports.ts';
import { etagOf, resourceOf, shownFacts } from './rows.ts';
import { buried, confirmed } from './settle.ts';
import type { Reconcile } from './reconcile.ts';
import type { Timing } from './timing.ts';
import type { UserQuery, UserResource } from './use-cases.ts';
import { insertRow, updateRow } from './writes.ts';

export interface ViewOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly unique: Unique;
  readonly clock: Clock;
  readonly timing: Timing;
  /** finishes what an earlier process left of a row; nothing while somebody works on it */
  readonly reconcile: Reconcile;
}

export interface View {
  /** The row of a user that is there, read from ZITADEL when it is older than `age` ms (default VIEW_MAX_AGE). Throws 404. */
  row(id: string, age?: number): Promise<Row>;
  list(query: UserQuery): Promise<{ readonly total: number; readonly resources: readonly UserResource[] }>;
}

const undecided = (): BridgeError =>
  new BridgeError(503, 'Whether this user was made is being found out; try again', { retryAfter: 2 });

const absent = (): BridgeError => new BridgeError(404, 'There is no user with this id');

export function createView({ tenant, store, zitadel, unique, clock, timing, reconcile }: ViewOptions): View {
  const refreshing = new Map<string, Promise<Row | undefined>>();

  /** One read of a user at a time, whoever asks. */
  function refresh(key: Key): Promise<Row | undefined> {
    const running = refreshing.get(key.id) ?? readAgain(key).finally(() => refreshing.delete(key.id));
    refreshing.set(key.id, running);
    return running;
  }

  /** A refresh writes only when nobody wrote the row since it began; while ZITADEL is away the row stays as it is. */
  async function readAgain(key: Key): Promise<Row | undefined> {
    const before = await store.read(key);
    const answer = await zitadel.read(key.id);
    const now = clock();
    if (answer.kind === 'gone')
      return before === undefined
        ? undefined
        : ((await updateRow(store, unique, key, (row) =>
            isQuiet(row) && row.version === before.version ? buried(row, now) : row,
          )) ?? undefined);
    if (answer.kind !== 'found') {
      if (before !== undefined) return before;
      const retryAfter = answer.kind === 'retry' ? (answer.retryAfter ?? 5) : 5;
      throw new BridgeError(503, 'ZITADEL cannot be reached now; try again later', { retryAfter });
    }
    const { reading } = answer;
    if (before === undefined)
      return insertRow(store, unique, key, now, (row) => ({
        ...confirmed(row, reading, now, () => false),
        created: reading.created,
        modified: reading.changed,
      }));
    return (
      (await updateRow(store, unique, key, (row) => (row.version === before.version ? confirmedQuiet(row) : row))) ??
      undefined
    );

    function confirmedQuiet(row: Row): Row {
      return isQuiet(row) ? confirmed(row, reading, now, () => false) : row;
    }
  }

  async function row(id: string, age = timing.viewMaxAge): Promise<Row> {
    const key = { tenant, id };
    let found = await store.read(key);
    if (found !== undefined && wasLeft(found)) {
      await reconcile(key);
      found = await store.read(key);
      if (found !== undefined && found.known === null && wasLeft({ ...found, attempts: 0 })) throw undecided();
    }
    const fresh =
      found !== undefined && (found.tombstone !== null || !isQuiet(found) || clock() - found.verifiedAt <= age);
    const now = fresh ? found : await refresh(key);
    if (now === undefined || shownFacts(now) === null) throw absent();
    return now;
  }

  /** Rows that match by an index; when there are none, ZITADEL is asked once: a user made in its console must be found, not doubled. */
  async function byIndex(index: IndexName, value: string): Promise<readonly Row[]> {
    const rows = await store.find(tenant, index, value);
    if (rows.length > 0 || index === 'externalId') return rows;
    const ids = await zitadel.find(index, value);
    if (!Array.isArray(ids) || ids.length === 0) return rows;
    for (const id of ids as readonly string[]) await refresh({ tenant, id });
    return store.find(tenant, index, value);
  }

  async function* candidates(filter: FilterNode | undefined): AsyncIterable<readonly Row[]> {
    const hint =
      filter === undefined ? undefined : indexable(filter, USER, ['id', 'userName', 'externalId', 'emails.value']);
    if (hint === undefined) yield* store.scan(tenant);
    else if (hint.path === 'id') yield await byId(hint.value);
    else yield await byIndex(INDEX_OF[hint.path], hint.value);
  }

  async function byId(id: string): Promise<readonly Row[]> {
    try {
      return [await row(id)];
    } catch (error) {
      if (error instanceof BridgeError && error.status === 404) return [];
      throw error;
    }
  }

  async function list({ filter, sortBy, sortOrder, startIndex, count }: UserQuery): ReturnType<View['list']> {
    const from = startIndex - 1;
    if (filter === undefined && sortBy === undefined) {
      const { rows, total } = await store.page(tenant, from, count);
      return { total, resources: rows.flatMap(shown) };
    }
    const matches = filter === undefined ? () => true : compileFilter(filter, USER);
    let hits: Document[] = [];
    for await (const rows of candidates(filter))
      for (const each of rows.flatMap(document)) if (matches(each)) hits.push(each);
    if (sortBy !== undefined) hits = sortResources(hits, USER, { sortBy, sortOrder });
    return { total: hits.length, resources: hits.slice(from, from + count).flatMap((each) => shown(each[ROW])) };
  }

  return { row, list };
}

const INDEX_OF = { userName: 'userName', externalId: 'externalId', 'emails.value': 'email' } as const;

/** A call may have been sent for it, and nobody came back to it since: the process that did has died. */
const wasLeft = (row: Row): boolean => row.doubt && row.attempts === 0;

/** Nothing is on its way: what ZITADEL says now is all there is. */
const isQuiet = (row: Row): boolean => row.changes.length === 0 && !row.doubt;

function shown(row: Row): readonly UserResource[] {
  const facts = shownFacts(row);
  return facts === null ? [] : [resourceOf(row, facts)];
}

const ROW = Symbol('row');

/** The resource as filters and sorting see it, and the row it is. */
type Document = Readonly<Record<string, unknown>> & { readonly [ROW]: Row };

function document(row: Row): readonly Document[] {
  const facts = shownFacts(row);
  if (facts === null) return [];
  const user = fromFacts(facts);
  return [
    {
      ...user,
      id: row.id,
      get meta() {
        const [created, lastModified] = [new Date(row.created).toISOString(), new Date(row.modified).toISOString()];
        return { resourceType: 'User', created, lastModified, version: etagOf(user) };
      },
      [ROW]: row,
    },
  ];
}
