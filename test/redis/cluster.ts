/** A Redis Cluster of three masters for a test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from './server.ts';

export interface RedisCluster {
  /** redis+cluster:// */
  readonly url: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
}

const NODES = 3;
const SLOTS = 16_384;

export async function startCluster(): Promise<RedisCluster> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    appendonly: 'yes',
    appendfsync: 'always',
  };
  const servers = await Promise.all(Array.from({ length: NODES }, () => startRedis({ config })));
  const each = async (work: (server: RedisServer) => Promise<unknown>): Promise<void> =>
    void (await Promise.all(servers.map(work)));
  const ports = servers.map(({ port }) => port);

  for (const [n, port] of ports.entries()) {
    await told(port, async (redis) => {
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', share(n), share(n + 1) - 1);
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
    });
  }
  for (const port of ports.slice(1)) await told(port, (redis) => redis.cluster('MEET', '127.0.0.1', ports[0] ?? 0));
  await whole(ports);
  return {
    url: `redis+cluster://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    stop: () => each((server) => server.stop()),
    kill: () => each((server) => server.kill()),
    async start() {
      await each((server) => server.start());
      await whole(ports);
    },
  };
}

const share = (n: number): number => Math.floor((n * SLOTS) / NODES);

/** Every node knows that every slot is served, and by whom. */
async function whole(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await told(port, async (redis) => {
      for (;;) {
        const info = await redis.cluster('INFO');
        if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`)) return;
        await sleep(20);
      }
    });
  }
}

async function told(port: number, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis({ port, host: '127.0.0.1' });
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
