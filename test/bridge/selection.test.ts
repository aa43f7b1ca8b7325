import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../src/bridge/row/types.ts';
import { emptyRow } from '../../src/bridge/row/views.ts';
import { createScanLine } from '../../src/bridge/requests/scan-queue.ts';
import { select } from '../../src/bridge/requests/selection.ts';
import { USER } from '../../src/mapping/schema.ts';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { nextSlice } from '../../src/mapping/slices.ts';

const row = (n: number, title = ''): Row =>
  emptyRow({ tenant: 't', id: `id${n}` }, n, { confirmed: { username: `user${n}`, title } });

/** Rows in one piece, as no store gives them: what lets others run is the walk itself. */
async function* inOnePiece(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows;
}

/** A walk over rows; `read` counts the rows that were read again for the page. */
function walk(
  rows: readonly Row[],
  filter: string | undefined,
  page: { from: number; count: number; sortBy?: string },
) {
  const read: string[] = [];
  const selected = select({
    store: {
      read: async ({ id }) => {
        read.push(id);
        return rows.find((each) => each.id === id);
      },
    },
    shelf: 't',
    schema: USER,
    candidates: inOnePiece(rows),
    filter: filter === undefined ? undefined : parseFilter(filter),
    document: ({ id, confirmed }) => ({ id, userName: confirmed?.['username'], title: confirmed?.['title'] }),
    sortBy: undefined,
    sortOrder: undefined,
    ...page,
  });
  return { selected, read };
}

const idsOf = async (rows: AsyncIterable<Row>): Promise<string[]> => (await Array.fromAsync(rows)).map(({ id }) => id);

test('a walk over many rows lets others run, in proportion to the rows', async () => {
  const filter = Array.from({ length: 100 }, (_, n) => `userName eq "nobody${n}"`).join(' or ');
  const turnsOf = async (count: number): Promise<number> => {
    const rows = Array.from({ length: count }, (_, n) => row(n));
    let [turns, isOver] = [0, false];
    const tick = (): void => {
      turns += 1;
      if (!isOver) setImmediate(tick);
    };
    setImmediate(tick);
    const { total } = await walk(rows, filter, { from: 0, count: 100 }).selected;
    isOver = true;
    assert.equal(total, 0);
    return turns;
  };
  const [small, large] = [await turnsOf(2_000), await turnsOf(20_000)];
  assert.ok(large >= 5 && large > small, `${small} turns of the event loop for 2,000 rows, ${large} for 20,000`);
});

test('slices of two works go one to a turn', async () => {
  let [turns, isOver] = [0, false];
  const tick = (): void => {
    turns += 1;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  const slices: { readonly name: string; readonly turn: number }[] = [];
  const work = async (name: string): Promise<void> => {
    for (let n = 0; n < 5; n += 1) {
      await nextSlice();
      slices.push({ name, turn: turns });
    }
  };
  await Promise.all([work('a'), work('b'), work('c')]);
  isOver = true;
  assert.equal(new Set(slices.map(({ turn }) => turn)).size, slices.length, JSON.stringify(slices));
  assert.equal(slices.map(({ name }) => name).join(''), 'abc'.repeat(5));
});

test('large rows are not kept for the page: they are read again, one after the other, when they are asked for', async () => {
  const rows = Array.from({ length: 40 }, (_, n) => row(n, 'x'.repeat(100_000)));
  const { selected, read } = walk(rows, 'title sw "x"', { from: 10, count: 25 });
  const { total, rows: page } = await selected;
  assert.deepEqual([total, read.length], [40, 0]);
  const iterator = page[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value?.id, 'id10');
  assert.ok(read.length <= 8, `${read.length} rows read for the first one`);
  assert.deepEqual(
    await idsOf({ [Symbol.asyncIterator]: () => iterator }),
    rows.slice(11, 35).map(({ id }) => id),
  );
});

test('sorted: only keys are kept, long ones by their beginning', async () => {
  const rows = [3, 1, 2].map((n) => row(n, `${n}${'x'.repeat(200_000)}`));
  const { selected, read } = walk(rows, undefined, { from: 1, count: 2, sortBy: 'title' });
  const { total, rows: page } = await selected;
  assert.deepEqual([total, read.length], [3, 0]);
  assert.deepEqual(await idsOf(page), ['id2', 'id3']);
});

test('scans of a tenant go one at a time and in order; who waits too long, or beyond the bound, is told 429', async () => {
  const line = createScanLine(60_000);
  const order: number[] = [];
  const ends: (() => void)[] = [];
  const scans = Array.from({ length: 65 }, (_, n) =>
    line.run(async () => {
      order.push(n);
      await new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  await assert.rejects(
    line.run(async () => undefined),
    { status: 429, retryAfter: 5 },
  );
  for (let n = 0; n < scans.length; n += 1) {
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(order.length, n + 1, 'one at a time');
    ends.shift()?.();
  }
  await Promise.all(scans);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );

  const hurried = createScanLine(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = hurried.run(() => promise);
  await assert.rejects(
    hurried.run(async () => undefined),
    { status: 429 },
  );
  resolve();
  await first;
  assert.equal(await hurried.run(async () => 'next'), 'next');
});
