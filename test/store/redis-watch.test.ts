/** Rows of a shelf that other processes write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutRedis } from '../redis/server.ts';
import { useStores } from '../redis/stores.ts';
import { removal, write } from './rows.ts';

const SHELF = 't:groups';

describe('store/redis, watch', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();

  it('tells of rows that are there, that come, change and go, of this shelf alone', async () => {
    const own = await server();
    const [writer, watcher] = [await open(own), await open(own, { watchMs: 20 })];
    await writer.write(write({ tenant: SHELF, id: 'old' }));
    const told: string[] = [];
    watcher.watch(SHELF, (id) => told.push(id));
    const tells = async (id: string): Promise<void> => {
      while (!told.includes(id)) await sleep(5);
      // a look may still tell it again
      await sleep(60);
      told.length = 0;
    };
    await tells('old');
    const hostile = ' a b\n';
    for (const store of [writer, watcher]) {
      await store.write(write({ tenant: SHELF, id: hostile }));
      await tells(hostile);
      await store.write(removal({ tenant: SHELF, id: hostile }, 1));
      await tells(hostile);
    }
    await writer.write(write({ tenant: 't', id: 'a user' }));
    await writer.write(write({ tenant: 'other:groups', id: 'elsewhere' }));
    await writer.write(write({ tenant: SHELF, id: 'last' }));
    while (!told.includes('last')) await sleep(5);
    assert.ok(!told.includes('a user') && !told.includes('elsewhere'));
  });

  it('hears nothing of the same shelf in another database', async () => {
    const own = await server();
    const other = await open({ url: `${own.url}/1` });
    const [writer, watcher] = [await open(own), await open(own)];
    const told: string[] = [];
    watcher.watch(SHELF, (id) => told.push(id));
    await writer.write(write({ tenant: SHELF, id: 'first' }));
    while (!told.includes('first')) await sleep(5);
    await other.write(write({ tenant: SHELF, id: 'elsewhere' }));
    await writer.write(write({ tenant: SHELF, id: 'last' }));
    while (!told.includes('last')) await sleep(5);
    assert.ok(!told.includes('elsewhere'));
  });

  it('a message that was lost is made good', async () => {
    const own = await server();
    const [writer, watcher] = [await open(own), await open(own, { watchMs: 20 })];
    const told = new Set<string>();
    watcher.watch(SHELF, (id) => told.add(id));
    await writer.write(write({ tenant: SHELF, id: 'a' }));
    await writer.write(write({ tenant: SHELF, id: 'b' }));
    while (told.size < 2) await sleep(5);
    await sleep(60);
    told.clear();
    await redis(own).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await writer.write(write({ tenant: SHELF, id: 'c' }));
    await writer.write(removal({ tenant: SHELF, id: 'b' }, 1));
    while (!(told.has('c') && told.has('b'))) await sleep(5);
  });

  it('goes on when Redis was away', async () => {
    const own = await server({ appendonly: 'yes', appendfsync: 'always' });
    const watcher = await open(own, { watchMs: 20 });
    const told = new Set<string>();
    watcher.watch(SHELF, (id) => told.add(id));
    await own.kill();
    await own.start();
    const writer = await open(own);
    await writer.write(write({ tenant: SHELF, id: 'a' }));
    while (!told.has('a')) await sleep(5);
  });
});
