/** Reads of durable data, on the main thread: in WAL mode a reader waits for no writer. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { Counts, Due, IndexName, Member, MemberSet, Condition } from '../../bridge/ports/store.ts';
import type { Key, Row } from '../../bridge/row/types.ts';
import { DamagedRow } from '../../errors.ts';
import { requireRow } from '../unavailable.ts';
import { CONDITION_NAMES, countsFrom, snakeOf } from '../conditions.ts';
import { PAGE_BYTES } from '../page-bytes.ts';
import type { Slot } from './pending.ts';

export interface Queries {
  row(key: Key): Row | undefined;
  slot(key: Key): Slot | undefined;
  find(tenant: string, index: IndexName, value: string): Row[];
  /** Visible rows of a tenant. */
  total(tenant: string): number;
  /** Positions of visible rows, in list order: from the index alone. */
  places(tenant: string, offset: number, limit: number): Place[];
  /** The rows at these positions, as many as fit in `PAGE_BYTES`, at least one if any. `instead`: the overlay. */
  rowsAt(tenant: string, places: readonly Place[], instead?: (id: string) => Row | undefined): Row[];
  /** The position of a visible row in list order. */
  place(key: Key): Place | undefined;
  /** All queries of `work` see one snapshot of the database. */
  atOnce<T>(work: () => T): T;
  /**
   * Visible rows after (created, id), as many as can be read in `ms` and fit in `PAGE_BYTES`, at least one if there are
   * any. `last`: where to continue; undefined: that was all.
   */
  slice(tenant: string, after: Place, ms: number): { readonly rows: Row[]; readonly last: Place | undefined };
  /** Keys of rows whose body is not a row: half a second for 100,000 rows. */
  damaged(): Key[];
  members(tenant: string, group: string, limit: number, after?: string): Member[];
  memberSet(tenant: string, group: string): MemberSet | undefined;
  holder(instance: string, name: string): Key | undefined;
  due(tenant: string, now: number, limit: number, after?: Due): Due[];
  nextDue(tenant: string): number | undefined;
  /** As many rows as fit in `PAGE_BYTES`. `end`: id of the last one when the next did not fit. */
  withCondition(
    tenant: string,
    condition: Condition,
    limit: number,
    after?: string,
  ): { readonly rows: Row[]; readonly end: string | undefined };
  oldestPending(tenant: string): number | undefined;
  tombstones(tenant: string, before: number, limit: number): Row[];
  counts(): ReadonlyMap<string, Counts>;
  /** JSON */
  state(name: string): string | undefined;
  close(): void;
}

/** The columns of the conditions, in their order. */
const COLUMNS = CONDITION_NAMES.map(snakeOf).join(', ');

/** A slice never has more rows, whatever the clock says. */
const SLICE_ROWS = 200;

/** The position of a row in lists. */
export type Place = Pick<Row, 'created' | 'id'>;

/** `onDamaged` is called for every row that is omitted because its body cannot be read. */
export function openQueries(file: string, onDamaged: (key: Key) => void): Queries {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
  db.exec('PRAGMA synchronous = FULL; PRAGMA query_only = 1;');
  const one = (sql: string) => typed(db.prepare(sql)).get;
  const many = (sql: string) => typed(db.prepare(sql)).all;
  const each = (sql: string) => typed(db.prepare(sql)).iterate;

  /** What `tenant` has in these bodies. */
  const rowsOf = (tenant: string, bodies: readonly Body[]): Row[] =>
    bodies.flatMap((each) => parsed(tenant, each) ?? []);

  function parsed(tenant: string, { id, body }: Body): Row | undefined {
    try {
      return parse(body);
    } catch {
      onDamaged({ tenant, id });
      return undefined;
    }
  }

  const row = one('SELECT id, body FROM rows WHERE tenant = ? AND id = ?');
  const slot = one(`SELECT version, json_array(visible, ${COLUMNS}) AS counts, emails, names, members
    FROM rows WHERE tenant = ? AND id = ?`);
  const finders: Readonly<Record<IndexName, ReturnType<typeof many>>> = {
    userName: many('SELECT id, body FROM rows WHERE tenant = ? AND user_name = ? AND visible = 1 ORDER BY created, id'),
    externalId: many(
      'SELECT id, body FROM rows WHERE tenant = ? AND external_id = ? AND visible = 1 ORDER BY created, id',
    ),
    // CROSS JOIN: from the address to its rows, never the other way
    email: many(`SELECT r.id, r.body FROM emails e CROSS JOIN rows r ON r.tenant = e.tenant AND r.id = e.id
      WHERE e.tenant = ? AND e.email = ? AND r.visible = 1 ORDER BY r.created, r.id`),
  };
  const total = one('SELECT rows AS total FROM counts WHERE tenant = ?');
  const places = many(
    'SELECT created, id FROM rows WHERE tenant = ? AND visible = 1 ORDER BY created, id LIMIT ? OFFSET ?',
  );
  const place = one('SELECT created, id FROM rows WHERE tenant = ? AND id = ? AND visible = 1');
  const after = db.prepare(`SELECT id, created, body FROM rows
    WHERE tenant = ? AND visible = 1 AND (created, id) > (?, ?) ORDER BY created, id LIMIT ${SLICE_ROWS}`);
  const members = {
    first: many('SELECT id, display FROM members WHERE tenant = ? AND grp = ? ORDER BY id LIMIT ?'),
    next: many('SELECT id, display FROM members WHERE tenant = ? AND grp = ? AND id > ? ORDER BY id LIMIT ?'),
  };
  const memberSet = one('SELECT count, revision, modified FROM member_sets WHERE tenant = ? AND grp = ?');
  const holder = one('SELECT tenant, id FROM names WHERE instance = ? AND name = ?');
  const due = many(`SELECT id, due_at AS dueAt FROM rows
    WHERE tenant = ? AND due_at <= ? AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?`);
  const nextDue = one('SELECT min(due_at) AS at FROM rows WHERE tenant = ? AND due_at IS NOT NULL');
  const conditions = Object.fromEntries(
    CONDITION_NAMES.map((name) => {
      const where = `WHERE tenant = ? AND ${snakeOf(name)} = 1`;
      return [
        name,
        {
          first: each(`SELECT id, body FROM rows ${where} ORDER BY id LIMIT ?`),
          next: each(`SELECT id, body FROM rows ${where} AND id > ? ORDER BY id LIMIT ?`),
        },
      ];
    }),
  ) as Readonly<Record<Condition, Readonly<Record<'first' | 'next', ReturnType<typeof each>>>>>;
  const oldestPending = one('SELECT min(pending_since) AS at FROM rows WHERE tenant = ? AND pending_since IS NOT NULL');
  const tombstones = many(
    'SELECT id, body FROM rows WHERE tenant = ? AND tombstone < ? ORDER BY tombstone, id LIMIT ?',
  );
  const counts = many(`SELECT tenant, json_array(rows, ${COLUMNS}) AS counts FROM counts`);
  const state = one('SELECT value FROM state WHERE name = ?');

  function atOnce<T>(work: () => T): T {
    if (db.isTransaction) return work();
    db.exec('BEGIN');
    try {
      return work();
    } finally {
      db.exec('COMMIT');
    }
  }

  return {
    atOnce,
    row({ tenant, id }) {
      const found = row<Body>(tenant, id);
      if (found === undefined) return undefined;
      try {
        return parse(found.body);
      } catch (error) {
        onDamaged({ tenant, id });
        throw new DamagedRow(id, error);
      }
    },
    place({ tenant, id }) {
      const found = place<Place>(tenant, id);
      return found === undefined ? undefined : { created: found.created, id: found.id };
    },
    damaged: () =>
      db
        .prepare(DAMAGED)
        .all()
        .map(({ tenant, id }) => ({ tenant: String(tenant), id: String(id) })),
    slot({ tenant, id }) {
      const found = slot<Omit<Slot, 'counts'> & Counted>(tenant, id);
      if (found === undefined) return undefined;
      const { version, emails, names, members } = found;
      return { version, emails, names, members, counts: countsIn(found) };
    },
    find: (tenant, index, value) => rowsOf(tenant, finders[index]<Body>(tenant, value)),
    total: (tenant) => total<{ total: number }>(tenant)?.total ?? 0,
    places: (tenant, offset, limit) => places<Place>(tenant, limit, offset).map(({ created, id }) => ({ created, id })),
    rowsAt(tenant, wanted, instead = () => undefined) {
      const room = createRoom();
      const rows: Row[] = [];
      for (const { id } of wanted) {
        const over = instead(id);
        const found = over === undefined ? row<Body>(tenant, id) : undefined;
        const each = over ?? (found && parsed(tenant, found));
        if (each === undefined) continue;
        if (!room.takes(found?.body ?? JSON.stringify(over))) break;
        rows.push(each);
      }
      return rows;
    },
    slice(tenant, { created, id }, ms) {
      const rows: Row[] = [];
      const room = createRoom();
      let last: Place | undefined;
      const end = performance.now() + ms;
      for (const found of after.iterate(tenant, created, id)) {
        const each = found as unknown as Body & Place;
        const read = parsed(tenant, each);
        if (read !== undefined && !room.takes(each.body)) break;
        if (read !== undefined) rows.push(read);
        last = { created: each.created, id: each.id };
        if (performance.now() > end) break;
      }
      return { rows, last };
    },
    members(tenant, group, limit, after) {
      const found =
        after === undefined
          ? members.first<Member>(tenant, group, limit)
          : members.next<Member>(tenant, group, after, limit);
      return found.map(({ id, display }) => ({ id, display }));
    },
    memberSet(tenant, group) {
      const found = memberSet<MemberSet>(tenant, group);
      if (found === undefined) return undefined;
      const { count, revision, modified } = found;
      return { count, revision, modified };
    },
    holder: (instance, name) => {
      const found = holder<Key>(instance, name);
      return found === undefined ? undefined : { tenant: found.tenant, id: found.id };
    },
    due: (tenant, now, limit, after) =>
      due<Due>(tenant, now, after?.dueAt ?? Number.NEGATIVE_INFINITY, after?.id ?? '', limit).map(({ id, dueAt }) => ({
        id,
        dueAt,
      })),
    nextDue: (tenant) => nextDue<At>(tenant)?.at ?? undefined,
    withCondition(tenant, condition, limit, after) {
      const { first, next } = conditions[condition];
      const room = createRoom();
      const rows: Row[] = [];
      for (const each of after === undefined ? first<Body>(tenant, limit) : next<Body>(tenant, after, limit)) {
        const read = parsed(tenant, each);
        if (read === undefined) continue;
        if (!room.takes(each.body)) return { rows, end: rows.at(-1)?.id };
        rows.push(read);
      }
      return { rows, end: undefined };
    },
    oldestPending: (tenant) => oldestPending<At>(tenant)?.at ?? undefined,
    tombstones: (tenant, before, limit) => rowsOf(tenant, tombstones<Body>(tenant, before, limit)),
    counts: () => new Map(counts<Counted & { tenant: string }>().map((found) => [found.tenant, countsIn(found)])),
    state: (name) => state<{ value: string }>(name)?.value,
    close: () => db.close(),
  };
}

interface Body {
  readonly id: string;
  readonly body: string;
}

interface Counted {
  /** JSON */
  readonly counts: string;
}

const countsIn = ({ counts }: Counted): Counts => countsFrom(JSON.parse(counts) as number[]);

interface At {
  readonly at: number | null;
}

/** Room for as many bodies as one read may return, and for the first one whatever its size. */
function createRoom(): { takes(body: string): boolean } {
  let size = 0;
  return {
    takes(body) {
      const isFirst = size === 0;
      size += body.length;
      return isFirst || size <= PAGE_BYTES;
    },
  };
}

const parse = (body: string): Row => requireRow(JSON.parse(body));

/** What parse would throw for, detected by SQLite. */
const DAMAGED = `SELECT tenant, id FROM rows WHERE CASE WHEN json_valid(body)
  THEN json_type(body, '$.pending') IS NOT 'array' OR json_type(body, '$.deadLetters') IS NOT 'array'
    OR json_type(body, '$.trusted') IS NOT 'array' OR ifnull(json_type(body, '$.confirmed'), '') NOT IN ('object', 'null')
  ELSE 1 END`;

/** The statement's columns are those of its SQL. */
function typed(statement: StatementSync) {
  return {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what its SQL gives
    get: <T>(...values: SQLInputValue[]) => statement.get(...values) as T | undefined,
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what its SQL gives
    iterate: <T>(...values: SQLInputValue[]) => statement.iterate(...values) as unknown as Iterable<T>,
    all: <T>(...values: SQLInputValue[]) => statement.all(...values) as unknown as T[],
  };
}
