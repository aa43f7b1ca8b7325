/** Several processes on one Redis: who wins, and what is left when one of them dies in the middle. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Write } from '../../src/bridge/ports/store.ts';
import { withoutRedis } from '../redis/server.ts';
import { DURABLE, useStores } from '../redis/stores.ts';
import { allMembers, counts, ids, removal, row, scanned, write } from './rows.ts';

describe('store/redis, many processes', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();

  it('of two writes of one version exactly one wins', async () => {
    const own = await server();
    const stores = [await open(own), await open(own)];
    const key = { tenant: 't', id: 'a' };
    const won: number[] = [];
    await Promise.all(
      stores.flatMap((store, n) =>
        [0, 1, 2].map(async () => {
          for (let tries = 0; tries < 100; tries++) {
            const version = ((await store.read(key))?.version ?? 0) + 1;
            const index = { memberships: [`g${version % 3}`], emails: [`${version}`] };
            const { kind } = await store.write(write(key, { version, lastError: `${n}` }, index));
            if (kind === 'ok') won.push(version);
          }
        }),
      ),
    );
    const last = (await stores[0]?.read(key))?.version ?? 0;
    assert.deepEqual(
      won.toSorted((left, right) => left - right),
      Array.from({ length: last }, (_, n) => n + 1),
    );
    assert.ok(last >= 100);
    for (const store of stores) {
      assert.deepEqual(await store.counts('t'), counts({ rows: 1 }));
      const sizes = await Promise.all([0, 1, 2].map(async (n) => (await store.memberSet('t', `g${n}`)).count));
      assert.deepEqual(
        sizes,
        [0, 1, 2].map((n) => (n === last % 3 ? 1 : 0)),
      );
      assert.deepEqual(ids(await store.find('t', 'email', `${last}`)), ['a']);
      assert.deepEqual(await store.find('t', 'email', `${last - 1}`), []);
    }
  });

  it('a lease has one holder over all of them, and its token is larger than any before', async () => {
    const own = await server(DURABLE);
    const [first, second] = [await open(own), await open(own)];
    const key = { tenant: 't', id: 'a' };
    const old = await first.lease(key, 30);
    assert.ok(old !== undefined);
    let next = await second.lease(key, 60_000);
    while (next === undefined) next = await second.lease(key, 60_000);
    assert.ok(next.token > old.token);
    assert.equal(await first.prove(old, 60_000), false, 'who slept past its lease has lost it');
    await first.release(old);
    assert.equal(await second.prove(next, 60_000), true);
    assert.equal(await first.lease(key, 60_000), undefined);
    assert.equal(await first.prove(next, 60_000), true, 'a lease is known by its token');
    await redis(own).flushall();
    assert.equal(await second.prove(next, 60_000), false, 'lost with the data of Redis');
    const anew = await first.lease(key, 60_000);
    assert.ok(anew !== undefined && anew.token > next.token);
  });

  it('100 leases at once of two processes: one each', async () => {
    const own = await server();
    const stores = [await open(own), await open(own)];
    const keys = Array.from({ length: 50 }, (_, n) => ({ tenant: 't', id: `id-${n}` }));
    const taken = await Promise.all(keys.flatMap((key) => stores.map((store) => store.lease(key, 60_000))));
    const held = taken.flatMap((lease) => (lease === undefined ? [] : [lease]));
    assert.deepEqual(new Set(held.map(({ key }) => key.id)).size, 50);
    assert.deepEqual(held.length, 50);
    assert.deepEqual(new Set(held.map(({ token }) => token)).size, 50);
  });

  it('any order of writes of three processes: names have one holder, and the indexes are those of the rows', async () => {
    const own = await server();
    const stores = [await open(own), await open(own), await open(own)];
    const wish = fc.record({
      id: fc.constantFrom('1', '2', '3'),
      remove: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      instance: fc.constantFrom('x', 'x', 'y'),
      reserved: fc.uniqueArray(fc.constantFrom('ann', 'bob', 'cid'), { maxLength: 2 }),
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(wish, { minLength: 4, maxLength: 12 }), { minLength: 3, maxLength: 3 }),
        async (wishes) => {
          const run = ++runs;
          const tenant = `t${run}`;
          /** the writes of each row that were accepted, each with a text of its own */
          const accepted = new Map<string, Write[]>();
          await Promise.all(
            wishes.map(async (own, n) => {
              for (const [step, { id, remove, reserved, ...rest }] of own.entries()) {
                const store = stores[n] as (typeof stores)[number];
                const key: Key = { tenant, id };
                const version = ((await store.read(key))?.version ?? 0) + 1;
                const index = { reservations: reserved, memberships: reserved, instance: `${run}${rest.instance}` };
                const asked =
                  remove && version > 1
                    ? removal(key, version - 1)
                    : write(key, { version, lastError: `${n}/${step}` }, index);
                const result = await store.write(asked);
                if (result.kind === 'ok') accepted.set(id, [...(accepted.get(id) ?? []), asked]);
              }
            }),
          );
          await agree(stores, run, tenant, accepted);
        },
      ),
      { numRuns: 60 },
    );

    async function agree(
      all: typeof stores,
      run: number,
      tenant: string,
      accepted: Map<string, Write[]>,
    ): Promise<void> {
      const [store] = all;
      if (store === undefined) return;
      const rows = await scanned(store, tenant);
      for (const instance of [`${run}x`, `${run}y`]) {
        for (const name of ['ann', 'bob', 'cid']) {
          const holders = rows.filter(({ id, lastError }) =>
            accepted
              .get(id)
              ?.some(
                ({ row: each, index }) =>
                  each?.lastError === lastError && index.instance === instance && index.reservations.includes(name),
              ),
          );
          const holder = await store.reservedBy(instance, name);
          assert.deepEqual(ids(holders), holder === undefined ? [] : [holder.id], `${name} in ${instance}`);
        }
      }
      for (const name of ['ann', 'bob', 'cid']) {
        const members = await allMembers(store, tenant, name, 2);
        assert.equal((await store.memberSet(tenant, name)).count, members.length);
        // nobody has what is free, and what somebody has is not free
        for (const instance of [`${run}x`, `${run}y`]) {
          const probe = write(
            { tenant: `${tenant}-probe`, id: `${instance}${name}` },
            {},
            { reservations: [name], instance },
          );
          const holder = await store.reservedBy(instance, name);
          const result = await store.write(probe);
          assert.deepEqual(result, holder === undefined ? { kind: 'ok' } : { kind: 'name', name, holder });
        }
      }
    }
  });

  it('keeps every acknowledged write over kill -9 of Redis, whole and in its last value', async () => {
    const own = await server(DURABLE);
    const store = await open(own);
    const promised = new Map<string, number>();
    let next = 0;
    const writing = Array.from({ length: 20 }, async () => {
      for (;;) {
        const id = `id-${next++}`;
        for (const version of [1, 2]) {
          const wish = write(
            { tenant: 't', id },
            { version, lastError: 'x'.repeat(500) },
            { reservations: [id], memberships: ['g'] },
          );
          const result = await store.write(wish).catch(() => undefined);
          // fails at once from now on: a loop would let nobody else run
          if (result === undefined) return;
          if (result.kind === 'ok') promised.set(id, version);
        }
      }
    });
    while (promised.size < 300) await sleep(5);
    await own.kill();
    await Promise.all(writing);
    await own.start();

    const again = await open(own);
    const found = new Map((await scanned(again, 't')).map((each) => [each.id, each]));
    for (const [id, version] of promised) {
      const kept = found.get(id);
      assert.ok(kept !== undefined && kept.version >= version, `${id} ${version}`);
      assert.deepEqual(kept, row({ tenant: 't', id }, { version: kept.version, lastError: 'x'.repeat(500) }));
      assert.deepEqual(await again.reservedBy('zitadel', id), { tenant: 't', id });
    }
    assert.equal((await again.memberSet('t', 'g')).count, found.size);
    assert.deepEqual(ids(await allMembers(again, 't', 'g', 100)), [...found.keys()].toSorted());
  });
});
