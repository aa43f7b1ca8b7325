import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BridgeError } from '../../src/errors.ts';
import { syncing } from '../../src/admin/sync.ts';
import { fakeOperator, SYNCED } from './fake-operator.ts';
import { deskOf, run } from './run.ts';

test('sync says what it found', async () => {
  const acme = fakeOperator('acme');
  const { lines, value, exit } = await run(deskOf({ acme }), 'sync');
  assert.deepEqual(lines, ['acme: 7 users read, 1 new or changed, in 40 ms']);
  assert.deepEqual([value, exit, acme.asked], [{ acme: SYNCED }, 0, ['sync false']]);
});

test('users that are missing in great number wait for --accept-removals', async () => {
  const acme = fakeOperator('acme');
  acme.syncs = async ({ acceptRemovals }) => ({
    kind: 'finished',
    ms: 1,
    users: 7,
    changed: 0,
    ...(acceptRemovals ? { removed: 20, kept: 0 } : { removed: 0, kept: 20 }),
  });
  const kept = await run(deskOf({ acme }), 'sync');
  assert.match(kept.text, /20 users missing in ZITADEL.*run sync --accept-removals/);
  const taken = await run(deskOf({ acme }), 'sync', { acceptRemovals: true });
  assert.match(taken.text, /20 removed/);
  assert.deepEqual([kept.exit, taken.exit], [1, 0]);
});

test('a tenant that can not be synced keeps no other from it', async () => {
  const [acme, beta, zeta] = [fakeOperator('acme'), fakeOperator('beta'), fakeOperator('zeta')];
  acme.syncs = async () => ({ kind: 'failed', reason: 'ZITADEL is away' });
  beta.syncs = () => Promise.reject(new BridgeError(503, 'the store failed'));
  const { lines, exit } = await run(deskOf({ acme, beta, zeta }), 'sync');
  assert.deepEqual(lines, [
    'acme: failed: ZITADEL is away',
    'beta: failed: the store failed',
    'zeta: 7 users read, 1 new or changed, in 40 ms',
  ]);
  assert.equal(exit, 1);
});

test('while it runs it says how far it is', async () => {
  const acme = fakeOperator('acme');
  const told = Promise.withResolvers<void>();
  const progress: string[] = [];
  acme.tells = { sync: { finished: null, running: true, last: { kind: 'progress', users: 3, changed: 0 } } };
  acme.syncs = () => told.promise.then(() => SYNCED);
  const asker = {
    signal: new AbortController().signal,
    progress(line: string) {
      progress.push(line);
      told.resolve();
    },
  };
  await syncing(1)(deskOf({ acme }), {}, asker);
  assert.deepEqual(progress, ['acme: 3 users read so far']);
});
