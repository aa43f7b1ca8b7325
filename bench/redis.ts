/** A redis-server of a measurement's own, whose acknowledged writes are on the disk: AOF, appendfsync always. */
import { Redis } from 'ioredis';
import { PREFIX } from '../src/queue/bullmq/names.ts';
import { startRedis } from '../test/redis/server.ts';

/** What a bridge keeps its rows in. */
export interface BenchStore {
  readonly kind: 'embedded' | 'Redis';
  /** of the bridge */
  readonly settings: Readonly<Record<string, string>>;
}

export const EMBEDDED: BenchStore = { kind: 'embedded', settings: {} };

export interface Keys {
  readonly all: number;
  /** of BullMQ */
  readonly queue: number;
  /** jobs, in whatever state */
  readonly jobs: number;
}

export interface OwnRedis extends BenchStore {
  readonly kind: 'Redis';
  /** used_memory, bytes */
  memory(): Promise<number>;
  keys(): Promise<Keys>;
  stop(): Promise<void>;
}

/** BullMQ counts its jobs: PREFIX:queue:number. */
const JOB = new RegExp(`^${PREFIX}:.*:\\d+$`);

export async function startOwnRedis(): Promise<OwnRedis> {
  const server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
  const client = new Redis(server.url);
  client.on('error', (error: Error) => console.error(`Redis: ${error.message}`));
  return {
    kind: 'Redis',
    settings: { REDIS_URL: server.url },
    memory: async () => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]),
    async keys() {
      let [queue, jobs] = [0, 0];
      for await (const page of client.scanStream({ match: `${PREFIX}*`, count: 1_000 })) {
        const names = page as string[];
        queue += names.length;
        jobs += names.filter((name) => JOB.test(name)).length;
      }
      return { all: await client.dbsize(), queue, jobs };
    },
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}
