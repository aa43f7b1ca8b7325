import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BridgeError } from '../../src/errors.ts';
import { syncing } from '../../src/admin/sync.ts';
import { fakeOperator, SYNCED } from './fake-operator.ts';
import { deskOf, run } from './run.ts';

test('sync says what it found', async () => {
  const north = fakeOperator('north');
  const { lines, value, exit } = await run(deskOf({ north }), 'sync');
  assert.deepEqual(lines, ['north: 7 users read, 1 new or changed, in 40 ms']);
  assert.deepEqual([value, exit, north.asked], [{ north: SYNCED }, 0, ['sync false']]);
});

test('users that are missing in great number wait for --accept-removals', async () => {
  const north = fakeOperator('north');
  north.syncs = async ({ acceptRemovals }) => ({
    kind: 'finished',
    keptKeys: 0,
    ms: 1,
    users: 7,
    changed: 0,
    ...(acceptRemovals ? { removed: 20, kept: 0 } : { removed: 0, kept: 20 }),
    hidden: 0,
  });
  const kept = await run(deskOf({ north }), 'sync');
  assert.match(kept.text, /20 users missing in ZITADEL.*run sync --accept-removals/);
  const taken = await run(deskOf({ north }), 'sync', { acceptRemovals: true });
  assert.match(taken.text, /20 removed/);
  assert.deepEqual([kept.exit, taken.exit], [1, 0]);
});

test('a tenant that cannot be synced keeps no other from it', async () => {
  const [north, beta, zeta] = [fakeOperator('north'), fakeOperator('beta'), fakeOperator('zeta')];
  north.syncs = async () => ({ kind: 'failed', reason: 'ZITADEL is away' });
  beta.syncs = () => Promise.reject(new BridgeError(503, 'the store failed'));
  const { lines, exit } = await run(deskOf({ north, beta, zeta }), 'sync');
  assert.deepEqual(lines, [
    'north: failed: ZITADEL is away',
    'beta: failed: the store failed',
    'zeta: 7 users read, 1 new or changed, in 40 ms',
  ]);
  assert.equal(exit, 1);
});

test('while it runs it says how far it is', async () => {
  const north = fakeOperator('north');
  const told = Promise.withResolvers<void>();
  const progress: string[] = [];
  north.tells = { sync: { finished: null, running: true, last: { kind: 'progress', users: 3, changed: 0 } } };
  north.syncs = () => told.promise.then(() => SYNCED);
  const asker = {
    signal: new AbortController().signal,
    progress(line: string) {
      progress.push(line);
      told.resolve();
    },
  };
  await syncing(1)(deskOf({ north }), {}, asker);
  assert.deepEqual(progress, ['north: 3 users read so far']);
});
