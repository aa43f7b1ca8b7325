/** Names and rows stand apart in Redis: a process that dies, or sleeps, between the two steps of a write does no harm. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/store/redis/address.ts';
import { type Client, createClient } from '../../src/store/redis/client.ts';
import { connectTo, whenReady } from '../../src/store/redis/connect.ts';
import { besideRows, leaseKey, rowsKey } from '../../src/store/redis/keys.ts';
import { createNames, type Names } from '../../src/store/redis/names.ts';
import { rowText } from '../../src/store/redis/row-text.ts';
import { createMarks } from '../../src/store/redis/marks.ts';
import { WRITE } from '../../src/store/redis/write-script.ts';
import { withoutRedis } from '../redis/server.ts';
import { PATIENT, SILENCE, useStores } from '../redis/stores.ts';
import { write } from './rows.ts';

const [ANN, BOB] = [
  { tenant: 't', id: 'ann' },
  { tenant: 'u', id: 'bob' },
];
const wish = (key: typeof ANN) => write(key, {}, { reservations: ['name'] });

describe('store/redis, names', { skip: withoutRedis() }, () => {
  const { server, open } = useStores();

  /** The first step of a write by itself, and the second. */
  async function byHand(url: string, work: (names: Names, client: Client) => Promise<void>): Promise<void> {
    const address = parseAddress(url);
    const connection = connectTo(address, PATIENT.commandTimeoutMs, () => undefined);
    await whenReady(connection, address, PATIENT.startTimeoutMs);
    const client = createClient(connection);
    await work(createNames(client, 100), client);
    client.close();
  }

  async function reserved(names: Names, key: typeof ANN): Promise<readonly string[]> {
    const reservation = await names.reserve(key, 'zitadel', ['name'], []);
    assert.ok(reservation.kind === 'reserved');
    return reservation.tokens;
  }

  function writeRow(client: Client, key: typeof ANN, tokens: readonly string[]): Promise<readonly string[]> {
    const { version, head, names, members, body, created, dueAt, since, tombstone } = rowText(wish(key));
    const fixed = [version, head, names, members, body, created, dueAt, since, tombstone];
    return runWrite(client, key, [0, ...fixed, '[]', JSON.stringify(tokens)]);
  }

  /** Neither a time nor a lease is given, nobody is told. */
  async function runWrite(
    client: Client,
    key: typeof ANN,
    args: readonly (string | number | Buffer)[],
  ): Promise<readonly string[]> {
    const keys = [rowsKey(key.tenant), besideRows(key.tenant, 'tokens'), leaseKey(key)];
    const mark = await createMarks(client, () => undefined).of(key.tenant);
    return client.run(WRITE, keys, [key.id, ...args, '', '', '', '', '', mark]);
  }

  it('a reservation without its row holds nothing, and is taken over', async () => {
    const own = await server();
    const store = await open(own, SILENCE);
    await byHand(own.url, async (names) => void (await reserved(names, ANN)));
    assert.equal(await store.reservedBy('zitadel', 'name'), undefined);
    assert.deepEqual(await store.write(wish(BOB)), { kind: 'ok' });
    assert.deepEqual(await store.reservedBy('zitadel', 'name'), BOB);
    assert.deepEqual(await store.write(wish(ANN)), { kind: 'name', name: 'name', holder: BOB });
  });

  it('who wakes up after it was taken over writes nothing', async () => {
    const own = await server();
    const store = await open(own, SILENCE);
    await byHand(own.url, async (names, client) => {
      const tokens = await reserved(names, ANN);
      assert.deepEqual(await store.write(wish(BOB)), { kind: 'ok' });
      assert.deepEqual(await writeRow(client, ANN, tokens), ['void', ...tokens]);
      assert.equal(await store.read(ANN), undefined);
      assert.deepEqual(await store.reservedBy('zitadel', 'name'), BOB);
    });
  });

  it('who is only slow is waited for', async () => {
    const own = await server();
    const store = await open(own);
    await byHand(own.url, async (names, client) => {
      const tokens = await reserved(names, ANN);
      const rival = store.write(wish(BOB));
      assert.equal((await writeRow(client, ANN, tokens))[0], 'ok');
      assert.deepEqual(await rival, { kind: 'name', name: 'name', holder: ANN });
    });
  });

  it('the same row builds on what another process reserved for it, unless that is void', async () => {
    const own = await server();
    await byHand(own.url, async (names, client) => {
      const tokens = await reserved(names, ANN);
      assert.deepEqual(await reserved(names, ANN), tokens);
      const again = await names.reserve(ANN, 'zitadel', ['name'], tokens);
      assert.ok(again.kind === 'reserved');
      assert.notDeepEqual(again.tokens, tokens);
      assert.equal((await writeRow(client, ANN, again.tokens))[0], 'ok');
      // somebody whose write came too late tidies up: the name is held by now
      await names.free(ANN, 'zitadel', ['name']);
      assert.deepEqual(await names.holder('zitadel', 'name'), ANN);
    });
  });

  it('a name whose row went while nobody freed it is free', async () => {
    const own = await server();
    const store = await open(own, SILENCE);
    await byHand(own.url, async (names, client) => {
      assert.equal((await writeRow(client, ANN, await reserved(names, ANN)))[0], 'ok');
      const gone = ['', '[[],[]]', '[]', '[]', '', '', '', '', ''];
      assert.deepEqual(await runWrite(client, ANN, [1, ...gone, '', '[]']), ['ok', '["zitadel","name"]', '']);
    });
    assert.equal(await store.reservedBy('zitadel', 'name'), undefined);
    assert.deepEqual(await store.write(wish(BOB)), { kind: 'ok' });
  });
});
