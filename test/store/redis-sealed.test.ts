/** Password hashes on Redis: encrypted with a key that Redis does not have. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Row } from '../../src/bridge/row/types.ts';
import { isSealed } from '../../src/mapping/facts.ts';
import { rowsKey } from '../../src/store/redis/keys.ts';
import { rowFrom } from '../../src/store/redis/row-text.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { withoutRedis } from '../redis/server.ts';
import { DURABLE, useStores } from '../redis/stores.ts';
import { change, write } from './rows.ts';

const HASH = '$2b$10$0123456789012345678901uvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcd';
const [OLD, NEW] = ['old-key-'.repeat(4), 'new-key-'.repeat(4)];

const key = { tenant: 't', id: 'a' };
/** Rows of more than 16 KB are not packed: the append-only file has their text. */
const large = { ...key, id: 'large' };
const owes = (where = key, confirmed: Row['confirmed'] = null) =>
  write(where, {
    confirmed,
    pending: [change({ facts: { title: 'x' } }), change({ revision: 2, facts: { password: HASH, title: 'y' } })],
  });

const passwordOf = (row: Row | undefined): string => row?.pending[1]?.facts['password'] ?? '';
const kept = async (store: RedisStore, where = key): Promise<string> => passwordOf(await store.read(where));

describe('store/redis: sealed', { skip: withoutRedis(), timeout: 60_000 }, () => {
  const { server, open, redis } = useStores();

  test('neither the keys nor the append-only file have the text of a hash, nor of the key; the bridge reads it everywhere', async () => {
    const there = await server(DURABLE);
    const store = await open(there, { passwordKeys: [NEW] });
    const padding = { username: 'u', 'urn:zitadel:scim:x509Certificates': '.'.repeat(20_000) };
    assert.equal((await store.write(owes())).kind, 'ok');
    assert.equal((await store.write(owes(large, padding))).kind, 'ok');

    const client = redis(there);
    for (const id of ['a', 'large']) {
      const raw = await client.hgetBuffer(rowsKey('t'), id);
      assert.ok(raw);
      // unpacked, without a key
      const row = rowFrom({ tenant: 't', id }, raw);
      assert.ok(isSealed(passwordOf(row)), id);
      assert.doesNotMatch(JSON.stringify(row), /\$2b|uvwxyz|new-key/, id);
      assert.equal(await kept(store, { ...key, id }), HASH);
    }
    const [, dir = ''] = await client.config('GET', 'dir');
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const content = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
    assert.ok(content.includes('sealed:'), 'the file was read, and has the encrypted hash');
    for (const secret of ['$2b', HASH.slice(7), NEW]) assert.ok(!content.includes(secret), secret);

    const lease = await store.lease(key, 1_000);
    assert.ok(lease);
    assert.equal(passwordOf(await store.release(lease)), HASH);
    for await (const rows of store.scan('t')) for (const row of rows) assert.equal(passwordOf(row), HASH);
    assert.deepEqual(await store.read(key), owes().row, 'nothing else of a row is touched');
  });

  test('keys are rotated: the first one encrypts, all of them decrypt', async () => {
    const there = await server();
    assert.equal((await (await open(there, { passwordKeys: [OLD] })).write(owes())).kind, 'ok');
    const both = await open(there, { passwordKeys: [NEW, OLD] });
    assert.equal(await kept(both), HASH);
    const row = await both.read(key);
    assert.ok(row);
    const again = write(key, { ...row, version: 2 });
    assert.equal((await both.write(again)).kind, 'ok');
    assert.equal(await kept(await open(there, { passwordKeys: [NEW] })), HASH);
    assert.ok(isSealed(await kept(await open(there, { passwordKeys: [OLD] }))));
  });

  test('a wrong key, none, or a hash moved to another row: what cannot be decrypted stays encrypted, also when it is written again', async () => {
    const there = await server();
    const right = await open(there, { passwordKeys: [NEW] });
    assert.equal((await right.write(owes())).kind, 'ok');
    for (const [n, passwordKeys] of [[OLD], []].entries()) {
      const wrong = await open(there, { passwordKeys });
      const row = await wrong.read(key);
      assert.ok(row && isSealed(passwordOf(row)));
      assert.equal((await wrong.write(write(key, { ...row, version: n + 2 }))).kind, 'ok');
    }
    assert.equal(await kept(right), HASH);

    const client = redis(there);
    const raw = await client.hgetBuffer(rowsKey('t'), 'a');
    assert.ok(raw);
    await client.hset(rowsKey('t'), 'mallory', raw);
    assert.ok(isSealed(await kept(right, { ...key, id: 'mallory' })));
    const keyless = await open(there);
    await assert.rejects(keyless.write(owes({ ...key, id: 'b' })), /PASSWORD_KEY/);
    assert.equal(await keyless.read({ ...key, id: 'b' }), undefined);
  });
});
