/** What every store must do, whatever keeps it: one suite for all adapters, written against the port. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Key, Row } from '../../src/bridge/row/types.ts';
import type { Store, WriteResult } from '../../src/bridge/ports/store.ts';
import { BridgeError } from '../../src/errors.ts';
import { contentConformance } from './conformance-content.ts';
import { memberConformance } from './conformance-members.ts';
import { modelConformance } from './conformance-model.ts';
import { queryConformance } from './conformance-queries.ts';
import { queueConformance } from './conformance-queue.ts';
import { change, counts, deadLetter, ids, removal, row, TROUBLES, write } from './rows.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens what it left. */
  reopen(): Promise<Store>;
  /** A store of its own in which a few rows have room and one with 500,000 characters has none. */
  small(): Promise<Store>;
  /** Closes the stores and takes everything away. */
  destroy(): Promise<void>;
}

const OK: WriteResult = { kind: 'ok' };
const LAZY = { durable: false };

/** Every field that may be empty is not. */
const FULL: Partial<Row> = {
  pending: [change(), change({ revision: 2, kind: 'delete', facts: {}, named: [], acknowledged: false, onHold: true })],
  doubt: true,
  calling: 2,
  sentName: 'ann',
  recheck: { at: 1.5, facts: { title: null, phone: '+1' } },
  deadLetters: [deadLetter(), deadLetter({ revision: 2, cause: 'poisoned' })],
  blocked: 'no permission',
  hidden: 1_700_000_000_000,
  repeated: { reason: 'INTERNAL', since: 5, times: 3 },
  attempts: 4,
  dueAt: 1.5,
  lastError: 'x',
  replay: { hash: 'h', open: true },
};

export function storeConformance(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`store conformance: ${name}`, () => {
    let made: StoreUnderTest;
    let store: Store;
    let tests = 0;
    /** a key of a tenant of its own, for each test */
    const fresh = (id = 'a'): Key => ({ tenant: `tenant-${++tests}`, id });

    before(async () => {
      made = await makeStore();
      ({ store } = made);
    });
    after(() => made.destroy());

    describe('write and read', () => {
      for (const durable of [true, false]) {
        it(`reads back what was written, durable: ${durable}`, async () => {
          const key = fresh();
          assert.equal(await store.read(key), undefined);
          const first = write(key, { ...FULL, version: 1 });
          assert.deepEqual(await store.write(first, { durable }), OK);
          assert.deepEqual(await store.read(key), first.row);
          const second = write(key, { version: 2, confirmed: null });
          assert.deepEqual(await store.write(second, { durable }), OK);
          assert.deepEqual(await store.read(key), second.row);
        });
      }

      it('writes only over the expected version', async () => {
        const key = fresh();
        assert.deepEqual(await store.write({ ...write(key), expect: 1 }), { kind: 'version' });
        assert.equal(await store.read(key), undefined);
        await store.write(write(key), LAZY);
        for (const expect of [0, 2]) {
          const stale = { ...write(key, { version: 3 }, { reservations: ['stale'] }), expect };
          assert.deepEqual(await store.write(stale), { kind: 'version' });
        }
        assert.deepEqual(await store.read(key), row(key));
        assert.equal(await store.reservedBy('zitadel', 'stale'), undefined);
      });

      it('lets one of 200 simultaneous writes of a row win', async () => {
        const key = fresh();
        const results = await Promise.all(Array.from({ length: 200 }, () => store.write(write(key))));
        assert.equal(results.filter(({ kind }) => kind === 'ok').length, 1);
        assert.equal(results.filter(({ kind }) => kind === 'version').length, 199);
      });

      it('accepts 200 simultaneous writes of 200 rows', async () => {
        const { tenant } = fresh();
        const keys = Array.from({ length: 200 }, (_, n) => ({ tenant, id: `id-${n}` }));
        const results = await Promise.all(keys.map((key, n) => store.write(write(key), { durable: n % 2 === 0 })));
        assert.ok(results.every(({ kind }) => kind === 'ok'));
        const { rows, total } = await store.page(tenant, 0, 1_000);
        assert.deepEqual([rows.length, total], [200, 200]);
      });

      it('takes a row away, and everything it was found by', async () => {
        const key = fresh();
        const index = { userName: 'ann', externalId: 'x', emails: ['a@b'], reservations: [`${key.tenant}/ann`] };
        const fields = {
          pending: [change(), change({ onHold: true })],
          doubt: true,
          deadLetters: [deadLetter()],
          blocked: 'x',
          hidden: 5,
        };
        await store.write(write(key, { ...fields, dueAt: -5 }, index));
        assert.deepEqual(await store.write(removal(key, 2)), { kind: 'version' });
        assert.deepEqual(await store.write(removal(key, 1)), OK);
        assert.equal(await store.read(key), undefined);
        for (const [by, value] of [
          ['userName', 'ann'],
          ['externalId', 'x'],
          ['email', 'a@b'],
        ] as const) {
          assert.deepEqual(await store.find(key.tenant, by, value), []);
        }
        assert.deepEqual(await store.page(key.tenant, 0, 10), { rows: [], total: 0 });
        assert.equal(await store.reservedBy('zitadel', `${key.tenant}/ann`), undefined);
        assert.deepEqual(await store.due(key.tenant, 0, 10), []);
        for (const condition of TROUBLES)
          assert.deepEqual(await store.withCondition(key.tenant, condition, 10), [], condition);
        assert.equal(await store.oldestPending(key.tenant), undefined);
        assert.deepEqual(await store.counts(key.tenant), counts());
        assert.deepEqual(await store.write(write(key)), OK, 'a row that is gone has version 0');
      });
    });

    describe('reserved names', () => {
      it('belong to one row of a ZITADEL, whatever its tenant', async () => {
        const [first, second] = [fresh(), fresh()];
        const name = `${first.tenant}/ann`;
        assert.deepEqual(await store.write(write(first, {}, { reservations: [name] })), OK);
        const refused = { kind: 'name', name, holder: first };
        const rival = write(second, {}, { reservations: ['free', name] });
        assert.deepEqual(await store.write(rival), refused);
        assert.equal(await store.read(second), undefined);
        assert.equal(await store.reservedBy('zitadel', 'free'), undefined, 'nothing of a refused write stays');
        assert.deepEqual(await store.write(write(second, {}, { reservations: [name], instance: 'other' })), OK);
        assert.deepEqual(await store.reservedBy('zitadel', name), first);
        assert.deepEqual(await store.reservedBy('other', name), second);
      });

      it('may be kept by their own row, and are free once its index leaves them out', async () => {
        const [first, second] = [fresh(), fresh()];
        const [old, young] = [`${first.tenant}/old`, `${first.tenant}/young`];
        await store.write(write(first, {}, { reservations: [old, old] }));
        assert.deepEqual(await store.write(write(first, { version: 2 }, { reservations: [young, old] })), OK);
        assert.deepEqual(await store.write(write(first, { version: 3 }, { reservations: [young] }), LAZY), OK);
        assert.equal(await store.reservedBy('zitadel', old), undefined);
        assert.deepEqual(await store.write(write(second, {}, { reservations: [old] })), OK);
        assert.deepEqual(await store.reservedBy('zitadel', old), second);
        assert.deepEqual(await store.reservedBy('zitadel', young), first);
      });

      it('move with their row to another ZITADEL', async () => {
        const key = fresh();
        const reserved = [`${key.tenant}/ann`];
        await store.write(write(key, {}, { reservations: reserved }));
        await store.write(write(key, { version: 2 }, { reservations: reserved, instance: 'other' }));
        assert.equal(await store.reservedBy('zitadel', `${key.tenant}/ann`), undefined);
        assert.deepEqual(await store.reservedBy('other', `${key.tenant}/ann`), key);
      });

      it('go to one of 50 rows that ask at once', async () => {
        const { tenant } = fresh();
        const asked = Array.from({ length: 50 }, (_, n) =>
          store.write(write({ tenant, id: `id-${n}` }, {}, { reservations: [`${tenant}/ann`] }), {
            durable: n % 2 === 0,
          }),
        );
        const results = await Promise.all(asked);
        assert.equal(results.filter(({ kind }) => kind === 'ok').length, 1);
        assert.deepEqual(ids((await store.page(tenant, 0, 100)).rows), ['id-0']);
      });
    });

    describe('leases', () => {
      it('have one holder until they are released', async () => {
        const key = fresh();
        const lease = await store.lease(key, 60_000);
        assert.ok(lease !== undefined);
        assert.deepEqual(lease.key, key);
        assert.equal(await store.lease(key, 60_000), undefined);
        assert.ok((await store.lease({ ...key, id: 'b' }, 60_000)) !== undefined, 'other rows are free');
        assert.equal(await store.prove(lease, 1_000), true);
        await store.release(lease);
        assert.equal(await store.prove(lease, 1_000), false);
        const next = await store.lease(key, 60_000);
        assert.ok(next !== undefined && next.token > lease.token, 'tokens grow');
        await store.release(lease);
        assert.equal(await store.prove(next, 1_000), true, 'an old lease releases nothing');
      });

      it('are renewed by being proved', async () => {
        const key = fresh();
        const lease = await store.lease(key, 30_000);
        assert.ok(lease !== undefined && (await store.prove(lease, 60_000)));
        assert.ok(await store.prove(lease, 1));
        let next = await store.lease(key, 60_000);
        while (next === undefined) next = await store.lease(key, 60_000);
        assert.equal(await store.prove(lease, 60_000), false);
      });

      it('end by themselves', async () => {
        const key = fresh();
        const lease = await store.lease(key, 20);
        assert.ok(lease !== undefined);
        let next = await store.lease(key, 60_000);
        while (next === undefined) next = await store.lease(key, 60_000);
        assert.equal(await store.prove(lease, 1_000), false);
        assert.equal(await store.prove(next, 1_000), true);
      });

      it('are taken with a write, or neither happens', async () => {
        const key = fresh();
        const taken = await store.write(write(key, { version: 1 }), { durable: true, take: 60_000 });
        assert.ok(taken.kind === 'ok' && taken.lease !== undefined);
        assert.equal(await store.lease(key, 60_000), undefined);
        const other = await store.write(write(key, { version: 2 }), { durable: true, take: 60_000 });
        assert.deepEqual(other, { kind: 'leased' });
        assert.equal((await store.read(key))?.version, 1);
        await store.release(taken.lease);
        assert.deepEqual(await store.write(write(key, { version: 1 }), { durable: true, take: 60_000 }), {
          kind: 'version',
        });
        assert.ok((await store.lease(key, 60_000)) !== undefined, 'what was not written took nothing');
      });

      it('let nobody else write under them', async () => {
        const key = fresh();
        const old = await store.lease(key, 60_000);
        assert.ok(old !== undefined);
        assert.deepEqual(await store.write(write(key, { version: 1 }), { durable: true, under: old }), { kind: 'ok' });
        await store.release(old);
        const next = await store.lease(key, 60_000);
        assert.ok(next !== undefined);
        assert.deepEqual(await store.write(write(key, { version: 2 }), { durable: true, under: old }), {
          kind: 'leased',
        });
        assert.deepEqual(await store.write(write(key, { version: 1 }), { durable: true, under: next }), {
          kind: 'version',
        });
        assert.deepEqual(
          await store.write(write(key, { version: 2 })),
          { kind: 'ok' },
          'what is appended needs no lease',
        );
      });

      it('give the row as they are given back', async () => {
        const key = fresh();
        const lease = await store.lease(key, 60_000);
        assert.ok(lease !== undefined);
        const written = write(key, { version: 1 });
        await store.write(written);
        assert.deepEqual(await store.release(lease), written.row);
        assert.deepEqual(await store.release(lease), written.row, 'also of one that is not ours any more');
        const nothing = await store.lease(fresh(), 60_000);
        assert.equal(nothing && (await store.release(nothing)), undefined);
      });
    });

    queryConformance(() => store, fresh);
    queueConformance(() => store, fresh);
    memberConformance(
      () => store,
      fresh,
      () => made.small(),
    );
    contentConformance(() => store, fresh);
    modelConformance(
      () => store,
      async () => (store = await made.reopen()),
    );

    describe('over a restart', () => {
      it('keeps rows, names, counts and state, lazy writes too', async () => {
        const [first, second] = [fresh('a'), fresh('b')];
        const name = `${first.tenant}/ann`;
        const changes = [change({ at: 5 }), change({ revision: 2, onHold: true, at: 4 })];
        const fields = {
          pending: changes,
          doubt: true,
          deadLetters: [deadLetter()],
          blocked: 'no permission',
          hidden: 5,
        };
        const memberships = { memberships: ['left', 'g'], display: 'Ann' };
        const written = write(
          first,
          { ...fields, dueAt: -7 },
          { userName: 'Ann', reservations: [name], ...memberships },
        );
        await store.write(written);
        await store.setState('progress', { pages: 3 });
        await store.write(write(second), LAZY);
        const member = (version: number, groups: readonly string[]) =>
          write({ ...second, tenant: first.tenant }, { version }, { memberships: groups, visible: groups.length > 0 });
        await store.write(member(1, ['g', 'only']));
        const kept = await store.memberSet(first.tenant, 'left');
        await store.write(member(2, []), LAZY);
        const sets = await Promise.all(['g', 'only'].map((group) => store.memberSet(first.tenant, group)));
        store = await made.reopen();
        assert.deepEqual(await store.memberSet(first.tenant, 'left'), kept);
        for (const [n, group] of ['g', 'only'].entries()) {
          assert.deepEqual(await store.memberSet(first.tenant, group), sets[n], group);
        }
        assert.deepEqual(await store.members(first.tenant, 'g', 9), [{ id: 'a', display: 'Ann' }]);
        await store.write(member(3, ['only']));
        const only = await store.memberSet(first.tenant, 'only');
        assert.ok(only.count === 1 && only.revision > (sets[1]?.revision ?? 0), 'an empty set keeps its revision');
        assert.deepEqual(await store.write(removal({ ...second, tenant: first.tenant }, 3)), OK);
        assert.deepEqual(await store.read(first), written.row);
        assert.deepEqual(await store.read(second), row(second));
        assert.deepEqual(ids(await store.find(first.tenant, 'userName', 'ANN')), ['a']);
        assert.deepEqual(await store.reservedBy('zitadel', name), first);
        assert.deepEqual(
          await store.counts(first.tenant),
          counts({ rows: 1, owed: 1, doubt: 1, dead: 1, held: 1, blocked: 1, hidden: 1 }),
        );
        assert.deepEqual((await store.page(second.tenant, 0, 10)).total, 1);
        assert.deepEqual(await store.getState('progress'), { pages: 3 });
        assert.deepEqual(await store.due(first.tenant, 0, 10), [{ id: 'a', dueAt: -7 }]);
        for (const condition of TROUBLES)
          assert.deepEqual(await store.withCondition(first.tenant, condition, 2), [written.row]);
        assert.equal(await store.oldestPending(first.tenant), 5);
        assert.deepEqual(await store.write(written), { kind: 'version' });
      });

      it('answers 503 once it is closed', async () => {
        const closed = store;
        const key = fresh();
        store = await made.reopen();
        const unavailable = (error: unknown) => error instanceof BridgeError && error.status === 503;
        await assert.rejects(closed.read(key), unavailable);
        await assert.rejects(closed.write(write(key)), unavailable);
        await assert.rejects(closed.page(key.tenant, 0, 1), unavailable);
        assert.equal(await store.read(key), undefined);
      });
    });
  });
}
