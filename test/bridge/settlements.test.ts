import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALONE } from '../../src/bridge/peers.ts';
import { createSettlements } from '../../src/bridge/settlements.ts';

const KEY = { tenant: 't', id: 'a' };

test('a change of another process is awaited while that lives and has not answered it', () => {
  const living = new Set(['other']);
  const settlements = createSettlements({ ...ALONE, own: 'this', alive: (process) => living.has(process) });
  const change = { revision: 1, answered: false, process: 'other' };
  assert.equal(settlements.awaited(KEY, change), true);
  // answered in an outage: the queue delivers it, nobody has to hurry
  assert.equal(settlements.awaited(KEY, { ...change, answered: true }), false);
  assert.equal(settlements.awaited(KEY, { ...change, process: 'this' }), false, 'a request of our own is known here');
  living.clear();
  assert.equal(settlements.awaited(KEY, change), false);
});
