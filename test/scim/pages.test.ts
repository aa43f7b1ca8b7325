import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderInSlices, renderPage } from '../../src/scim/http/pages.ts';

const textOf = ({ pieces }: { readonly pieces: readonly Buffer[] }): string => `[${Buffer.concat(pieces).toString()}]`;

test('RFC 7644 §3.4.2.4: a page ends before it grows too large; what is behind it is not even read', async () => {
  let read = 0;
  async function* many() {
    for (; read < 1_000; ) {
      read += 1;
      yield { id: `id${read}`, title: 'é'.repeat(500) };
    }
  }
  const page = await renderPage(many(), 10_000);
  assert.equal(page.count, 9);
  assert.equal(read, 10);
  assert.deepEqual(JSON.parse(textOf(page)).length, 9);
});

test('one resource is shown whatever its size', async () => {
  const page = await renderPage([{ id: 'a', title: 'x'.repeat(500) }, { id: 'b' }], 100);
  assert.deepEqual(JSON.parse(textOf(page)), [{ id: 'a', title: 'x'.repeat(500) }]);
});

test('a group of thousands is the same JSON, in slices', async () => {
  const members = Array.from({ length: 5_001 }, (_, n) => ({ value: `id${n}`, type: 'User', display: undefined }));
  const group = { schemas: ['urn:x'], id: 'g', externalId: undefined, members, meta: { version: 'W/"1"' } };
  assert.equal((await renderInSlices(group)).join(''), JSON.stringify(group));
  const { count, pieces } = await renderPage([group, group], 1_000_000);
  assert.equal(count, 2);
  assert.ok(
    pieces.every(({ length }) => length < 200_000),
    'no piece is large',
  );
  assert.equal(textOf({ pieces }), JSON.stringify([group, group]));
  assert.deepEqual(await renderPage([]), { count: 0, pieces: [] });
});
