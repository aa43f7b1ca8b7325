/** Rows to store in tests. */
import { emptyRow } from '../../src/bridge/rows.ts';
import type { Change, Index, Key, Row, Store, Write } from '../../src/bridge/ports.ts';

export const change = (fields: Partial<Change> = {}): Change => ({
  revision: 1,
  facts: { title: 'Engineer', nickName: null },
  named: ['state'],
  kind: 'edit',
  answered: true,
  who: 'okta',
  txn: 'txn-1',
  at: 1_700_000_000_000,
  ...fields,
});

export const row = (key: Key, fields: Partial<Row> = {}): Row => ({
  ...emptyRow(key, 1_700_000_000_000),
  version: 1,
  known: { username: key.id, state: 'active' },
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
      reserved: [],
      instance: 'zitadel',
      ...index,
    },
  };
}

export function removal(key: Key, expect: number): Write {
  return { ...write(key), expect, row: null };
}

export const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

export async function scanned(store: Store, tenant: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const slice of store.scan(tenant)) rows.push(...slice);
  return rows;
}
