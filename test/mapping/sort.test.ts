import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, sortResources } from '../../src/mapping/sort.ts';
import { refuses } from './refusal.ts';
import { ENTERPRISE, SCHEMA } from './test-schema.ts';

const sorted = (users: readonly Record<string, unknown>[], sortBy: string, sortOrder?: string): string =>
  sortResources(users, SCHEMA, { sortBy, sortOrder })
    .map(({ id }) => id)
    .join('');

test('RFC 7644 §3.4.2.3 text without regard to case unless caseExact', () => {
  const users = [
    { id: 'a', userName: 'carl', externalId: 'b' },
    { id: 'b', userName: 'Bea', externalId: 'C' },
    { id: 'c', userName: 'ann', externalId: 'a' },
  ];
  assert.equal(sorted(users, 'userName'), 'cba');
  assert.equal(sorted(users, 'USERNAME', 'Descending'), 'abc');
  assert.equal(sorted(users, 'externalId', 'ascending'), 'bca');
});

test('RFC 7644 §3.4.2.3 resources without the attribute go last, in descending order first', () => {
  const users = [
    { id: 'a', displayName: null },
    { id: 'b', displayName: 'x' },
    { id: 'c' },
    { id: 'd', displayName: 'y' },
  ];
  assert.equal(sorted(users, 'displayName'), 'bdac');
  assert.equal(sorted(users, 'displayName', 'descending'), 'acdb');
});

test('dates as instants, booleans and numbers by value', () => {
  const created = (id: string, at: string, active: boolean, logins: number): Record<string, unknown> => ({
    id,
    meta: { created: at },
    active,
    logins,
  });
  const users = [
    created('a', '2026-01-01T12:00:00+02:00', true, 10),
    created('b', '2026-01-01T11:00:00Z', false, 9),
    created('c', '2026-01-01', true, -1),
  ];
  assert.equal(sorted(users, 'meta.created'), 'cab');
  assert.equal(sorted(users, 'active'), 'bac');
  assert.equal(sorted(users, 'logins'), 'cba');
});

test('RFC 7644 §3.4.2.3 of a multi-valued attribute the primary value counts, else the first', () => {
  const users = [
    { id: 'a', emails: [{ value: 'a@x' }, { value: 'z@x', primary: true }] },
    { id: 'b', emails: [{ value: 'm@x' }, { value: 'a@x' }] },
    { id: 'c', emails: [] },
  ];
  assert.equal(sorted(users, 'emails'), 'bac');
  assert.equal(sorted(users, 'emails.value', 'descending'), 'cab');
});

test('extension attributes, with or without URN', () => {
  const users = [
    { id: 'a', [ENTERPRISE]: { department: 'Z' } },
    { id: 'b', [ENTERPRISE]: { department: 'a' } },
  ];
  assert.equal(sorted(users, 'department'), 'ba');
  assert.equal(sorted(users, `${ENTERPRISE}:department`), 'ba');
});

test('RFC 7644 §3.12 what cannot be sorted by is invalidValue', () => {
  for (const sortBy of ['shoeSize', '__proto__', 'name', 'addresses', 'password', 'addresses.pin', '', 'a b'])
    refuses(() => sorted([], sortBy), 'invalidValue', /sortBy/);
  refuses(() => sorted([], 'userName', 'upwards'), 'invalidValue', /sortOrder/);
});

test('sorting is stable, complete and reversed by its other order', () => {
  const user = fc.record({ displayName: fc.constantFrom('a', 'B', 'b', null, undefined) });
  fc.assert(
    fc.property(fc.array(user), (users) => {
      const rows = users.map(({ displayName }, index) => ({ displayName, index }));
      const key = (name: string | null | undefined): string | undefined => name?.toLowerCase();
      const up = sortResources(rows, SCHEMA, { sortBy: 'displayName' });
      const down = sortResources(rows, SCHEMA, { sortBy: 'displayName', sortOrder: 'descending' });
      assert.equal(new Set(up).size, rows.length);
      for (const [list, order] of [
        [up, 'ascending'],
        [down, 'descending'],
      ] as const)
        for (const [at, row] of list.entries()) {
          const before = list[at - 1];
          if (!before) continue;
          const compared = compareKeys(order)(key(before.displayName), key(row.displayName));
          assert.ok(compared < 0 || (compared === 0 && before.index < row.index));
        }
    }),
  );
});
