import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import express, { type Express } from 'express';
import helmet from 'helmet';
import request from 'supertest';
import { BOARD_PATH, createBoard } from '../../src/admin/board.ts';
import { createFailures } from '../../src/scim/http/throttle.ts';
import { until } from '../end-to-end/until.ts';
import { createRows, createTestQueue } from '../queue/bullmq-rows.ts';
import { type RedisServer, startRedis, withoutRedis } from '../redis/server.ts';

const TOKEN = 'a-token-of-operators';

describe('the board', { skip: withoutRedis() }, () => {
  const rows = createRows();
  let redis: RedisServer;
  let queue: ReturnType<typeof createTestQueue>;

  before(async () => {
    redis = await startRedis();
    queue = createTestQueue(redis.url, rows, { role: 'api' });
    rows.put('a', 'user-1', Date.now());
    await queue.start();
  });
  after(async () => {
    await queue.stop();
    await redis.stop();
  });

  function serve(tokenHash: string | undefined = createHash('sha256').update(TOKEN).digest('hex')): Express {
    const { jobs, rowOf, isThere } = queue;
    const failures = createFailures(Date.now);
    return express().use(helmet()).use(createBoard({ jobs, rowOf, isThere, tokenHash, failures }));
  }

  test('shows the jobs of each tenant by the ids of their rows', async () => {
    const shown = await request(serve())
      .get(`${BOARD_PATH}/api/queues?activeQueue=${encodeURIComponent('{a}')}&status=waiting`)
      .auth('operator', TOKEN);
    assert.equal(shown.status, 200);
    const { queues } = shown.body as {
      queues: { displayName: string; readOnlyMode: boolean; counts: { waiting: number }; jobs: { name: string }[] }[];
    };
    assert.deepEqual(
      queues.map((each) => [each.displayName, each.readOnlyMode, each.counts.waiting]),
      [
        ['a', true, 1],
        ['b', true, 0],
      ],
    );
    assert.deepEqual(
      queues[0]?.jobs.map(({ name }) => name),
      ['user-1'],
    );
  });

  test('its page and what belongs to it come from here', async () => {
    const app = serve();
    const page = await request(app).get(`${BOARD_PATH}/`).auth('operator', TOKEN);
    assert.deepEqual([page.status, page.type], [200, 'text/html']);
    assert.match(page.get('Content-Security-Policy') ?? '', /default-src 'self';.*frame-ancestors 'none'/);
    assert.match(page.text, new RegExp(`<base href="${BOARD_PATH}/?"`));
    const scripts = [...page.text.matchAll(/<script defer src="([^"]+)"/g)].map((match) => match[1]);
    assert.ok(scripts.length > 0);
    for (const script of scripts)
      assert.equal((await request(app).get(`${BOARD_PATH}/${script}`).auth('operator', TOKEN)).status, 200);
  });

  test('404 without ADMIN_TOKEN, 401 without the right one, on every path', async () => {
    for (const path of ['', '/', '/api/queues', '/static/favicon.ico']) {
      assert.equal((await request(serve()).get(BOARD_PATH + path)).status, 401);
      const none = express().use(createBoard({ ...queue, tokenHash: undefined, failures: { attempt: assert.fail } }));
      assert.equal(
        (
          await request(none)
            .get(BOARD_PATH + path)
            .auth('operator', TOKEN)
        ).status,
        404,
      );
    }
  });

  test('405 to whatever would change something', async () => {
    const waiting = () => queue.jobs[0]?.queue.getWaitingCount();
    const one = `${BOARD_PATH}/api/queues/${encodeURIComponent('{a}')}`;
    for (const path of [`${one}/pause`, `${one}/empty`, `${BOARD_PATH}/api/queues/pause`]) {
      const answer = await request(serve()).put(path).auth('operator', TOKEN);
      assert.deepEqual([answer.status, answer.get('Allow')], [405, 'GET, HEAD']);
    }
    assert.equal(await waiting(), 1);
    assert.equal(await queue.jobs[0]?.queue.isPaused(), false);
  });

  test('503 while Redis does not answer', async () => {
    await redis.kill();
    await until(() => !queue.isThere());
    assert.equal((await request(serve()).get(`${BOARD_PATH}/`).auth('operator', TOKEN)).status, 503);
    await redis.start();
    await until(() => queue.isThere());
    assert.equal((await request(serve()).get(`${BOARD_PATH}/`).auth('operator', TOKEN)).status, 200);
  });
});
