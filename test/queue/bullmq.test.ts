import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Key } from '../../src/bridge/row/types.ts';
import type { BullQueue, BullQueueOptions } from '../../src/queue/bullmq/queue.ts';
import { until } from '../end-to-end/until.ts';
import { type RedisServer, startRedis, withoutRedis } from '../redis/server.ts';
import { createRows, createTestQueue, jobKeys, type Rows, SHORT_LOCK } from './bullmq-rows.ts';

const HOUR = 3_600_000;

describe('delivery on BullMQ', { skip: withoutRedis() }, () => {
  let redis: RedisServer;
  let rows: Rows;
  let open: BullQueue[];

  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  beforeEach(async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    rows = createRows();
    open = [];
  });
  afterEach(async () => {
    await Promise.all(open.map((queue) => queue.stop()));
  });

  function make(options: Partial<BullQueueOptions> = {}): BullQueue {
    const queue = createTestQueue(redis.url, rows, options);
    open.push(queue);
    return queue;
  }

  async function delayed(tenant: string): Promise<number> {
    const client = new Redis(redis.url);
    try {
      return await client.zcard(`scim-queue:{${tenant}}:delayed`);
    } finally {
      client.disconnect();
    }
  }

  test('two queues share the due rows, each is delivered once', async () => {
    const delivered: string[] = [];
    const by = new Set<number>();
    const queues = [0, 1].map((n) =>
      make({
        async deliver(key) {
          delivered.push(key.id);
          by.add(n);
          await until(() => by.size === 2);
          rows.settle(key);
        },
      }),
    );
    for (let n = 0; n < 400; n += 1) rows.put('a', `u${n}`, Date.now());
    await Promise.all(queues.map((queue) => queue.start()));
    await until(() => rows.dueAt.size === 0);
    assert.equal(delivered.length, 400);
    assert.equal(new Set(delivered).size, 400);
  });

  test('the job of a worker that was killed is taken over', async () => {
    const file = join(import.meta.dirname, 'bullmq-hanging.ts');
    const dying = spawn(process.execPath, [file, redis.url, 'a', 'u1'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(dying.stdout, 'data');
      rows.put('a', 'u1', Date.now());
      await make(SHORT_LOCK).start();
      assert.equal(rows.dueAt.size, 1); // its job is not free yet
      dying.kill('SIGKILL');
      await until(() => rows.dueAt.size === 0);
      await until(async () => (await jobKeys(redis.url)).length === 0);
    } finally {
      dying.kill('SIGKILL');
    }
  });

  test('a Redis that was away, and lost everything, holds nobody up and is used again', async () => {
    const errors: unknown[] = [];
    const queue = make({ onError: (error) => errors.push(error) });
    await queue.start();
    await redis.kill();
    rows.put('a', 'u1', Date.now());
    rows.put('b', 'u1', Date.now() + HOUR);
    queue.at(Date.now());
    queue.pull('b');
    await until(() => errors.length > 0);
    await redis.start();
    await until(() => rows.dueAt.size === 0);
    assert.ok(errors.length < 5, `an outage is told once, not ${errors.length} times`);
  });

  test('start and stop do not wait for a Redis that is away', async () => {
    await redis.kill();
    try {
      rows.put('a', 'u1', Date.now());
      const queue = make({ askMs: 500 });
      await queue.start();
      await queue.stop();
      assert.equal(rows.dueAt.size, 1);
    } finally {
      await redis.start();
    }
  });

  test('10,000 due rows drain and leave no job behind', async () => {
    for (let n = 0; n < 10_000; n += 1) rows.put('a', `u${n}`, 1 + n);
    rows.put('b', 'last', Date.now());
    const client = new Redis(redis.url);
    let most = 0;
    const queue = make({
      async deliver(key) {
        rows.settle(key);
        if (rows.dueAt.size % 1_000 === 0) most = Math.max(most, await client.dbsize());
      },
    });
    try {
      await queue.start();
      await until(() => rows.dueAt.size === 0);
      await until(async () => (await jobKeys(redis.url)).length === 0);
      assert.ok(most > 0 && most < 4_000, `${most} keys at once`);
      assert.ok((await client.dbsize()) < 20);
    } finally {
      client.disconnect();
    }
  });

  test('a row that is due earlier than its job is tried then, one that is due later not before', async () => {
    const delivered: string[] = [];
    const times = new Map([
      ['earlier', 30_000],
      ['later', 1_500],
    ]);
    const queue = make({
      async deliver(key) {
        delivered.push(key.id);
        const wait = times.get(key.id);
        times.delete(key.id);
        if (wait === undefined) rows.settle(key);
        else rows.put('a', key.id, Date.now() + wait);
      },
    });
    for (const id of times.keys()) rows.put('a', id, Date.now());
    await queue.start();
    await until(async () => (await delayed('a')) === 2);
    rows.put('a', 'earlier', Date.now());
    rows.put('a', 'later', Date.now() + HOUR);
    queue.at(Date.now());
    await until(() => !rows.dueAt.has('a earlier'));
    await until(async () => (await jobKeys(redis.url)).length === 0);
    assert.deepEqual(delivered.toSorted(), ['earlier', 'earlier', 'later']);
    assert.ok(rows.dueAt.has('a later'));
  });

  test('a row that fails is tried again at its own time', async () => {
    const tried: number[] = [];
    const again = Date.now() + 1_500;
    rows.put('a', 'u1', Date.now());
    const queue = make({
      async deliver(key) {
        tried.push(Date.now());
        if (tried.length > 1) return rows.settle(key);
        rows.put('a', 'u1', again);
        throw new Error('bad row');
      },
    });
    await queue.start();
    await until(() => rows.dueAt.size === 0);
    assert.equal(tried.length, 2);
    assert.ok((tried[1] ?? 0) >= again);
  });

  test('the rows of a tenant that is shut wait; pulled, all of them are tried once, earliest first', async () => {
    let shut = true;
    const delivered: string[] = [];
    const queue = make({
      atOnce: 1,
      isShut: (tenant) => shut && tenant === 'a',
      async deliver({ tenant, id }) {
        delivered.push(id);
        // it is refused again and again, as when a right is missing
        rows.put(tenant, id, Date.now() + HOUR);
      },
    });
    rows.put('a', 'now', Date.now());
    rows.put('a', 'soon', Date.now() + HOUR);
    rows.put('a', 'late', Date.now() + 2 * HOUR);
    rows.put('b', 'other', Date.now());
    await queue.start();
    await until(() => delivered.length === 1);
    assert.deepEqual(delivered, ['other']);
    await until(async () => (await jobKeys(redis.url)).length === 0);
    shut = false;
    queue.pull('a');
    await until(() => delivered.length === 4);
    rows.put('b', 'end', Date.now());
    queue.at(Date.now());
    await until(() => delivered.length === 5);
    assert.deepEqual(delivered, ['other', 'now', 'soon', 'late', 'end']);
  });

  test('rows that fail again after ZITADEL is back are tried once, not without end', async () => {
    let tries = 0;
    const queue = make({
      async deliver({ tenant, id }) {
        tries += 1;
        rows.put(tenant, id, Date.now() + HOUR);
      },
    });
    for (let n = 0; n < 1_000; n += 1) rows.put('a', `u${n}`, Date.now() + HOUR / 2);
    await queue.start();
    assert.equal(tries, 0);
    queue.pull('a');
    await until(() => tries >= 1_000);
    await until(async () => (await jobKeys(redis.url)).every((key) => key.includes('-pulled:')));
    assert.equal(tries, 1_000);
  });

  test('a process that may not send leaves the jobs to one that may', async () => {
    const by: string[] = [];
    let shut = false;
    const deliver = (name: string) => async (key: Key) => {
      by.push(name);
      shut = true;
      rows.settle(key);
    };
    const shutting = make({ atOnce: 1, isShut: () => shut, deliver: deliver('shutting') });
    for (let n = 0; n < 20; n += 1) rows.put('a', `u${n}`, Date.now());
    await shutting.start();
    await until(() => shut);
    await make({ deliver: deliver('open') }).start();
    await until(() => rows.dueAt.size === 0);
    assert.equal(by.filter((name) => name === 'shutting').length, 1);
    assert.equal(by.length, 20);
  });

  test('deliveries that never end hold up neither another tenant nor the other rows of theirs', async () => {
    const held: (() => void)[] = [];
    const queue = make({
      atOnce: 2,
      deliver: (key) => {
        if (key.id !== 'hangs') return Promise.resolve(rows.settle(key));
        return new Promise((resolve) => {
          held.push(() => resolve(rows.settle(key)));
        });
      },
    });
    rows.put('a', 'hangs', Date.now() - 1);
    for (let n = 0; n < 20; n += 1) rows.put('a', `u${n}`, Date.now());
    rows.put('b', 'u', Date.now());
    await queue.start();
    await until(() => rows.dueAt.size === 1);
    assert.equal(held.length, 1);
    for (const end of held) end();
  });

  test('a process that only answers requests puts jobs in the queue and works on none', async () => {
    const delivered: string[] = [];
    const api = make({ role: 'api', deliver: async () => void delivered.push('api') });
    await api.start();
    rows.put('a', 'u1', Date.now());
    api.at(Date.now());
    await until(async () => (await jobKeys(redis.url)).some((key) => key.endsWith(':wait')));
    await make({
      role: 'worker',
      deliver: async (key) => {
        delivered.push('worker');
        rows.settle(key);
      },
    }).start();
    await until(() => rows.dueAt.size === 0);
    assert.deepEqual(delivered, ['worker']);
  });

  test('a store that fails loses no row', async () => {
    let fails = true;
    const read: typeof rows.store.read = (key) =>
      fails ? Promise.reject(new Error('the store is away')) : rows.store.read(key);
    rows.put('a', 'u1', Date.now());
    const errors: string[] = [];
    const queue = make({ store: { ...rows.store, read }, onError: (error) => errors.push(String(error)) });
    await queue.start();
    await until(() => errors.length > 0);
    assert.match(errors.join(), /the store is away/);
    fails = false;
    await until(() => rows.dueAt.size === 0);
  });
});
