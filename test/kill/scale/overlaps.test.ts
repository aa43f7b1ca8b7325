import assert from 'node:assert/strict';
import { test } from 'node:test';
import { written } from '../evidence.ts';
import type { Written } from '../people.ts';
import { overlapsOf, type Read } from './overlaps.ts';

const call = (began: number, time: number, over: Partial<Written> = {}): Written =>
  written('UpdateUser', { n: began, began, time, ...over });
const read = (began: number, over: Partial<Read> = {}): Read => ({ id: 'a', began, status: 200, ...over });
const found = (calls: readonly Written[], reads: readonly Read[] = []): readonly boolean[] =>
  overlapsOf(calls, reads).map(({ isConfirmed }) => isConfirmed);

test('calls on one user overlap when one came in before the other was at its end', () => {
  assert.deepEqual(found([call(0, 5), call(5, 9)]), []);
  assert.deepEqual(found([call(0, 6), call(5, 9)]), [false]);
  assert.deepEqual(found([call(5, 9), call(0, 6)]), [false], 'in the order of their ends');
  assert.deepEqual(found([call(0, 20), call(5, 9), call(10, 12)]), [false, false]);
  assert.deepEqual(found([call(0, 6), call(5, 9, { id: 'b' })]), []);
  assert.deepEqual(found([call(0, 6, { id: '' }), call(5, 9, { id: '' })]), [], 'about no user');
  assert.deepEqual(found([call(0, 6, { outcome: 'fault' }), call(5, 9)]), [], 'it never came to be applied');
});

test('they are confirmed by a read that began once both were at their end', () => {
  const calls = [call(0, 12), call(5, 9)];
  assert.deepEqual(found(calls, [read(13)]), [true]);
  assert.deepEqual(found(calls, [read(13, { status: 404 })]), [true], 'gone is an answer');
  assert.deepEqual(found(calls, [read(20), read(3)]), [true]);
  assert.deepEqual(found(calls, [read(10)]), [false]);
  assert.deepEqual(found(calls, [read(13, { status: 503 })]), [false]);
  assert.deepEqual(found(calls, [read(13, { id: 'b' })]), [false]);
});
