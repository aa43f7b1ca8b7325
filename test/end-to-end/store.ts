/**
 * What the bridges of these tests keep their rows in: with TEST_STORE=redis each DATA_DIR has a redis-server of its own. The same
 * folder again is the same Redis again, one that was taken away and made anew an empty Redis.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../redis/server.ts';

export const isOnRedis = process.env['TEST_STORE'] === 'redis';

/** No answer of these tests hangs on how fast Redis answers on a busy machine. */
export const UNHURRIED = { redisCommand: 5_000 };

/** Skips on Redis what only the embedded store has: `what` says it. To be given to test() or describe() as options. */
export function onlyEmbedded(what: string): { readonly skip: string | false } {
  return { skip: isOnRedis && `only the embedded store has ${what}` };
}

/** By DATA_DIR. */
const servers = new Map<string, RedisServer>();

/** A folder with this file in it had its Redis already. */
const MARK = '.redis';

/** Settings of a bridge on this DATA_DIR. */
export async function storeOf(dataDir: string): Promise<Readonly<Record<string, string>>> {
  if (!isOnRedis) return {};
  for (const folder of servers.keys()) if (!existsSync(folder)) await endStore(folder);
  const confirmed = servers.get(dataDir);
  const server = confirmed ?? (await startRedis());
  servers.set(dataDir, server);
  if (!existsSync(join(dataDir, MARK))) {
    if (confirmed !== undefined) await asked(confirmed, (redis) => redis.flushall());
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, MARK), server.url);
  }
  return { REDIS_URL: server.url, PASSWORD_KEY: 'only-for-tests-'.repeat(3) };
}

/** Ends what the bridges on this DATA_DIR had beside the folder. */
export async function endStore(dataDir: string): Promise<void> {
  const server = servers.get(dataDir);
  servers.delete(dataDir);
  await server?.stop();
}

/** Copies DATA_DIR, of which no bridge runs, as a back-up does. */
export async function copyStore(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  const source = servers.get(from);
  if (source === undefined) return;
  const target = await startRedis();
  servers.set(to, target);
  await asked(source, (old) =>
    asked(target, async (redis) => {
      for (const key of await old.keysBuffer('*')) {
        const content = await old.dumpBuffer(key);
        if (content !== null) await redis.restore(key, Math.max(0, await old.pttl(key)), content);
      }
    }),
  );
}

/** Makes garbage of what the store on this DATA_DIR keeps of a user of the tenant `default`; no bridge runs on it. */
export async function damage(dataDir: string, id: string): Promise<void> {
  const server = servers.get(dataDir);
  if (server === undefined) {
    const db = new DatabaseSync(join(dataDir, 'bridge.db'));
    db.prepare('UPDATE rows SET body = substr(body, 1, 100) WHERE id = ?').run(id);
    db.close();
    return;
  }
  await asked(server, async (redis) => {
    const key = 'scim:{default}:rows';
    const value = await redis.hgetBuffer(key, id);
    if (value !== null) await redis.hset(key, id, value.subarray(0, value.length - 20));
  });
}

async function asked(server: RedisServer, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(server.url);
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
