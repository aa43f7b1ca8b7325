import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentHash } from '../../src/scim/http/content-hash.ts';

test('the same content has the same hash in whatever order it stands; lists keep theirs', () => {
  const hash = contentHash({ a: 1, b: { c: [1, 2], d: null } });
  assert.match(hash, /^[\w-]{22}$/);
  assert.equal(contentHash({ b: { d: null, c: [1, 2] }, a: 1 }), hash);
  assert.notEqual(contentHash({ a: 1, b: { c: [2, 1], d: null } }), hash);
  assert.notEqual(contentHash({ a: 1, b: { c: [1, 2] } }), hash);
});
