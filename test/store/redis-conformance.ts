/** The suite for all stores on a Redis of some kind. */
import { describe } from 'node:test';
import { Redis } from 'ioredis';
import { createRedisStore, type RedisStore } from '../../src/store/redis/store.ts';
import { type RedisServer, startRedis, withoutRedis } from '../redis/server.ts';
import { PATIENT } from '../redis/stores.ts';
import { storeConformance } from './conformance.ts';

/** Beside what it holds now: for a few rows, not for one with 500,000 characters, which Redis has twice while it reads it. */
const ROOM = 800_000;

type Servers = Pick<RedisServer, 'url' | 'start' | 'kill' | 'stop'>;

/** @param start starts what the store is on */
export function redisConformance(name: string, start: () => Promise<Servers>): void {
  const skip = withoutRedis();
  describe(`store/${name}`, { skip }, () => {
    if (skip !== false) return;
    storeConformance(name, async () => {
      const servers = await start();
      const full = await startRedis();
      const smalls: RedisStore[] = [];
      let store = await createRedisStore({ url: servers.url, ...PATIENT });
      return {
        store,
        async reopen() {
          await store.close();
          await servers.kill();
          await servers.start();
          store = await createRedisStore({ url: servers.url, ...PATIENT });
          return store;
        },
        async small() {
          const small = await createRedisStore({ url: full.url, ...PATIENT });
          smalls.push(small);
          await limitMemory(full.url);
          return small;
        },
        async destroy() {
          for (const each of [...smalls, store]) await each.close();
          await servers.stop();
          await full.stop();
        },
      };
    });
  });
}

async function limitMemory(url: string): Promise<void> {
  const redis = new Redis(url);
  const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1];
  await redis.config('SET', 'maxmemory', Number(used) + ROOM);
  redis.disconnect();
}
