/** Conformance: who is in a group, and the set of its members as one thing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Index, Key } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { allMembers, ids, removal, write, writeAll } from './rows.ts';

const LAZY = { durable: false };
const NOBODY = { count: 0, revision: 0, modified: 0 };

const into = (...memberships: string[]): Partial<Index> => ({ memberships });

export function memberConformance(
  current: () => Store,
  fresh: (id?: string) => Key,
  small: () => Promise<Store>,
): void {
  describe('members', () => {
    it('are visible rows ordered by id, page by page, with the name they are shown by', async () => {
      const [store, { tenant }] = [current(), fresh()];
      assert.deepEqual(await store.members(tenant, 'g', 10), []);
      for (const [n, id] of ['e', 'b', 'a', 'd', 'c'].entries()) {
        const index = { ...into('other', 'g'), display: id === 'b' ? null : id.toUpperCase() };
        await store.write(write({ tenant, id }, { created: n }, index), { durable: n % 2 === 0 });
      }
      await store.write(write({ tenant, id: 'hidden' }, {}, { ...into('g'), visible: false }));
      await store.write(write({ tenant, id: 'elsewhere' }, {}, into('G', 'gg')), LAZY);
      for (const limit of [1, 2, 5, 10]) {
        assert.deepEqual(await allMembers(store, tenant, 'g', limit), [
          { id: 'a', display: 'A' },
          { id: 'b', display: null },
          { id: 'c', display: 'C' },
          { id: 'd', display: 'D' },
          { id: 'e', display: 'E' },
        ]);
      }
      assert.deepEqual(ids(await store.members(tenant, 'g', 2, 'bb')), ['c', 'd'], 'an id that is not there');
      assert.deepEqual(await store.members(tenant, 'g', 2, 'e'), []);
      assert.deepEqual(await store.members(tenant, 'g', 0), []);
      assert.equal((await store.memberSet(tenant, 'g')).count, 5);
    });

    it('come and go with their row: hidden, shown, buried, taken away', async () => {
      const [store, key] = [current(), fresh()];
      const { tenant } = key;
      let last = await store.memberSet(tenant, 'g');
      assert.deepEqual(last, NOBODY);
      const looks = async (shown: boolean, what: string): Promise<void> => {
        assert.deepEqual(ids(await store.members(tenant, 'g', 10)), shown ? ['a'] : [], what);
        const set = await store.memberSet(tenant, 'g');
        assert.equal(set.count, shown ? 1 : 0, what);
        assert.ok(set.revision > last.revision, what);
        last = set;
      };
      await store.write(write(key, {}, into('g')));
      await looks(true, 'new');
      await store.write(write(key, { version: 2 }, { ...into('g'), visible: false }), LAZY);
      await looks(false, 'hidden');
      await store.write(write(key, { version: 3 }, into('g')));
      await looks(true, 'shown');
      await store.write(write(key, { version: 4, tombstone: 5 }, into('g')), LAZY);
      await looks(false, 'deleted');
      await store.write(write(key, { version: 5 }, into('g')), LAZY);
      await looks(true, 'there again');
      await store.write(removal(key, 5), LAZY);
      await looks(false, 'taken away');
      await store.write(write(key, {}, into('g')), LAZY);
      await looks(true, 'made again');
      await store.write(write(key, { version: 2 }));
      await looks(false, 'in no group');
    });

    it('of a hidden row that goes, nobody left', async () => {
      const [store, key] = [current(), fresh()];
      await store.write(write(key, { tombstone: 5 }, into('g')));
      await store.write(removal(key, 1));
      assert.deepEqual(await store.memberSet(key.tenant, 'g'), NOBODY);
    });

    it('are shown by another name without being another set', async () => {
      const [store, key] = [current(), fresh()];
      const named = (version: number, display: string | null, ...groups: string[]) =>
        write(key, { version }, { ...into(...groups), display });
      await store.write(named(1, 'Ann', 'g', 'h'));
      const [g, h] = [await store.memberSet(key.tenant, 'g'), await store.memberSet(key.tenant, 'h')];
      for (const [version, display] of [
        [2, 'Anna'],
        [3, null],
        [4, ''],
      ] as const) {
        await store.write(named(version, display, 'h', 'g'), { durable: version === 3 });
        for (const group of ['g', 'h']) {
          assert.deepEqual(await store.members(key.tenant, group, 9), [{ id: 'a', display }], group);
        }
      }
      assert.deepEqual(await store.memberSet(key.tenant, 'g'), g);
      await store.write(named(5, 'Bea', 'g', 'i'), LAZY);
      for (const group of ['g', 'i']) {
        assert.deepEqual(await store.members(key.tenant, group, 9), [{ id: 'a', display: 'Bea' }], group);
      }
      assert.deepEqual(await store.members(key.tenant, 'h', 9), []);
      assert.deepEqual(await store.memberSet(key.tenant, 'g'), g, 'joining and leaving others is nothing to this one');
      assert.ok((await store.memberSet(key.tenant, 'h')).revision > h.revision);
    });

    it('are in a group once, however often it is named', async () => {
      const [store, key] = [current(), fresh()];
      await store.write(write(key, {}, into('g', 'g')));
      const once = await store.memberSet(key.tenant, 'g');
      assert.equal(once.count, 1);
      await store.write(write(key, { version: 2 }, into('g', 'g', 'g')));
      assert.deepEqual(await store.memberSet(key.tenant, 'g'), once);
      assert.deepEqual(ids(await allMembers(store, key.tenant, 'g', 1)), ['a']);
    });

    it('change nothing by a write that is refused, or that leaves memberships alone', async () => {
      const [store, key] = [current(), fresh()];
      const name = `${key.tenant}/ann`;
      await store.write(write(key, {}, { ...into('g'), reservations: [name] }));
      const before = await store.memberSet(key.tenant, 'g');
      const stale = { ...write(key, { version: 3 }), expect: 2 };
      assert.equal((await store.write(stale)).kind, 'version');
      const rival = write({ ...key, id: 'b' }, {}, { ...into('g', 'h'), reservations: [name] });
      assert.equal((await store.write(rival)).kind, 'name');
      await store.write(write(key, { version: 2, dueAt: 1, lastError: 'x' }, { ...into('g'), userName: 'ann' }));
      assert.deepEqual(await store.memberSet(key.tenant, 'g'), before);
      assert.deepEqual(await store.memberSet(key.tenant, 'h'), NOBODY);
      assert.deepEqual(ids(await store.members(key.tenant, 'g', 9)), ['a']);
    });

    it('of one group in several tenants do not meet, whatever the tenants are called', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const tenants = [tenant, `${tenant}:groups`, `${tenant}:groups:groups`, `${tenant}:`, `:${tenant}`];
      for (const [n, each] of tenants.entries()) {
        await store.write(write({ tenant: each, id: `id-${n}` }, {}, { ...into('g', 'g:1'), display: each }));
      }
      await store.write(removal({ tenant, id: 'id-0' }, 1));
      assert.deepEqual(await store.members(tenant, 'g', 9), []);
      for (const [n, each] of tenants.slice(1).entries()) {
        assert.deepEqual(await store.members(each, 'g', 9), [{ id: `id-${n + 1}`, display: each }]);
        assert.equal((await store.memberSet(each, 'g')).count, 1, each);
      }
    });

    it('a row is in 1,500 groups, and only those that it joins or leaves are other sets', async () => {
      const [store, key] = [current(), fresh()];
      const all = Array.from({ length: 1_500 }, (_, n) => `group-${n}`);
      const sets = () => Promise.all([...all, 'new'].map((group) => store.memberSet(key.tenant, group)));
      await store.write(write(key, {}, { ...into(...all), display: 'Ann' }));
      const before = await sets();
      assert.deepEqual(
        before.map(({ count }) => count),
        [...all.map(() => 1), 0],
      );
      const rest = all.filter((group) => group !== 'group-700');
      await store.write(write(key, { version: 2 }, { ...into('new', ...rest), display: 'Anna' }));
      const after = await sets();
      const others = all.flatMap((group, n) => (isDeepStrictEqual(before[n], after[n]) ? [] : [group]));
      assert.deepEqual(others, ['group-700']);
      assert.equal(after[1_500]?.count, 1);
      for (const group of ['group-0', 'group-1499', 'new']) {
        assert.deepEqual(await store.members(key.tenant, group, 2), [{ id: 'a', display: 'Anna' }], group);
      }
      assert.deepEqual(await store.members(key.tenant, 'group-700', 2), []);
      await store.write(removal(key, 2));
      assert.deepEqual(new Set((await sets()).map(({ count }) => count)), new Set([0]));
    });

    it('5,000 of a group come, are walked in slices, and one leaves', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const wanted = Array.from({ length: 5_000 }, (_, n) => `id-${String(n).padStart(4, '0')}`);
      await writeAll(
        store,
        wanted.toReversed().map((id) => write({ tenant, id }, {}, into('g'))),
      );
      assert.deepEqual(ids(await allMembers(store, tenant, 'g', 700)), wanted);
      const full = await store.memberSet(tenant, 'g');
      assert.equal(full.count, 5_000);
      await store.write(write({ tenant, id: 'id-2500' }, { version: 2 }));
      const { count, revision } = await store.memberSet(tenant, 'g');
      assert.ok(count === 4_999 && revision > full.revision);
      assert.deepEqual(ids(await store.members(tenant, 'g', 2, 'id-2499')), ['id-2501', 'id-2502']);
    });
  });

  describe('the set of members', () => {
    it('is exact at once, and every change of it has a revision of its own', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const start = Date.now();
      const seen = [await store.memberSet(tenant, 'g')];
      for (const [n, joins] of [true, false, true, true, false, false].entries()) {
        const id = n < 3 ? 'a' : 'b';
        const before = await store.read({ tenant, id });
        const version = (before?.version ?? 0) + 1;
        await store.write(write({ tenant, id }, { version }, joins ? into('g') : {}), LAZY);
        seen.push(await store.memberSet(tenant, 'g'));
      }
      assert.deepEqual(
        seen.map(({ count }) => count),
        [0, 1, 0, 1, 2, 1, 1],
      );
      const changed = seen.slice(1, -1);
      assert.deepEqual(seen.at(-1), changed.at(-1), 'who is not there does not leave');
      for (const [n, { revision, modified }] of changed.entries()) {
        assert.ok(revision > (seen[n]?.revision ?? 0), `${n}: ${revision}`);
        assert.ok(revision >= modified && modified >= start && modified <= Date.now(), `${n}: ${modified}`);
      }
    });

    it('loses nothing when 200 come and go together', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const key = (n: number): Key => ({ tenant, id: `id-${String(n).padStart(3, '0')}` });
      const all = Array.from({ length: 200 }, (_, n) => n);
      await Promise.all(all.filter((n) => n % 2 === 0).map((n) => store.write(write(key(n), {}, into('g')))));
      const before = await store.memberSet(tenant, 'g');
      await Promise.all(
        all.map((n) =>
          n % 2 === 0
            ? store.write(write(key(n), { version: 2 }), { durable: n % 3 === 0 })
            : store.write(write(key(n), {}, into('g')), { durable: n % 3 === 0 }),
        ),
      );
      const { count, revision } = await store.memberSet(tenant, 'g');
      assert.equal(count, 100);
      assert.ok(revision >= before.revision + 200, `${revision - before.revision} revisions for 200 changes`);
      const odd = all.filter((n) => n % 2 === 1).map((n) => key(n).id);
      assert.deepEqual(ids(await allMembers(store, tenant, 'g', 33)), odd);
    });

    it('falls back with a write that has no room, and gives its revision to nobody else', async () => {
      const [store, a, b] = [await small(), { tenant: 't', id: 'a' }, { tenant: 't', id: 'b' }];
      await store.write(write(a, {}, into('g')));
      const before = await store.memberSet('t', 'g');
      const big = write(
        b,
        { lastError: randomBytes(375_000).toString('base64') },
        { ...into('g', 'h'), display: 'Bea' },
      );
      const lost = assert.rejects(store.write(big));
      const seen = await store.memberSet('t', 'g');
      await lost;
      assert.deepEqual(await store.memberSet('t', 'g'), before);
      assert.deepEqual(await store.memberSet('t', 'h'), NOBODY);
      assert.deepEqual(ids(await store.members('t', 'g', 9)), ['a']);
      assert.deepEqual(await store.members('t', 'h', 9), []);
      await store.write(write(b, {}, into('g')));
      const { count, revision } = await store.memberSet('t', 'g');
      assert.ok(count === 2 && revision > seen.revision && revision > before.revision);
    });
  });
}
