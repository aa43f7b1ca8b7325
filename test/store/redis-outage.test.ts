/** Redis is down, frozen or full: 503 from every method, nothing half-written, and on it goes when Redis is back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease, Store } from '../../src/bridge/ports/store.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { withoutRedis } from '../redis/server.ts';
import { DURABLE, SILENCE, useStores } from '../redis/stores.ts';
import { unavailable } from './folders.ts';
import { change, counts, deadLetter, removal, row, scanned, TROUBLES, write } from './rows.ts';

const KEY = { tenant: 't', id: 'a' };
const INDEX = { userName: 'ann', reserved: ['ann'], memberships: ['g'], display: 'Ann' };

/** One call of every method of the port. */
const calls = (store: Store, lease: Lease): Readonly<Record<string, () => Promise<unknown>>> => ({
  read: () => store.read(KEY),
  write: () => store.write(write({ tenant: 't', id: 'b' }, {}, { reservations: ['bob'] })),
  find: () => store.find('t', 'userName', 'ann'),
  page: () => store.page('t', 0, 9),
  scan: () => scanned(store, 't'),
  members: () => store.members('t', 'g', 9),
  memberSet: () => store.memberSet('t', 'g'),
  holder: () => store.reservedBy('zitadel', 'ann'),
  due: () => store.due('t', 9, 9),
  nextDue: () => store.nextDue('t'),
  troubled: () => store.withCondition('t', 'owed', 9),
  oldestOwed: () => store.oldestPending('t'),
  tombstones: () => store.tombstones('t', 9, 9),
  counts: () => store.counts('t'),
  damaged: () => store.damaged('t'),
  forget: () => store.forget({ tenant: 't', id: 'none' }),
  getState: () => store.getState('x'),
  setState: () => store.setState('x', 1),
  lease: () => store.lease({ tenant: 't', id: 'c' }, 60_000),
  prove: () => store.prove(lease, 60_000),
  release: () => store.release(lease),
});

async function until<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      assert.ok(unavailable(error), String(error));
      await sleep(20);
    }
  }
}

/** Everything that can be seen of a tenant. */
const sight = async (store: RedisStore) => ({
  counts: await store.counts('t'),
  page: await store.page('t', 0, 10),
  found: await Promise.all(['ann', 'other'].map((name) => store.find('t', 'userName', name))),
  holders: await Promise.all(['ann', 'other'].map((name) => store.reservedBy('zitadel', name))),
  troubled: await Promise.all(TROUBLES.map((condition) => store.withCondition('t', condition, 10))),
  oldestOwed: await store.oldestPending('t'),
  due: await store.due('t', 9, 10),
  sets: await Promise.all(['g', 'h'].map((group) => store.memberSet('t', group))),
  members: await Promise.all(['g', 'h'].map((group) => store.members('t', group, 10))),
});

describe('store/redis outage', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();

  for (const [what, leave, comeBack] of [
    ['down', 'kill', 'start'],
    ['frozen', 'freeze', 'thaw'],
  ] as const) {
    it(`${what}: every method answers 503, and works again when Redis is back`, async () => {
      const own = await server(DURABLE);
      const store = await open(own, what === 'frozen' ? SILENCE : {});
      await store.write(write(KEY, {}, INDEX));
      const lease = await store.lease(KEY, 60_000);
      assert.ok(lease !== undefined);
      const methods = calls(store, lease);
      const apart = new Set(['durability', 'watch', 'close', 'adopt']);
      assert.deepEqual(
        Object.keys(methods),
        Object.keys(store)
          .filter((name) => !apart.has(name))
          .toSorted(inOrderOf(methods)),
      );
      const before = await sight(store);

      await own[leave]();
      await Promise.all(Object.entries(methods).map(([name, call]) => assert.rejects(call, unavailable, name)));
      await own[comeBack]();

      const after = await until(() => sight(store));
      if (what === 'down') assert.deepEqual(after, before);
      assert.equal(await until(() => store.read(KEY)).then((found) => found?.version), 1);
      for (const [name, call] of Object.entries(methods)) await assert.doesNotReject(until(call), name);
      assert.deepEqual(await store.reservedBy('zitadel', 'bob'), { tenant: 't', id: 'b' });
    });
  }

  it('a write that timed out may have run: written again it is a version too old, not a second one', async () => {
    const own = await server();
    const store = await open(own, SILENCE);
    await store.write(write(KEY, {}, INDEX));
    const later = write(KEY, { version: 2, lastError: 'later' }, { ...INDEX, memberships: ['g', 'h'] });
    own.freeze();
    await assert.rejects(store.write(later), unavailable);
    own.thaw();
    const result = await until(() => store.write(later));
    assert.ok(result.kind === 'ok' || result.kind === 'version');
    assert.deepEqual(await store.read(KEY), later.row);
    assert.equal((await store.memberSet('t', 'h')).count, 1);
  });

  it('a lease that was taken by a call without an answer is given back', async () => {
    const own = await server();
    const store = await open(own, SILENCE);
    // the server knows the script from here on
    assert.ok(await store.lease({ ...KEY, id: 'other' }, 600_000));
    own.freeze();
    await assert.rejects(store.lease(KEY, 600_000), unavailable);
    own.thaw();
    let lease = await until(() => store.lease(KEY, 600_000));
    while (lease === undefined) lease = await until(() => store.lease(KEY, 600_000));
    assert.equal(await store.prove(lease, 600_000), true);
  });

  it('a lease that could not be given back is given back when Redis is there again', async () => {
    const own = await server(DURABLE);
    const store = await open(own);
    const old = await store.lease(KEY, 600_000);
    assert.ok(old !== undefined);
    await own.kill();
    await assert.rejects(store.release(old), unavailable);
    await own.start();
    let lease = await until(() => store.lease(KEY, 600_000));
    while (lease === undefined) lease = await until(() => store.lease(KEY, 600_000));
    assert.equal(await store.prove(old, 600_000), false);
  });

  it('a time that is none is 503, and nothing of that write stays', async () => {
    const store = await open(await server());
    await store.write(write(KEY, {}, INDEX));
    const before = await sight(store);
    for (const fields of [{ created: Number.NaN }, { dueAt: Number.POSITIVE_INFINITY }, { tombstone: Number.NaN }]) {
      await assert.rejects(
        store.write(write(KEY, { ...fields, version: 2 }, { reservations: ['other'] })),
        unavailable,
      );
    }
    assert.deepEqual(await sight(store), before);
  });

  it('full: what grows is 503 and leaves nothing behind, what makes room is written, reads go on', async () => {
    const own = await server();
    const store = await open(own);
    const big = write({ tenant: 't', id: 'big' }, { lastError: 'x'.repeat(10_000), pending: [change()] });
    await store.write(write(KEY, {}, INDEX));
    await store.write(big);
    const before = await sight(store);
    await redis(own).config('SET', 'maxmemory', 1_000);

    const condition = {
      pending: [change({ at: 1 }), change({ revision: 2, onHold: true })],
      doubt: true,
      deadLetters: [deadLetter()],
      dueAt: 1,
    };
    const moved = { userName: 'other', reserved: ['other'], memberships: ['h'], display: 'Other' };
    await assert.rejects(store.write(write(KEY, { ...condition, version: 2 }, moved)), unavailable);
    await assert.rejects(
      store.write(write(KEY, { ...condition, version: 2 }, INDEX)),
      unavailable,
      'no new names either',
    );
    await assert.rejects(store.write(write({ tenant: 't', id: 'c' })), unavailable);
    await assert.rejects(store.setState('x', 1), unavailable);
    await assert.rejects(store.lease(KEY, 60_000), unavailable);
    assert.deepEqual(await sight(store), before);

    const settled = write(big.key, { version: 2 });
    assert.deepEqual(await store.write(settled), { kind: 'ok' });
    assert.deepEqual(await store.read(big.key), settled.row);
    assert.deepEqual(await store.counts('t'), counts({ rows: 2 }));
    assert.deepEqual(await store.write(removal(KEY, 1)), { kind: 'ok' });
    assert.equal(await store.reservedBy('zitadel', 'ann'), undefined);

    await redis(own).config('SET', 'maxmemory', 0);
    assert.deepEqual(await store.write(write(KEY, {}, moved)), { kind: 'ok' });
    assert.deepEqual(await store.read(KEY), row(KEY));
  });
});

/** The order of the names in an object. */
const inOrderOf = (methods: object) => {
  const names = Object.keys(methods);
  return (left: string, right: string): number => names.indexOf(left) - names.indexOf(right);
};
