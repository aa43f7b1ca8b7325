/** Rows to store in tests. */
import { NO_COUNTS } from '../../src/store/conditions.ts';
import assert from 'node:assert/strict';
import { emptyRow } from '../../src/bridge/row/views.ts';
import type { Change, DeadLetter, Index, Key, Row } from '../../src/bridge/row/types.ts';
import type { Counts, Due, Member, Store, Condition, Write } from '../../src/bridge/ports/store.ts';

export const change = (fields: Partial<Change> = {}): Change => ({
  revision: 1,
  facts: { title: 'Engineer', nickName: null },
  named: ['state'],
  kind: 'edit',
  acknowledged: true,
  who: 'okta',
  txn: 'txn-1',
  at: 1_700_000_000_000,
  ...fields,
});

export const deadLetter = (fields: Partial<DeadLetter> = {}): DeadLetter => ({
  revision: 1,
  kind: 'edit',
  facts: { phone: '+1', nickName: null },
  cause: 'refused',
  reason: 'Invalid phone',
  who: 'okta',
  txn: 'txn-1',
  at: 1_700_000_000_000,
  deadAt: 1_700_000_001_000,
  ...fields,
});

export const row = (key: Key, fields: Partial<Row> = {}): Row =>
  emptyRow(key, 1_700_000_000_000, {
    version: 1,
    confirmed: { username: key.id, state: 'active' },
    verifiedAt: 1_700_000_000_000,
    sequence: '7',
    ...fields,
  });

/** A write of a row that nobody has written before, found by nothing but its place in lists. */
export function write(key: Key, fields: Partial<Row> = {}, index: Partial<Index> = {}): Write {
  const written = row(key, fields);
  return {
    key,
    expect: written.version - 1,
    row: written,
    index: {
      visible: written.tombstone === null,
      userName: null,
      externalId: null,
      emails: [],
      memberships: [],
      display: null,
      reservations: [],
      instance: 'zitadel',
      ...index,
    },
  };
}

export function removal(key: Key, expect: number): Write {
  return { ...write(key), expect, row: null };
}

export const counts = (fields: Partial<Counts> = {}): Counts => ({ ...NO_COUNTS, ...fields });

/** Writes as many at once as a large operation does: of thousands the last ones would wait longer than a command may. */
export async function writeAll(store: Store, writes: readonly Write[]): Promise<void> {
  for (let from = 0; from < writes.length; from += 250)
    await Promise.all(writes.slice(from, from + 250).map((each) => store.write(each)));
}

export const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

export async function scanned(store: Store, tenant: string, after?: Pick<Row, 'created' | 'id'>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const slice of store.scan(tenant, after)) rows.push(...slice);
  return rows;
}

/** All rows in a condition, `limit` at a time. */
export const allWithCondition = (store: Store, tenant: string, condition: Condition, limit: number): Promise<Row[]> =>
  walked((last) => store.withCondition(tenant, condition, limit, last?.id));

/** All that is due, `limit` at a time. */
export const allDue = (store: Store, tenant: string, now: number, limit: number): Promise<Due[]> =>
  walked((last) => store.due(tenant, now, limit, last));

/** All members of a group, `limit` at a time. */
export const allMembers = (store: Store, tenant: string, group: string, limit: number): Promise<Member[]> =>
  walked((last) => store.members(tenant, group, limit, last?.id));

/** Page after page until one is empty. Fails when an id comes twice: it would never end. */
async function walked<T extends { readonly id: string }>(next: (last?: T) => Promise<readonly T[]>): Promise<T[]> {
  const found = new Map<string, T>();
  let page = await next();
  while (page.length > 0) {
    for (const each of page) {
      assert.ok(!found.has(each.id), `${each.id} came twice`);
      found.set(each.id, each);
    }
    page = await next(page.at(-1));
  }
  return [...found.values()];
}
