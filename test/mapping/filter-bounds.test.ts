/** What filters and sorting cost: counted, never timed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains } from '../../src/mapping/comparison.ts';
import { compileFilter, compileSliced, type FilterNode } from '../../src/mapping/filter.ts';
import { sortInSlices, sortKey, sortResources } from '../../src/mapping/sort.ts';
import { randomSpec, randomUser, write } from './filter-oracle.ts';
import { mulberry32 } from './random.ts';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { SCHEMA } from './test-schema.ts';

const anyOf = (count: number, term: (n: number) => FilterNode): FilterNode => ({
  kind: 'or',
  nodes: Array.from({ length: count }, (_, n) => term(n)),
});

/** A user whose attributes count how often they are looked up. */
function counted() {
  const looks = { meta: 0, userName: 0, emails: 0 };
  const email = {
    type: 'work',
    get value() {
      looks.emails += 1;
      return 'ann@example.com';
    },
  };
  const user = {
    id: 'ann',
    get userName() {
      looks.userName += 1;
      return 'ann';
    },
    emails: [email],
    get meta() {
      looks.meta += 1;
      return { lastModified: '2026-03-01T12:00:00Z' };
    },
  };
  return { user, looks };
}

const TERMS: readonly ((n: number) => FilterNode)[] = [
  (n) => ({
    kind: 'compare',
    path: 'meta.lastModified',
    op: 'eq',
    value: `2025-01-01T00:00:${String(n % 60).padStart(2, '0')}Z`,
  }),
  (n) => ({ kind: 'compare', path: 'userName', op: 'co', value: `no${n}` }),
  (n) => ({
    kind: 'valuePath',
    path: 'emails',
    filter: { kind: 'compare', path: 'value', op: 'ew', value: `no${n}` },
  }),
];

test('a value is looked up once per resource, however many terms compare it', () => {
  const { user, looks } = counted();
  const filter: FilterNode = { kind: 'or', nodes: TERMS.map((term) => anyOf(60, term)) };
  assert.equal(compileFilter(filter, SCHEMA)(user), false);
  assert.deepEqual(looks, { meta: 1, userName: 1, emails: 1 });
});

test('what was seen of one resource is not believed of another one', () => {
  const matches = compileFilter({ kind: 'compare', path: 'userName', op: 'eq', value: 'ann' }, SCHEMA);
  const users = [{ userName: 'ann' }, { userName: 'bob' }, { userName: 'ann' }];
  assert.deepEqual(users.map(matches), [true, false, true]);
});

test('matching in slices says what matching at once says', async () => {
  const random = mulberry32(7);
  for (let n = 0; n < 2_000; n += 1) {
    const user = randomUser(random);
    const filter = parseFilter(write(random, randomSpec(random)));
    assert.equal(
      await compileSliced(filter, SCHEMA)(user),
      compileFilter(filter, SCHEMA)(user),
      JSON.stringify(filter),
    );
  }
});

test('matching lets others run between its terms', async () => {
  // 200 searches through a megabyte: far more than a slice, and of one resource alone
  const user = { userName: 'a'.repeat(1_000_000) };
  const matches = compileSliced(
    anyOf(200, (n) => ({ kind: 'compare', path: 'userName', op: 'co', value: `${'a'.repeat(50)}b${n}` })),
    SCHEMA,
  );
  let [turns, isOver] = [0, false];
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  assert.equal(await matches(user), false);
  isOver = true;
  assert.ok(turns >= 5, `${turns} turns`);
});

test('contains is String.includes, for whatever is long as well', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 0, maxLength: 3_000 });
  const part = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, part, fc.nat(400), (some, piece, times) => {
      const long = some.repeat(40);
      for (const sought of [piece, piece.repeat(times + 1), some.slice(7, 700) + piece])
        assert.equal(contains(long, sought), long.includes(sought));
    }),
    { numRuns: 60 },
  );
});

test('a part that the engine takes seconds for is sought in linear time', () => {
  // 2.4 s by String.includes; the test would not end in time with 200 of them
  const text = 'a'.repeat(1_000_000);
  for (let n = 0; n < 200; n += 1) assert.equal(contains(text, `${'a'.repeat(2_500)}b${'a'.repeat(2_500)}`), false);
});

test('sorting in slices is sorting: stable, in both orders', async () => {
  const users = fc.array(
    fc.record({ id: fc.uuid(), userName: fc.option(fc.constantFrom('a', 'B', 'b', 'c'), { nil: undefined }) }),
    {
      maxLength: 300,
    },
  );
  await fc.assert(
    fc.asyncProperty(users, fc.constantFrom('ascending', 'descending', undefined), async (all, sortOrder) => {
      const key = sortKey(SCHEMA, 'userName');
      const items = all.map((user) => ({ user, key: key(user) }));
      const sorted = (await sortInSlices(items, sortOrder)).map(({ user }) => user);
      assert.deepEqual(sorted, sortResources(all, SCHEMA, { sortBy: 'userName', sortOrder }));
    }),
    { numRuns: 60 },
  );
});
