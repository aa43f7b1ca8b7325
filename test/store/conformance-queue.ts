/** Conformance: what the queue asks (what is due, since when something is pending) and what an operator asks (rows in a condition, counts). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Key, Row } from '../../src/bridge/row/types.ts';
import type { Store, Condition } from '../../src/bridge/ports/store.ts';
import { CONDITION_NAMES } from '../../src/store/conditions.ts';
import { allDue, allWithCondition, change, counts, deadLetter, ids, removal, write, writeAll } from './rows.ts';

const LAZY = { durable: false };

/** A row in this condition and no other. */
const IN_CONDITION: Readonly<Record<Condition, Partial<Row>>> = {
  pending: { pending: [change()] },
  inDoubt: { doubt: true },
  deadLetter: { deadLetters: [deadLetter()] },
  onHold: { pending: [change({ onHold: true })] },
  blocked: { blocked: 'no permission' },
  hidden: { hidden: 1_700_000_000_000 },
};

export function queueConformance(current: () => Store, fresh: (id?: string) => Key): void {
  describe('due', () => {
    it('gives ids earliest first, as far as now', async () => {
      const [store, { tenant }] = [current(), fresh()];
      assert.equal(await store.nextDue(tenant), undefined);
      for (const [id, dueAt] of [
        ['c', 3_000],
        ['a', -1_000.5],
        ['b', 0],
        ['never', null],
      ] as const) {
        await store.write(write({ tenant, id }, { dueAt }), LAZY);
      }
      assert.equal(await store.nextDue(tenant), -1_000.5);
      assert.deepEqual(ids(await store.due(tenant, 0, 10)), ['a', 'b']);
      assert.deepEqual(await store.due(tenant, 3_000, 1), [{ id: 'a', dueAt: -1_000.5 }]);
      assert.deepEqual(ids(await store.due(tenant, 3_000, 10)), ['a', 'b', 'c']);
      assert.deepEqual(await store.due(tenant, -2_000, 10), []);
      await store.write(write({ tenant, id: 'a' }, { version: 2, dueAt: null }));
      await store.write(removal({ tenant, id: 'b' }, 1), LAZY);
      assert.equal(await store.nextDue(tenant), 3_000);
    });

    it('goes on from behind a place, whatever became of the row there', async () => {
      const [store, { tenant }] = [current(), fresh()];
      for (const [id, dueAt] of [
        ['d', 1],
        ['b', 2],
        ['c', 2],
        ['a', 3],
      ] as const) {
        await store.write(write({ tenant, id }, { dueAt }), { durable: id === 'a' });
      }
      assert.deepEqual(ids(await store.due(tenant, 9, 9, { dueAt: 1, id: 'd' })), ['b', 'c', 'a']);
      await store.write(write({ tenant, id: 'b' }, { version: 2, dueAt: 5 }), LAZY);
      assert.deepEqual(ids(await store.due(tenant, 9, 9, { dueAt: 2, id: 'b' })), ['c', 'a', 'b']);
      assert.deepEqual(ids(await store.due(tenant, 2, 9, { dueAt: 2, id: 'b' })), ['c']);
      assert.deepEqual(await store.due(tenant, 9, 9, { dueAt: 5, id: 'b' }), []);
    });

    it('walks 3,000 rows, many of one instant, each once', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const wanted = Array.from({ length: 3_000 }, (_, n) => ({
        id: `id-${String(n).padStart(4, '0')}`,
        dueAt: Math.floor(n / 1_000),
      }));
      await writeAll(
        store,
        wanted.toReversed().map(({ id, dueAt }) => write({ tenant, id }, { dueAt })),
      );
      assert.deepEqual(await allDue(store, tenant, 2, 70), wanted);
    });
  });

  describe('troubled', () => {
    for (const condition of CONDITION_NAMES) {
      it(`${condition}: ordered by id, page by page, hidden rows too`, async () => {
        const [store, { tenant }] = [current(), fresh()];
        const key = (id: string): Key => ({ tenant, id });
        for (const [n, id] of ['e', 'b', 'a', 'd', 'c'].entries()) {
          await store.write(write(key(id), IN_CONDITION[condition], { visible: id !== 'b' }), { durable: n % 2 === 0 });
        }
        await store.write(write(key('sound')), LAZY);
        for (const limit of [1, 2, 10]) {
          assert.deepEqual(ids(await allWithCondition(store, tenant, condition, limit)), ['a', 'b', 'c', 'd', 'e']);
        }
        assert.deepEqual(
          ids(await store.withCondition(tenant, condition, 2, 'bb')),
          ['c', 'd'],
          'an id that is not there',
        );
        assert.deepEqual(await store.counts(tenant), counts({ rows: 5, [condition]: 5 }));
        for (const other of CONDITION_NAMES) {
          if (other !== condition) assert.deepEqual(await store.withCondition(tenant, other, 10), [], other);
        }
        await store.write(write(key('c'), { version: 2 }), LAZY);
        await store.write(removal(key('d'), 1), LAZY);
        const later = { ...IN_CONDITION[condition], version: 2, lastError: 'again' };
        await store.write(write(key('e'), later), LAZY);
        assert.deepEqual(ids(await store.withCondition(tenant, condition, 10)), ['a', 'b', 'e']);
        assert.deepEqual(await store.withCondition(tenant, condition, 10, 'b'), [write(key('e'), later).row]);
        assert.deepEqual(await store.counts(tenant), counts({ rows: 4, [condition]: 3 }));
      });
    }

    it('a row may be in all conditions at once', async () => {
      const [store, key] = [current(), fresh()];
      const changes = [change({ onHold: true }), change({ revision: 2 })];
      const written = write(key, {
        ...IN_CONDITION.deadLetter,
        ...IN_CONDITION.inDoubt,
        ...IN_CONDITION.blocked,
        ...IN_CONDITION.hidden,
        pending: changes,
      });
      await store.write(written, LAZY);
      for (const condition of CONDITION_NAMES)
        assert.deepEqual(await store.withCondition(key.tenant, condition, 2), [written.row]);
      assert.deepEqual(
        await store.counts(key.tenant),
        counts({ rows: 1, pending: 1, inDoubt: 1, deadLetter: 1, onHold: 1, blocked: 1, hidden: 1 }),
      );
    });
  });

  it('oldestPending is when the oldest change that is not on hold was requested', async () => {
    const [store, { tenant }] = [current(), fresh()];
    const [a, b] = [
      { tenant, id: 'a' },
      { tenant, id: 'b' },
    ];
    assert.equal(await store.oldestPending(tenant), undefined);
    await store.write(write(a, { pending: [change({ at: 1, onHold: true })] }));
    assert.equal(await store.oldestPending(tenant), undefined);
    // the clock went back between the two
    await store.write(write(b, { pending: [change({ at: 30 }), change({ revision: 2, at: 20.5 })] }), LAZY);
    assert.equal(await store.oldestPending(tenant), 20.5);
    await store.write(
      write(a, { version: 2, pending: [change({ at: 1, onHold: true }), change({ revision: 2, at: 9 })] }),
    );
    assert.equal(await store.oldestPending(tenant), 9);
    await store.write(removal(a, 2), LAZY);
    assert.equal(await store.oldestPending(tenant), 20.5);
    await store.write(write(b, { version: 2 }), LAZY);
    assert.equal(await store.oldestPending(tenant), undefined);
  });

  it('tombstones are hidden, and listed by their age', async () => {
    const [store, { tenant }] = [current(), fresh()];
    for (const [id, tombstone] of [
      ['b', -20],
      ['a', -30],
      ['c', -10],
    ] as const) {
      await store.write(write({ tenant, id }, { tombstone }, { userName: id }), { durable: id === 'a' });
    }
    assert.deepEqual(ids(await store.tombstones(tenant, -10, 10)), ['a', 'b'], 'before, not at');
    assert.deepEqual(ids(await store.tombstones(tenant, -9, 2)), ['a', 'b']);
    assert.deepEqual(await store.page(tenant, 0, 10), { rows: [], total: 0 });
    assert.deepEqual(await store.find(tenant, 'userName', 'a'), []);
    assert.deepEqual(await store.tombstones(`${tenant}2`, 0, 10), [], 'of this tenant only');
    for (const id of ['a', 'b', 'c']) await store.write(removal({ tenant, id }, 1));
    assert.deepEqual(await store.tombstones(tenant, 0, 10), []);
  });

  it('counts follow every write', async () => {
    const [store, { tenant }] = [current(), fresh()];
    const [a, b] = [
      { tenant, id: 'a' },
      { tenant, id: 'b' },
    ];
    assert.deepEqual(await store.counts(tenant), counts());
    await store.write(write(a, { pending: [change(), change({ revision: 2 })], doubt: true }), LAZY);
    await store.write(write(b, { pending: [change({ kind: 'delete' })] }, { visible: false }));
    assert.deepEqual(await store.counts(tenant), counts({ rows: 1, pending: 2, inDoubt: 1 }));
    await store.write(write(a, { version: 2, pending: [change({ onHold: true })], blocked: 'x' }), LAZY);
    assert.deepEqual(await store.counts(tenant), counts({ rows: 1, pending: 1, onHold: 1, blocked: 1 }));
    await store.write(write(a, { version: 3, deadLetters: [deadLetter(), deadLetter({ revision: 2 })] }));
    assert.deepEqual(await store.counts(tenant), counts({ rows: 1, pending: 1, deadLetter: 1 }));
    await store.write(write(a, { version: 4 }));
    await store.write(removal(b, 1));
    assert.deepEqual(await store.counts(tenant), counts({ rows: 1 }));
  });
}
