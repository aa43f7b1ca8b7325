import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTOR, growthOf, growthOfAll } from './growth.ts';

test('headers and bodies take work in step with their length (npm run fuzz goes further)', async () => {
  assert.ok((await growthOfAll(20260131, 60)) > 600);
});

test('the measure sees what once stopped the process', async () => {
  for (const [expression, form] of [
    [/^\s*(\S+)\s+(\S.*?)\s*$/s, { start: 'Bearer a', piece: ' ', end: 'b' }],
    [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, { start: 'a@', piece: '.', end: ' ' }],
  ] as const)
    assert.ok((await growthOf((text) => expression.test(text), form)) > FACTOR, String(expression));
});
