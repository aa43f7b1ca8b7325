/** Reads of what is durable, on the main thread: in WAL mode a reader waits for no writer. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { Counts, Due, IndexName, Key, Member, MemberSet, Row, Trouble } from '../../bridge/ports.ts';
import type { Slot } from './pending.ts';

export interface Queries {
  row(key: Key): Row | undefined;
  slot(key: Key): Slot | undefined;
  find(tenant: string, index: IndexName, value: string): Row[];
  page(tenant: string, offset: number, limit: number): { readonly rows: Row[]; readonly total: number };
  /** Visible rows after (created, id), as many as can be read in `ms`, at least one while there are any. */
  slice(tenant: string, after: { readonly created: number; readonly id: string }, ms: number): Row[];
  members(tenant: string, group: string, limit: number, after?: string): Member[];
  memberSet(tenant: string, group: string): MemberSet | undefined;
  holder(instance: string, name: string): Key | undefined;
  due(tenant: string, now: number, limit: number, after?: Due): Due[];
  nextDue(tenant: string): number | undefined;
  troubled(tenant: string, trouble: Trouble, limit: number, after?: string): Row[];
  oldestOwed(tenant: string): number | undefined;
  tombstones(tenant: string, before: number, limit: number): Row[];
  counts(): ReadonlyMap<string, Counts>;
  /** JSON */
  state(name: string): string | undefined;
  close(): void;
}

/** A slice never has more rows, whatever the clock says. */
const SLICE_ROWS = 200;

export function openQueries(file: string): Queries {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
  db.exec('PRAGMA synchronous = FULL; PRAGMA query_only = 1;');
  const one = (sql: string) => typed(db.prepare(sql)).get;
  const many = (sql: string) => typed(db.prepare(sql)).all;

  const row = one('SELECT body FROM rows WHERE tenant = ? AND id = ?');
  const slot = one(`SELECT version, visible AS rows, owed, doubt, dead, held, blocked, hidden, emails, names, members
    FROM rows WHERE tenant = ? AND id = ?`);
  const finders: Readonly<Record<IndexName, ReturnType<typeof many>>> = {
    userName: many('SELECT body FROM rows WHERE tenant = ? AND user_name = ? AND visible = 1 ORDER BY created, id'),
    externalId: many('SELECT body FROM rows WHERE tenant = ? AND external_id = ? AND visible = 1 ORDER BY created, id'),
    // CROSS JOIN: from the address to its rows, never the other way
    email: many(`SELECT r.body FROM emails e CROSS JOIN rows r ON r.tenant = e.tenant AND r.id = e.id
      WHERE e.tenant = ? AND e.email = ? AND r.visible = 1 ORDER BY r.created, r.id`),
  };
  const total = one('SELECT rows AS total FROM counts WHERE tenant = ?');
  // the inner query steps over `offset` rows in the index alone
  const page = many(`SELECT r.body FROM
      (SELECT rowid AS place FROM rows WHERE tenant = ? AND visible = 1 ORDER BY created, id LIMIT ? OFFSET ?) p
    JOIN rows r ON r.rowid = p.place ORDER BY r.created, r.id`);
  const after = db.prepare(`SELECT body FROM rows
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
  const troubled = (trouble: Trouble) => ({
    first: many(`SELECT body FROM rows WHERE tenant = ? AND ${trouble} = 1 ORDER BY id LIMIT ?`),
    next: many(`SELECT body FROM rows WHERE tenant = ? AND ${trouble} = 1 AND id > ? ORDER BY id LIMIT ?`),
  });
  const troubles: Readonly<Record<Trouble, ReturnType<typeof troubled>>> = {
    owed: troubled('owed'),
    doubt: troubled('doubt'),
    dead: troubled('dead'),
    held: troubled('held'),
    blocked: troubled('blocked'),
    hidden: troubled('hidden'),
  };
  const oldestOwed = one('SELECT min(owed_since) AS at FROM rows WHERE tenant = ? AND owed_since IS NOT NULL');
  const tombstones = many('SELECT body FROM rows WHERE tenant = ? AND tombstone < ? ORDER BY tombstone, id LIMIT ?');
  const counts = many('SELECT tenant, rows, owed, doubt, dead, held, blocked, hidden FROM counts');
  const state = one('SELECT value FROM state WHERE name = ?');

  return {
    row: ({ tenant, id }) => {
      const found = row<Body>(tenant, id);
      return found === undefined ? undefined : parse(found);
    },
    slot({ tenant, id }) {
      const found = slot<Omit<Slot, 'counts'> & Counts>(tenant, id);
      if (found === undefined) return undefined;
      const { version, emails, names, members, ...counts } = found;
      return { version, emails, names, members, counts };
    },
    find: (tenant, index, value) => finders[index]<Body>(tenant, value).map(parse),
    page(tenant, offset, limit) {
      db.exec('BEGIN');
      try {
        const rows = page<Body>(tenant, limit, offset).map(parse);
        return { rows, total: total<{ total: number }>(tenant)?.total ?? 0 };
      } finally {
        db.exec('COMMIT');
      }
    },
    slice(tenant, { created, id }, ms) {
      const rows: Row[] = [];
      const end = performance.now() + ms;
      for (const found of after.iterate(tenant, created, id)) {
        rows.push(parse(found as unknown as Body));
        if (performance.now() > end) break;
      }
      return rows;
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
    troubled(tenant, trouble, limit, after) {
      const { first, next } = troubles[trouble];
      return (after === undefined ? first<Body>(tenant, limit) : next<Body>(tenant, after, limit)).map(parse);
    },
    oldestOwed: (tenant) => oldestOwed<At>(tenant)?.at ?? undefined,
    tombstones: (tenant, before, limit) => tombstones<Body>(tenant, before, limit).map(parse),
    counts: () => new Map(counts<Counts & { tenant: string }>().map(({ tenant, ...own }) => [tenant, own])),
    state: (name) => state<{ value: string }>(name)?.value,
    close: () => db.close(),
  };
}

interface Body {
  readonly body: string;
}

interface At {
  readonly at: number | null;
}

const parse = ({ body }: Body): Row => JSON.parse(body) as Row;

/** The statement's columns are what its SQL says. */
function typed(statement: StatementSync) {
  return {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what its SQL gives
    get: <T>(...values: SQLInputValue[]) => statement.get(...values) as T | undefined,
    all: <T>(...values: SQLInputValue[]) => statement.all(...values) as unknown as T[],
  };
}
