/** Behind sentinels: a fail-over, and connections that end. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type RedisServer, startRedis, withoutRedis } from '../redis/server.ts';
import { DURABLE, SILENCE, useStores } from '../redis/stores.ts';
import { unavailable } from './folders.ts';
import { write } from './rows.ts';

describe('store/redis, sentinels', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();

  /** A sentinel of `master` that knows of so many replicas; ended by the test. */
  async function guard({ port }: RedisServer, replicas: number): Promise<RedisServer & { readonly address: string }> {
    const own = await startRedis({
      sentinel: `sentinel monitor main 127.0.0.1 ${port} 1\nsentinel down-after-milliseconds main 500`,
    });
    const asked = redis(own);
    while (((await asked.call('SENTINEL', 'REPLICAS', 'main')) as unknown[]).length < replicas) await sleep(20);
    return { ...own, address: `redis+sentinel://127.0.0.1:${own.port}/main` };
  }

  it('the master is killed: 503 for a while, then the new one has every write that was answered', async (context) => {
    const master = await server({ ...DURABLE, 'repl-diskless-sync-delay': '0' });
    const replicas = [await server(DURABLE), await server(DURABLE)];
    for (const each of replicas) await redis(each).replicaof('127.0.0.1', master.port);
    const sentinel = await guard(master, replicas.length);
    context.after(() => sentinel.stop());
    const store = await open({ url: sentinel.address }, { replicas: 1, ...SILENCE });

    const answered: string[] = [];
    let refused = 0;
    async function ask(id: string): Promise<void> {
      try {
        await store.write(write({ tenant: 't', id }));
        answered.push(id);
      } catch (error) {
        assert.ok(unavailable(error), String(error));
        refused += 1;
        await sleep(10);
      }
    }
    while (answered.length < 20) await ask(`before ${answered.length}`);
    await master.kill();
    for (let n = 0; answered.length < 40; n++) await ask(`after ${n}`);
    assert.ok(refused > 0);
    const [, port] = (await redis(sentinel).call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
    const now = replicas.find((each) => each.port === Number(port));
    assert.ok(now, 'one of the replicas is the master');
    const kept = new Set(await redis(now).hkeys('scim:{t}:rows'));
    assert.deepEqual(
      answered.filter((id) => !kept.has(id)),
      [],
    );
  });

  it('a connection of the queue that BullMQ ends by QUIT keeps no process alive', async (context) => {
    const sentinel = await guard(await server(), 0);
    context.after(() => sentinel.stop());
    const script = `
      const { connectAs } = await import(${JSON.stringify(resolve('src/store/redis/connect.ts'))});
      const connection = connectAs('${sentinel.address}', { maxRetriesPerRequest: null });
      connection.on('ready', () => connection.quit());`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 300_000 });
  });
});
