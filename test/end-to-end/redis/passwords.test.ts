/** Passwords that wait in Redis while ZITADEL is away, and what becomes of them with the right and with a wrong PASSWORD_KEY. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { rowsKey } from '../../../src/store/redis/keys.ts';
import { rowFrom } from '../../../src/store/redis/row-text.ts';
import { startRedis, withoutRedis } from '../../redis/server.ts';
import { answered, startBridge } from '../bridge.ts';
import { ada, patch } from '../people.ts';
import { queue, settled } from '../queue.ts';
import { type SandboxProcess, startSandbox } from '../sandbox.ts';
import { until } from '../until.ts';

const login = async (sandbox: SandboxProcess, id: string, password: string): Promise<boolean> =>
  ((await sandbox.get(`/sandbox/users/${id}/password?verify=${password}`)) as { login: boolean }).login;

const [RIGHT, WRONG] = ['right-key-'.repeat(4), 'wrong-key-'.repeat(4)];
const timing = { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 };

describe('PASSWORDS=set on Redis', { skip: withoutRedis(), timeout: 60_000 }, () => {
  for (const [name, next] of [
    ['the same key: the passwords log in', RIGHT],
    ['another key: the passwords are dead letters, everything else is delivered', WRONG],
  ] as const)
    test(name, async (t) => {
      const redis = await startRedis();
      const sandbox = await startSandbox();
      const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
      t.after(async () => {
        await sandbox.stop();
        await redis.stop();
        await rm(dataDir, { recursive: true });
      });
      const start = (key: string) =>
        startBridge(sandbox, {
          dataDir,
          timing,
          env: {
            REDIS_URL: redis.url,
            PASSWORDS: 'set',
            PASSWORD_KEY: key,
            ZITADEL_TOKEN: sandbox.seeds.tokens.instanceOwner,
          },
        });
      const before = await start(RIGHT);
      const there = await answered(201, before.scim('POST', '/Users', ada()));
      const alone = await answered(201, before.scim('POST', '/Users', ada()));
      await sandbox.faults({ mode: 'down' });
      await until(async () => {
        await before.scim('POST', '/Users', ada());
        return (await before.metrics()).includes('scim_bridge_unavailable{tenant="default",kind="unreachable"} 1');
      });
      const made = await answered(201, before.scim('POST', '/Users', ada({ password: 'Correct7+Horse' })));
      const change = patch({ op: 'replace', value: { password: 'Battery7+Staple', title: 'Countess' } });
      await answered(200, before.scim('PATCH', `/Users/${there.id}`, change));
      await answered(
        200,
        before.scim('PATCH', `/Users/${alone.id}`, patch({ op: 'replace', value: { password: 'Battery7+Staple' } })),
      );
      await before.stop();

      const client = new Redis(redis.url);
      const values = await client.hgetallBuffer(rowsKey('default'));
      client.disconnect();
      const rows = Object.entries(values).map(([id, value]) =>
        JSON.stringify(rowFrom({ tenant: 'default', id }, value)),
      );
      assert.equal(rows.filter((row) => row.includes('sealed:')).length, 3);
      assert.doesNotMatch(rows.join(), /\$2b/);

      await sandbox.faults();
      const after = await start(next);
      await settled(after);
      const isRight = next === RIGHT;
      assert.equal(await login(sandbox, made.id, 'Correct7%2BHorse'), isRight);
      assert.equal(await login(sandbox, there.id, 'Battery7%2BStaple'), isRight);
      assert.equal((await after.scim('GET', `/Users/${there.id}`)).body.title, 'Countess');
      assert.equal((await answered(200, after.scim('GET', `/Users/${made.id}`))).userName, made.userName);
      const dead = await queue(after, 'dead-letter');
      assert.deepEqual(new Set(dead.map(({ id }) => id)), new Set(isRight ? [] : [made.id, there.id, alone.id]));
      if (!isRight) assert.match(JSON.stringify(dead), /PASSWORD_KEY/);
      assert.doesNotMatch(JSON.stringify([dead, after.lines, await sandbox.log()]), /sealed:|Horse|Staple/);
      // and a new one is set as ever
      await answered(
        200,
        after.scim('PATCH', `/Users/${there.id}`, patch({ op: 'replace', value: { password: 'Purple7+Cloud' } })),
      );
      assert.equal(await login(sandbox, there.id, 'Purple7%2BCloud'), true);
      await after.stop();
    });
});
