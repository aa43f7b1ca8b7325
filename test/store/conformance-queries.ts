/** Conformance: look-ups and lists. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { deadLetter, ids, scanned, write, writeAll } from './rows.ts';

const LAZY = { durable: false };

export function queryConformance(current: () => Store, fresh: (id?: string) => Key): void {
  describe('large rows', () => {
    const LARGE = 300_000;
    const large = (tenant: string, n: number) =>
      write(
        { tenant, id: `id${n}` },
        { created: n, confirmed: { title: 'x'.repeat(LARGE) }, lastError: 'x', deadLetters: [deadLetter()] },
      );

    it('come a few at a time, and all of them in the end', async () => {
      const [store, { tenant }] = [current(), fresh()];
      await writeAll(
        store,
        Array.from({ length: 12 }, (_, n) => large(tenant, n)),
      );
      const all = Array.from({ length: 12 }, (_, n) => `id${n}`);
      const most = 4;
      const { rows, total } = await store.page(tenant, 2, 10);
      assert.equal(total, 12);
      assert.ok(rows.length >= 1 && rows.length <= most, `a page of ${rows.length}`);
      assert.deepEqual(ids(rows), all.slice(2, 2 + rows.length));
      const seen: string[] = [];
      for await (const slice of store.scan(tenant)) {
        assert.ok(slice.length >= 1 && slice.length <= most, `a slice of ${slice.length}`);
        seen.push(...ids(slice));
      }
      assert.deepEqual(seen, all);
      const dead: string[] = [];
      for (let after: string | undefined; ; after = dead.at(-1)) {
        const some = await store.withCondition(tenant, 'deadLetter', 100, after);
        if (some.length === 0) break;
        assert.ok(some.length <= most, `${some.length} dead letters`);
        dead.push(...ids(some));
      }
      assert.deepEqual(dead, all.toSorted());
    });

    it('one that is larger than any bound is given all the same', async () => {
      const [store, key] = [current(), fresh()];
      await store.write(write(key, { confirmed: { title: 'x'.repeat(2_000_000) } }));
      assert.equal((await store.page(key.tenant, 0, 10)).rows.length, 1);
      assert.equal((await scanned(store, key.tenant)).length, 1);
    });
  });

  describe('find', () => {
    it('compares userName and e-mail without regard to case, externalId as it is', async () => {
      const [store, key] = [current(), fresh()];
      const index = { userName: 'Änn@Example.com', externalId: 'Ext', emails: ['Ä@x', 'ä@X', 'b@x'] };
      for (const durable of [true, false]) {
        await store.write(write(key, { version: durable ? 1 : 2 }, index), { durable });
        assert.deepEqual(ids(await store.find(key.tenant, 'userName', 'äNN@example.COM')), ['a']);
        assert.deepEqual(ids(await store.find(key.tenant, 'email', 'ä@x')), ['a']);
        assert.deepEqual(ids(await store.find(key.tenant, 'email', 'B@X')), ['a']);
        assert.deepEqual(ids(await store.find(key.tenant, 'externalId', 'Ext')), ['a']);
        assert.deepEqual(await store.find(key.tenant, 'externalId', 'ext'), []);
        assert.deepEqual(await store.find(key.tenant, 'userName', 'nn@example.com'), []);
      }
    });

    it('gives several rows oldest first, whether durable or not', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const index = { externalId: 'x', emails: ['x@x'] };
      for (const [n, id] of ['d', 'b', 'c', 'a'].entries()) {
        await store.write(write({ tenant, id }, { created: id === 'b' ? 9 : 5 }, index), { durable: n % 2 === 0 });
      }
      assert.deepEqual(ids(await store.find(tenant, 'externalId', 'x')), ['a', 'c', 'd', 'b']);
      assert.deepEqual(ids(await store.find(tenant, 'email', 'x@x')), ['a', 'c', 'd', 'b']);
    });

    it('takes no value for another one, whatever is in it', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const values = ['v', 'v\n', 'v\nfirst', 'v\nfirst\nfirst', '\n', '4:v', 'v\u0000'];
      for (const [n, externalId] of values.entries())
        await store.write(write({ tenant, id: n === 0 ? 'first' : `id-${n}` }, {}, { externalId }));
      for (const [n, externalId] of values.entries())
        assert.deepEqual(ids(await store.find(tenant, 'externalId', externalId)), [n === 0 ? 'first' : `id-${n}`]);
    });

    it('forgets what the row is no longer found by', async () => {
      const [store, key] = [current(), fresh()];
      await store.write(write(key, {}, { userName: 'old', externalId: 'old', emails: ['old', 'both'] }));
      const index = { userName: 'new', externalId: null, emails: ['both', 'new'] };
      for (const version of [2, 3]) {
        await store.write(write(key, { version }, index), { durable: version === 3 });
        for (const by of ['userName', 'externalId', 'email'] as const) {
          assert.deepEqual(await store.find(key.tenant, by, 'old'), [], by);
        }
        assert.deepEqual(ids(await store.find(key.tenant, 'userName', 'new')), ['a']);
        assert.deepEqual(ids(await store.find(key.tenant, 'email', 'both')), ['a']);
        assert.deepEqual(ids(await store.find(key.tenant, 'email', 'new')), ['a']);
      }
    });

    it('gives the newest row once', async () => {
      const [store, key] = [current(), fresh()];
      await store.write(write(key, {}, { userName: 'ann' }));
      await store.write(write(key, { version: 2 }, { userName: 'ann' }), LAZY);
      const found = await store.find(key.tenant, 'userName', 'ann');
      assert.deepEqual(
        found.map(({ version }) => version),
        [2],
      );
    });
  });

  describe('page and scan', () => {
    it('go by (created, id) with the exact total', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const wanted: string[] = [];
      for (let n = 0; n < 30; n++) wanted.push(`id-${String(n).padStart(2, '0')}`);
      // 30 rows, ten for each instant, written backwards
      await Promise.all(
        wanted
          .toReversed()
          .map((id) => store.write(write({ tenant, id }, { created: Math.floor(Number(id.slice(3)) / 10) }))),
      );
      await store.write(write({ tenant, id: 'hidden' }, { created: 1 }, { visible: false }));
      for (const [offset, limit] of [
        [0, 10],
        [0, 100],
        [5, 20],
        [25, 10],
        [29, 1],
        [30, 10],
        [1_000, 10],
        [3, 0],
      ] as const) {
        const { rows, total } = await store.page(tenant, offset, limit);
        assert.deepEqual(ids(rows), wanted.slice(offset, offset + limit), `${limit} from ${offset}`);
        assert.equal(total, 30);
      }
      assert.deepEqual(ids(await scanned(store, tenant)), wanted);
    });

    it('show a row no more once it is hidden, and again when it is shown', async () => {
      const [store, key] = [current(), fresh()];
      for (const [version, visible] of [
        [1, true],
        [2, false],
        [3, true],
        [4, true],
        [5, false],
      ] as const) {
        await store.write(write(key, { version }, { visible, userName: 'ann' }), { durable: version % 2 === 0 });
        const { rows, total } = await store.page(key.tenant, 0, 10);
        const shown = visible ? 1 : 0;
        const found = await store.find(key.tenant, 'userName', 'ann');
        const all = await scanned(store, key.tenant);
        assert.deepEqual(
          [rows.length, total, found.length, all.length],
          [shown, shown, shown, shown],
          `version ${version}`,
        );
      }
    });

    it('scan passes over 1,500 rows in slices, other work goes on between', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const wanted = Array.from({ length: 1_500 }, (_, n) => `id-${String(n).padStart(4, '0')}`);
      await writeAll(
        store,
        wanted.map((id, n) => write({ tenant, id }, { created: n - 700 })),
      );
      const seen: string[] = [];
      let [slices, turns, counting] = [0, 0, true];
      const turn = (): void => {
        turns++;
        if (counting) setImmediate(turn);
      };
      setImmediate(turn);
      for await (const slice of store.scan(tenant)) {
        slices++;
        seen.push(...ids(slice));
      }
      counting = false;
      assert.deepEqual(seen, wanted);
      assert.ok(slices > 1 && turns >= slices, `${slices} slices, ${turns} turns`);
    });

    it('scan goes on from behind any place', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const places = ['b', 'a', 'd', 'c'].map((id, n) => ({ id, created: Math.floor(n / 2) - 1 }));
      for (const { id, created } of places) {
        await store.write(write({ tenant, id }, { created }), { durable: id === 'c' });
      }
      assert.deepEqual(ids(await scanned(store, tenant)), ['a', 'b', 'c', 'd']);
      assert.deepEqual(ids(await scanned(store, tenant, { created: -1, id: 'a' })), ['b', 'c', 'd']);
      assert.deepEqual(ids(await scanned(store, tenant, { created: -1, id: 'x' })), ['c', 'd'], 'a row that is gone');
      assert.deepEqual(ids(await scanned(store, tenant, { created: 0, id: 'd' })), []);
      await store.write(write({ tenant, id: 'e' }, { created: 3 }), LAZY);
      assert.deepEqual(ids(await scanned(store, tenant, { created: 0, id: 'd' })), ['e'], 'lazy writes are seen');
    });

    it('scan may be left early', async () => {
      const [store, { tenant }] = [current(), fresh()];
      await Promise.all(['a', 'b'].map((id) => store.write(write({ tenant, id }))));
      for await (const slice of store.scan(tenant)) {
        assert.ok(slice.length > 0);
        break;
      }
      await store.write(write({ tenant, id: 'c' }));
      assert.deepEqual(ids(await scanned(store, tenant)), ['a', 'b', 'c']);
    });
  });
}
