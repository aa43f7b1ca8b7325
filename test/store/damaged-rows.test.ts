/** One row that cannot be read: it is set aside, the others are served as if it were hidden. Both stores. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { BridgeError, DamagedRow } from '../../src/errors.ts';
import { createRedisStore } from '../../src/store/redis/store.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { withoutRedis } from '../redis/server.ts';
import { useStores } from '../redis/stores.ts';
import { useFolders } from './folders.ts';
import { change, row, write } from './rows.ts';

interface World {
  /** Puts `garbage` in the place of a body; the store is open or not. */
  damage(key: Key, garbage: string): Promise<void>;
  /** Opens it, or again. */
  open(onDamaged: (key: Key) => void): Promise<Store>;
}

const T = 't';
const key = (n: number): Key => ({ tenant: T, id: `id-${n}` });
const GARBAGE = [
  '{"tenant":"t","id',
  '',
  'null',
  '5',
  '{}',
  '[]',
  '{"pending":5,"deadLetters":[],"trusted":[],"confirmed":null}',
];

const isDamaged = (error: unknown): boolean => {
  assert.ok(error instanceof DamagedRow);
  assert.equal(error.status, 503);
  assert.match(error.message, /id-\d is damaged.*scim-bridge doctor/u);
  return true;
};

function suite(make: () => Promise<World>): void {
  const fill = async (store: Store): Promise<void> => {
    for (let n = 0; n < 7; n++) {
      const isOwed = n === 3;
      const made = row(key(n), { created: n, dueAt: isOwed ? 1 : null, pending: isOwed ? [change()] : [] });
      await store.write(
        write(key(n), made, { userName: `name-${n}`, reservations: [`name-${n}`], memberships: ['g'] }),
      );
    }
  };
  const scanned = async (store: Store): Promise<string[]> => {
    const ids: string[] = [];
    for await (const rows of store.scan(T)) ids.push(...rows.map(({ id }) => id));
    return ids;
  };

  for (const garbage of GARBAGE)
    it(`${JSON.stringify(garbage)}: left out of every list, its name stays reserved, and it can be forgotten`, async () => {
      const world = await make();
      let store = await world.open(() => undefined);
      await fill(store);
      await store.close();
      await world.damage(key(3), garbage);
      const told: string[] = [];
      store = await world.open(({ id }) => told.push(id));
      const others = [0, 1, 2, 4, 5, 6].map((n) => `id-${n}`);

      // the embedded store looks at its start, Redis when it meets one
      await store.page(T, 0, 10);
      for (const offset of [0, 1, 2, 3, 4, 5, 6])
        for (const limit of [0, 1, 3, 10]) {
          const { rows, total } = await store.page(T, offset, limit);
          assert.equal(total, 6);
          assert.deepEqual(
            rows.map(({ id }) => id),
            others.slice(offset, offset + limit),
            `from ${offset}, ${limit}`,
          );
        }
      assert.deepEqual(await scanned(store), others);
      assert.deepEqual(await store.due(T, 10, 10), []);
      assert.equal(await store.nextDue(T), undefined);
      assert.deepEqual(await store.withCondition(T, 'pending', 10), []);
      assert.deepEqual(await store.find(T, 'userName', 'name-3'), []);
      assert.equal((await store.find(T, 'userName', 'name-4')).length, 1);
      assert.deepEqual(await store.damaged(T), ['id-3']);
      assert.deepEqual(await store.damaged('other'), []);
      assert.deepEqual(told, ['id-3'], 'told once');

      await assert.rejects(store.read(key(3)), isDamaged);
      assert.deepEqual(await store.reservedBy('zitadel', 'name-3'), key(3));
      const rival = write(key(9), {}, { reservations: ['name-3'] });
      assert.deepEqual(await store.write(rival), { kind: 'name', name: 'name-3', holder: key(3) });

      assert.equal(await store.forget(key(4)), false, 'only what cannot be read');
      assert.equal(await store.forget(key(3)), true);
      assert.equal(await store.forget(key(3)), false);
      assert.deepEqual(await store.damaged(T), []);
      assert.equal(await store.read(key(3)), undefined);
      assert.equal((await store.memberSet(T, 'g')).count, 6);
      assert.deepEqual(await store.write(rival), { kind: 'ok' });
      assert.equal((await store.page(T, 0, 10)).total, 7);
      await store.close();
    });

  it('one that is damaged while the store is open is found by the list that meets it', async () => {
    const world = await make();
    const told: string[] = [];
    const store = await world.open(({ id }) => told.push(id));
    await fill(store);
    // more than the store remembers
    for (let n = 0; n < 250; n++) await store.write(write({ tenant: 'other', id: `id-${n}` }), { durable: n === 249 });
    await world.damage(key(5), '{');
    const { rows, total } = await store.page(T, 4, 2);
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['id-4', 'id-6'],
    );
    assert.equal(total, 6);
    assert.deepEqual(told, ['id-5']);
    await store.close();
  });
}

describe('store/sqlite: damaged rows', { timeout: 600_000 }, () => {
  const { newFolder } = useFolders();
  suite(async () => {
    const directory = await newFolder();
    return {
      open: (onDamaged) => createSqliteStore({ directory, onDamaged }),
      async damage({ tenant, id }, garbage) {
        const db = new DatabaseSync(join(directory, 'bridge.db'));
        db.prepare('UPDATE rows SET body = ? WHERE tenant = ? AND id = ?').run(garbage, tenant, id);
        db.close();
      },
    };
  });
});

describe('store/redis: damaged rows', { timeout: 600_000, skip: withoutRedis() }, () => {
  const { server, redis } = useStores();
  suite(async () => {
    const own = await server();
    const { url } = own;
    const connection = redis(own);
    return {
      open: (onDamaged) => createRedisStore({ url, onDamaged }),
      async damage({ tenant, id }, garbage) {
        const value = await connection.hgetBuffer(`scim:{${tenant}}:rows`, id);
        assert.ok(value !== null);
        // the lines before the body stay
        let body = 0;
        for (let line = 0; line < 4; line++) body = value.indexOf('\n', body) + 1;
        const plain = garbage.startsWith('{}') || garbage === '[]' ? `0${garbage.slice(0, 1)}` : `0${garbage}`;
        await connection.hset(
          `scim:{${tenant}}:rows`,
          id,
          Buffer.concat([value.subarray(0, body), Buffer.from(plain)]),
        );
      },
    };
  });

  it('a value without any of its lines keeps its names too, until it is forgotten', async () => {
    const alone = await server();
    const store = await createRedisStore({ url: alone.url });
    await store.write(write(key(1), {}, { reservations: ['name'] }));
    await redis(alone).hset('scim:{t}:rows', 'id-1', 'garbage');
    assert.equal((await store.page(T, 0, 10)).total, 0);
    await assert.rejects(store.read(key(1)), isDamaged);
    assert.deepEqual(await store.reservedBy('zitadel', 'name'), key(1));
    assert.equal(await store.forget(key(1)), true);
    assert.equal(await store.reservedBy('zitadel', 'name'), undefined);
    await store.close();
  });

  it('one of a newer version is not set aside', async () => {
    const alone = await server();
    const store = await createRedisStore({ url: alone.url });
    await store.write(write(key(1)));
    const value = await redis(alone).hgetBuffer('scim:{t}:rows', 'id-1');
    let body = 0;
    for (let line = 0; line < 4; line++) body = (value?.indexOf('\n', body) ?? 0) + 1;
    await redis(alone).hset(
      'scim:{t}:rows',
      'id-1',
      Buffer.concat([value?.subarray(0, body) ?? Buffer.of(), Buffer.from('9')]),
    );
    await assert.rejects(
      store.page(T, 0, 10),
      (error) => error instanceof BridgeError && !(error instanceof DamagedRow),
    );
    assert.deepEqual(await store.damaged(T), []);
    await store.close();
  });

  it('emptied while it runs: nothing is said of rows that were there, until it is adopted', async () => {
    const alone = await server();
    const losses: string[] = [];
    const store = await createRedisStore({ url: alone.url, onLost: ({ reason }) => losses.push(reason) });
    await store.write(write(key(1)));
    await redis(alone).flushall();
    const from = async (): Promise<void> => {
      for await (const _ of store.scan(T));
    };
    for (const ask of [
      () => store.page(T, 0, 10),
      () => store.find(T, 'userName', 'x'),
      () => store.read(key(1)),
      () => store.due(T, 10, 10),
      () => store.counts(T),
      () => store.memberSet(T, 'g'),
      () => store.members(T, 'g', 10),
      () => store.withCondition(T, 'pending', 10),
      () => store.tombstones(T, 10, 10),
      () => store.write(write(key(2))),
      () => store.write(write(key(1), { version: 2 })),
      () => store.setState('heartbeat', 1),
      from,
    ]) {
      losses.length = 0;
      await assert.rejects(ask(), (error) => error instanceof BridgeError && error.status === 503, String(ask));
      assert.match(losses[0] ?? '', /^Redis was emptied/u, String(ask));
    }
    store.adopt();
    assert.equal((await store.page(T, 0, 10)).total, 0);
    await store.write(write(key(1)));
    assert.equal((await store.page(T, 0, 10)).total, 1);
    await store.close();
  });
});
