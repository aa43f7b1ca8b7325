import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALONE } from '../../src/bridge/ports/peers.ts';
import { createWaiters } from '../../src/bridge/delivery/waiters.ts';

const KEY = { tenant: 't', id: 'a' };

test('a change of another process is awaited while that lives and has not answered it', () => {
  const living = new Set(['other']);
  const waiters = createWaiters({ ...ALONE, own: 'this', alive: (process) => living.has(process) });
  const change = { revision: 1, answered: false, process: 'other' };
  assert.equal(waiters.awaited(KEY, change), true);
  // answered in an outage: the queue delivers it, nobody has to hurry
  assert.equal(waiters.awaited(KEY, { ...change, acknowledged: true }), false);
  assert.equal(waiters.awaited(KEY, { ...change, process: 'this' }), false, 'a request of our own is known here');
  living.clear();
  assert.equal(waiters.awaited(KEY, change), false);
});
