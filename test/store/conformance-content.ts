/** Conformance: what may stand in a row and in the state, and that tenants do not meet. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { allDue, allTroubled, change, counts, deadLetter, ids, removal, scanned, TROUBLES, write } from './rows.ts';

const HOSTILE = [
  'a\0b',
  `"'\`;--`,
  "Robert'); DROP TABLE rows;--",
  '__proto__',
  'constructor',
  '',
  ' ',
  '%_*?[a]',
  '\u{1F600}\u0301',
  '\uFFFF',
  '\r\n\t\\',
  '{user}:1',
];

export function contentConformance(current: () => Store, fresh: (id?: string) => Key): void {
  describe('hostile strings', () => {
    for (const text of HOSTILE) {
      it(`${JSON.stringify(text)} is text like any other`, async () => {
        const [store, { tenant }] = [current(), fresh()];
        const key = { tenant: tenant + text, id: text };
        const confirmed = Object.fromEntries([
          [text, text],
          ['username', text],
        ]);
        const index = {
          userName: text,
          externalId: text,
          emails: [text],
          reservations: [tenant + text],
          instance: text,
          memberships: [text, 'g'],
          display: text,
        };
        for (const version of [1, 2]) {
          const fields = {
            version,
            confirmed,
            lastError: text,
            blocked: text,
            dueAt: 1,
            pending: [change({ at: 2 })],
          };
          const written = write(key, fields, index);
          assert.equal((await store.write(written, { durable: version === 2 })).kind, 'ok');
          assert.deepEqual(await store.read(key), written.row);
          for (const by of ['userName', 'externalId', 'email'] as const) {
            assert.deepEqual(ids(await store.find(key.tenant, by, text)), [text], by);
          }
          assert.deepEqual(await store.reservedBy(text, tenant + text), key);
          assert.deepEqual((await store.page(key.tenant, 0, 2)).rows, [written.row]);
          assert.deepEqual(await scanned(store, key.tenant), [written.row]);
          assert.deepEqual(await allTroubled(store, key.tenant, 'blocked', 1), [written.row]);
          assert.deepEqual(await allDue(store, key.tenant, 1, 1), [{ id: text, dueAt: 1 }]);
          assert.equal(await store.oldestPending(key.tenant), 2);
          assert.deepEqual(await store.members(key.tenant, text, 9), [{ id: text, display: text }]);
          assert.equal((await store.memberSet(key.tenant, text)).count, 1);
        }
        await store.setState(tenant + text, { [text]: text });
        assert.deepEqual(await store.getState(tenant + text), { [text]: text });
        const lease = await store.lease(key, 60_000);
        assert.ok(lease !== undefined && (await store.prove(lease, 1_000)));
        assert.equal((await store.write(removal(key, 2))).kind, 'ok');
      });
    }

    it('lone surrogates spoil nobody’s write', async () => {
      const [store, { tenant }] = [current(), fresh()];
      const writes = ['\uD800', '\uD801', '\uDC00'].map((text, n) => {
        const name = tenant + text;
        return write(
          { tenant, id: `id-${n}` },
          {},
          {
            userName: text,
            emails: [text, '\uD805'],
            reservations: [name, name],
            memberships: [text, '\uD805'],
            display: text,
          },
        );
      });
      const bystander = store.write(write({ tenant, id: 'z' }));
      const results = await Promise.all(writes.map((each) => store.write(each)));
      assert.equal(results[0]?.kind, 'ok');
      assert.equal((await bystander).kind, 'ok');
    });
  });

  it('a body of 1 MB makes the round trip', async () => {
    const [store, key] = [current(), fresh()];
    const written = write(key, { confirmed: { displayName: 'ä"\\'.repeat(250_000) } });
    await store.write(written, { durable: false });
    await store.write(write({ ...key, id: 'b' }));
    assert.deepEqual(await store.read(key), written.row);
    assert.deepEqual((await store.page(key.tenant, 0, 1)).rows, [written.row]);
  });

  it('tenants do not meet', async () => {
    const [store, first, second] = [current(), fresh('same'), fresh('same')];
    const index = { userName: 'ann', externalId: 'x', emails: ['a@b'] };
    const changes = [change(), change({ onHold: true })];
    const condition = { pending: changes, doubt: true, deadLetters: [deadLetter()], blocked: 'x', hidden: 2, dueAt: 1 };
    await store.write(write(first, { ...condition, lastError: 'first' }, index));
    assert.equal(await store.read(second), undefined);
    assert.deepEqual(await store.page(second.tenant, 0, 10), { rows: [], total: 0 });
    assert.deepEqual(await scanned(store, second.tenant), []);
    assert.deepEqual(await store.find(second.tenant, 'userName', 'ann'), []);
    assert.deepEqual(await store.due(second.tenant, 1, 10), []);
    assert.equal(await store.nextDue(second.tenant), undefined);
    assert.equal(await store.oldestPending(second.tenant), undefined);
    for (const each of TROUBLES) assert.deepEqual(await store.withCondition(second.tenant, each, 10), [], each);
    assert.deepEqual(await store.counts(second.tenant), counts());
    assert.equal((await store.write(write(second, { lastError: 'second' }, index))).kind, 'ok');
    await store.write(removal(second, 1));
    assert.equal((await store.read(first))?.lastError, 'first');
    assert.deepEqual(ids(await store.find(first.tenant, 'email', 'a@b')), ['same']);
  });

  describe('state', () => {
    it('keeps any JSON value by name', async () => {
      const store = current();
      assert.equal(await store.getState('nothing'), undefined);
      for (const value of [{ a: [1, null, 'x'] }, 0, false, null, 'text', []]) {
        await store.setState('value', value);
        assert.deepEqual(await store.getState('value'), value);
      }
      await store.setState('value', undefined);
      assert.equal(await store.getState('value'), undefined);
    });

    it('is seen before it is durable, and given as a copy', async () => {
      const store = current();
      const value = { pages: [1] };
      const set = store.setState('progress of a sync', value);
      value.pages.push(2);
      assert.deepEqual(await store.getState('progress of a sync'), { pages: [1] });
      await set;
      assert.deepEqual(await store.getState('progress of a sync'), { pages: [1] });
    });
  });
}
