/** Reading: rows while they are fresh, ZITADEL when they are not; lists and filters from the rows alone. */
import { BridgeError } from '../../errors.ts';
import { type Resource, resolvePath } from '../../mapping/attribute-path.ts';
import { schemasOf, USER } from '../../mapping/attributes.ts';
import { type FilterNode, indexable } from '../../mapping/filter.ts';
import { fromFacts } from '../../mapping/users.ts';
import type { Clock } from '../ports/context.ts';
import type { IndexName, Store } from '../ports/store.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import { absent, etagOf, groupsIn, isId, isIdle, type NameOf, resourceOf, shownFacts } from '../row/views.ts';
import { discover, hide, observe, vanish } from '../row/transitions.ts';
import type { Deliver } from '../delivery/target.ts';
import type { ScanLine } from './scan-queue.ts';
import { pageOf, select, type Selection } from './selection.ts';
import { type Timing, within } from '../timing.ts';
import type { Listed, UserQuery, UserResource } from './use-cases.ts';
import { insertRow, updateRow } from '../row/update-row.ts';

export interface ViewOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly unique: Unique;
  readonly clock: Clock;
  readonly timing: Timing;
  /** finishes what an earlier process left of a row; nothing while somebody works on it */
  readonly deliver: Deliver;
  readonly nameOf: NameOf;
  /** scans of the tenant */
  readonly scans: ScanLine;
}

export interface View {
  /** The row of a user that is there, read from ZITADEL when it is older than `age` ms (default VIEW_MAX_AGE). Throws 404. */
  row(id: string, age?: number): Promise<Row>;
  list(query: UserQuery): Promise<Listed<UserResource>>;
}

const undecided = (): BridgeError =>
  new BridgeError(503, 'whether this user was made is being found out; try again', { retryAfter: 2 });

export function createView(options: ViewOptions): View {
  const { tenant, store, zitadel, unique, clock, timing, deliver, nameOf } = options;
  /** half of the time: what is asked of ZITADEL after it needs some as well */
  const readWithin = timing.answerWithinMs / 2;
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
    const answer = await zitadel.read(key.id, before === undefined);
    const now = clock();
    if (answer.kind === 'gone') return before === undefined ? undefined : write(key, before, (row) => vanish(row, now));
    if (answer.kind === 'hidden')
      return before === undefined || before.confirmed === null ? before : write(key, before, (row) => hide(row, now));
    if (answer.kind !== 'found') {
      if (before !== undefined) return before;
      const retryAfter = answer.kind === 'retry' ? (answer.retryAfter ?? 5) : 5;
      throw new BridgeError(503, 'ZITADEL cannot be reached now; try again later', { retryAfter });
    }
    const { reading } = answer;
    if (before === undefined) return insertRow(store, unique, key, now, (row) => discover(row, reading, now));
    return write(key, before, (row) => observe(row, reading, now));
  }

  async function write(key: Key, before: Row, make: (row: Row) => Row): Promise<Row | undefined> {
    const same = (row: Row): boolean => isIdle(row) && row.version === before.version;
    return (await updateRow(store, unique, key, (row) => (same(row) ? make(row) : row))) ?? undefined;
  }

  async function row(id: string, age = timing.viewMaxAgeMs): Promise<Row> {
    if (!isId(id)) throw absent();
    const key = { tenant, id };
    let kept = await store.read(key);
    if (kept !== undefined && wasLeft(kept)) {
      // while the store cannot be written, what it has is shown
      await within(
        deliver(key).catch(() => undefined),
        readWithin,
      );
      kept = await store.read(key);
      if (kept !== undefined && kept.doubt && isBeingMade(kept)) throw undecided();
    }
    const usable =
      kept !== undefined &&
      (kept.tombstone !== null ||
        kept.confirmed === null ||
        !isIdle(kept) ||
        Math.abs(clock() - kept.verifiedAt) <= age);
    const now = usable ? kept : await inTime(refresh(key), kept);
    if (now === undefined || shownFacts(now) === null) throw absent();
    return now;
  }

  /** No request waits longer than ANSWER_WITHIN for ZITADEL: then what is kept will do. */
  async function inTime<T>(read: Promise<T>, kept: T): Promise<T> {
    const answer = await within(
      read.then((value) => ({ value })),
      readWithin,
    );
    if (answer !== undefined) return answer.value;
    if (kept === undefined)
      throw new BridgeError(503, 'ZITADEL has not answered in time; try again', { retryAfter: 5 });
    return kept;
  }

  /** Rows that match by an index; when there are none, ZITADEL is asked once: a user made in its console must be found, not doubled. */
  async function byIndex(index: IndexName, value: string): Promise<readonly Row[]> {
    const rows = await store.find(tenant, index, value);
    if (rows.length > 0 || index === 'externalId') return rows;
    // while ZITADEL is away the view answers, as it does for every list
    return inTime(fromZitadel(index, value), rows);
  }

  async function fromZitadel(index: 'userName' | 'email', value: string): Promise<readonly Row[]> {
    const ids = await zitadel.find(index, value);
    for (const id of Array.isArray(ids) ? (ids as readonly string[]) : []) await refresh({ tenant, id });
    return store.find(tenant, index, value);
  }

  async function* candidates(filter: FilterNode | undefined): AsyncIterable<readonly Row[]> {
    const hint = filter && hintOf(filter);
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

  async function list({
    filter: asked,
    sortBy,
    sortOrder,
    startIndex,
    count,
    location,
  }: UserQuery): ReturnType<View['list']> {
    const from = startIndex - 1;
    const filter = asked && withTrimmedNames(asked);
    if (filter === undefined && sortBy === undefined) return listed(await pageOf(store, tenant, from, count));
    const isScan = filter === undefined || hintOf(filter) === undefined;
    const search = (): Promise<Selection> =>
      select({
        store,
        shelf: tenant,
        schema: USER,
        candidates: candidates(filter),
        filter,
        document: (row) => document(row, location, nameOf),
        sortBy,
        sortOrder,
        from,
        count,
      });
    return listed(await (isScan ? options.scans.run(search) : search()));
  }

  function listed({ total, rows }: Selection): Listed<UserResource> {
    return { total, resources: resourcesOf(rows) };
  }

  async function* resourcesOf(rows: Selection['rows']): AsyncGenerator<UserResource, void> {
    for await (const each of rows) yield* shown(each, nameOf);
  }

  return { row, list };
}

const hintOf = (filter: FilterNode) => indexable(filter, USER, ['id', 'userName', 'externalId', 'emails.value']);

const INDEX_OF = { userName: 'userName', externalId: 'externalId', 'emails.value': 'email' } as const;

/** In doubt, and nobody came back to it since: a request is at it just now, or the process that was has died. */
const wasLeft = (row: Row): boolean => row.doubt && row.attempts === 0 && row.tombstone === null;

/** A create that nobody was told of. */
const isBeingMade = ({ confirmed, pending: changes }: Row): boolean =>
  confirmed === null &&
  changes.some(({ kind, acknowledged: answered, abandoned: orphan }) => kind === 'create' && !answered && !orphan);

function shown(row: Row, nameOf: NameOf): readonly UserResource[] {
  const facts = shownFacts(row);
  return facts === null ? [] : [resourceOf(row, facts, nameOf)];
}

/** ZITADEL trims userNames: blanks around one are no difference between users. */
function withTrimmedNames(filter: FilterNode): FilterNode {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, nodes: filter.nodes.map(withTrimmedNames) };
    case 'not':
      return { ...filter, node: withTrimmedNames(filter.node) };
    case 'compare': {
      const { path, value } = filter;
      const isName = typeof value === 'string' && resolvePath(path, USER)?.attribute.name === 'userName';
      return isName ? { ...filter, value: value.trim() } : filter;
    }
    default:
      return filter;
  }
}

/** The resource as filters and sorting see it; undefined: nothing is shown. What costs something is made when it is asked for. */
function document(row: Row, location: UserQuery['location'], nameOf: NameOf): Resource | undefined {
  const facts = shownFacts(row);
  if (facts === null) return undefined;
  const user = fromFacts(facts);
  return {
    ...user,
    schemas: schemasOf(user),
    userName: String(user['userName']).trim(),
    id: row.id,
    get groups() {
      return groupsIn(facts, nameOf).map(({ id, displayName }) => ({
        value: id,
        display: displayName,
        type: 'direct',
      }));
    },
    meta: {
      resourceType: 'User',
      get created() {
        return new Date(row.created).toISOString();
      },
      get lastModified() {
        return new Date(row.modified).toISOString();
      },
      get version() {
        return etagOf(user);
      },
      get location() {
        return location?.(row.id);
      },
    },
  };
}
