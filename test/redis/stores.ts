/** Redis servers and stores on them, ended after each test. */
import { afterEach } from 'node:test';
import { Redis } from 'ioredis';
import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.ts';
import { type RedisOptions, type RedisServer, startRedis } from './server.ts';

export interface Stores {
  server(config?: RedisOptions['config']): Promise<RedisServer>;
  open(server: Pick<RedisServer, 'url'>, options?: Partial<RedisStoreOptions>): Promise<RedisStore>;
  /** A connection of the test's own. */
  redis(server: Pick<RedisServer, 'url'>): Redis;
}

/**
 * No verdict hangs on how fast Redis answers: the last resort, ms. Tests of a Redis that says nothing, or that lacks a replica, take
 * `SILENCE`, for they wait for the end of it.
 */
export const PATIENT = { commandTimeoutMs: 60_000, startTimeoutMs: 120_000 } as const;
export const SILENCE = { commandTimeoutMs: 5_000 } as const;

/** To be called in the suite that uses them. */
export function useStores(): Stores {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const work of cleanups.splice(0).toReversed()) await work();
  });
  return {
    async server(config = {}) {
      const server = await startRedis({ config });
      cleanups.push(() => server.stop());
      return server;
    },
    async open({ url }, options = {}) {
      const store = await createRedisStore({ url, ...PATIENT, ...options });
      cleanups.push(() => store.close());
      return store;
    },
    redis({ url }) {
      const redis = new Redis(url);
      // it may end before the test does
      redis.on('error', () => undefined);
      cleanups.push(() => redis.disconnect());
      return redis;
    },
  };
}

/** A Redis that loses nothing it acknowledged. */
export const DURABLE = { appendonly: 'yes', appendfsync: 'always' };
