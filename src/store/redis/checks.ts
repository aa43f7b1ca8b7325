/** What the bridge requires of a Redis, and the durability that follows. */
import type { Connection } from './connect.ts';
import { Cluster } from 'ioredis';

/** What an acknowledged write survives at least. */
export interface Durability {
  /** a crash of Redis, of its machine, or a failover */
  readonly survives: 'nothing' | 'process' | 'os' | 'failover';
  readonly text: string;
}

export interface Checked {
  readonly durability: Durability;
  /** for the operator, one line each */
  readonly warnings: readonly string[];
}

/** Reads the settings of every server; messages name `where`. Throws an Error for the operator if one is unsuitable. */
export async function checkRedis(connection: Connection, where: string, replicas: number): Promise<Checked> {
  const servers = connection instanceof Cluster ? connection.nodes('master') : [connection];
  if (connection instanceof Cluster && replicas > 0) {
    throw new Error(
      'redis.replicas does not work with a Redis Cluster: set min-replicas-to-write on its nodes, or use sentinels',
    );
  }
  const found: Checked[] = [];
  for (const server of servers) found.push(await checkServer(server, where, replicas));
  found.sort((left, right) => ORDER.indexOf(left.durability.survives) - ORDER.indexOf(right.durability.survives));
  const [weakest] = found;
  if (weakest === undefined) throw new Error(`the Redis Cluster at ${where} names no master`);
  return { durability: weakest.durability, warnings: [...new Set(found.flatMap(({ warnings }) => warnings))] };
}

async function checkServer(server: Connection, where: string, replicas: number): Promise<Checked> {
  const info = new Map(
    (await server.info()).split('\r\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
  refuse(info, where);
  const aof = info.get('aof_enabled') === '1';
  const fsync = await setting(server, 'appendfsync');
  const least = await setting(server, 'min-replicas-to-write');
  const warnings: string[] = [];
  if (!aof) {
    warnings.push(
      `Redis at ${where} keeps no append-only file: answered writes are lost when it restarts (set appendonly yes)`,
    );
  } else if (fsync === 'everysec') {
    warnings.push(
      `Redis at ${where} has appendfsync everysec: up to 2 s of answered writes are lost when it is killed (set appendfsync always)`,
    );
  }
  if (replicas > 0 && least !== undefined && Number(least) < replicas) {
    warnings.push(
      `Redis at ${where} takes writes with ${least} replicas: set min-replicas-to-write ${replicas}, or a master that was cut off goes on taking them`,
    );
  }
  return { durability: durabilityOf(aof, fsync, replicas), warnings };
}

const ORDER: readonly Durability['survives'][] = ['nothing', 'process', 'os', 'failover'];

function refuse(info: ReadonlyMap<string, string>, where: string): void {
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < 7) throw new Error(`Redis 7 or newer is needed, ${where} is ${version}`);
  const policy = info.get('maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new Error(
      `Redis at ${where} has maxmemory-policy ${policy}: when full it would evict changes that are not delivered yet; set it to noeviction`,
    );
  }
  if (info.get('role') === 'slave')
    throw new Error(`Redis at ${where} is a replica: give the address of the master, or of the sentinels`);
}

/** Hosted servers may refuse CONFIG: then undefined. */
async function setting(server: Connection, name: string): Promise<string | undefined> {
  try {
    const [, value] = await server.config('GET', name);
    return value;
  } catch {
    return undefined;
  }
}

/**
 * With appendfsync `always` and `no` a write is passed to the operating system before it is answered. `everysec` delays
 * it by up to 2 s during an fsync (https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency);
 * if Redis is killed then, the write is lost (measured).
 */
function durabilityOf(aof: boolean, fsync: string | undefined, replicas: number): Durability {
  if (!aof)
    return { survives: 'nothing', text: 'answered writes are lost when Redis restarts: it keeps no append-only file' };
  if (replicas > 0) {
    return {
      survives: 'failover',
      text: `answered writes are on ${replicas} replicas too: they survive a fail-over to these`,
    };
  }
  if (fsync === 'always')
    return { survives: 'os', text: 'answered writes survive the end of Redis and of its machine' };
  if (fsync === 'no') {
    return {
      survives: 'process',
      text: 'answered writes survive the end of Redis, not of its machine (set appendfsync always)',
    };
  }
  return {
    survives: 'nothing',
    text: `up to 2 s of answered writes are lost when Redis is killed: appendfsync is ${fsync ?? 'not known'} (set appendfsync always)`,
  };
}
