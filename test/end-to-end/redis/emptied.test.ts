import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis, withoutRedis } from '../../redis/server.ts';
import { answered, startBridge } from '../bridge.ts';
import { ada, patch } from '../people.ts';
import { settled } from '../queue.ts';
import { startSandbox } from '../sandbox.ts';
import { until } from '../until.ts';

test('Redis is emptied while two bridges run: no list without its users, 503 and readyz 503 until they are read again', {
  skip: withoutRedis(),
}, async (t) => {
  const [sandbox, server] = [await startSandbox(), await startRedis()];
  const redis = new Redis(server.url);
  const env = { REDIS_URL: server.url };
  const bridges = [
    await startBridge(sandbox, { env, timing: { heartbeatMs: 50 } }),
    await startBridge(sandbox, { env, timing: { heartbeatMs: 50 } }),
  ];
  t.after(async () => {
    await Promise.all(bridges.map((bridge) => bridge.stop()));
    redis.disconnect();
    await server.stop();
    await sandbox.stop();
  });
  const [one] = bridges;
  assert.ok(one);
  const user = await answered(201, one.scim('POST', '/Users', ada()));
  for (let n = 0; n < 3; n++) await answered(201, one.scim('POST', '/Users', ada()));
  await settled(one);
  const { totalResults: total } = await answered(200, one.scim('GET', '/Users?count=0'));
  assert.ok(total > 1);
  const ready = (bridge: (typeof bridges)[number]) => fetch(`${new URL(bridge.base).origin}/readyz`);

  // ZITADEL is away: the view cannot be made again yet
  await sandbox.faults({ mode: 'down' });
  await redis.flushall();
  for (const bridge of bridges) {
    for (const [method, path, body] of [
      ['GET', '/Users?count=10'],
      ['GET', `/Users?filter=userName eq "${user.userName}"`],
      ['GET', `/Users/${user.id}`],
      ['PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'title', value: 'Countess' })],
      ['POST', '/Users', ada()],
      ['GET', '/Groups'],
    ] as const)
      await answered(503, bridge.scim(method, path, body));
    await until(async () => (await ready(bridge)).status === 503);
    assert.match(await (await ready(bridge)).text(), /emptied|first sync/u);
    assert.equal(bridge.lines.filter((line) => line.includes('Redis was emptied')).length, 1, 'told once');
  }

  await sandbox.faults();
  for (const bridge of bridges) {
    await until(
      async () => {
        const { status, body } = await bridge.scim('GET', '/Users?count=0');
        // never fewer than there are
        if (status === 200) assert.equal(body.totalResults, total);
        else assert.equal(status, 503);
        return status === 200;
      },
      () => bridge.lines.slice(-5).join(''),
    );
    await until(async () => (await ready(bridge)).ok);
    assert.equal((await answered(200, bridge.scim('GET', `/Users/${user.id}`))).userName, user.userName);
  }
  await answered(201, one.scim('POST', '/Users', ada()));
});
