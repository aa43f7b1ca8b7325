/** What a Redis must be like for the bridge, and what it promises then. */
import type { Connection } from './connect.ts';
import { Cluster } from 'ioredis';

/** What an acknowledged write survives at least. */
export interface Durability {
  /** the end of Redis, of its machine, or a fail-over */
  readonly survives: 'nothing' | 'process' | 'os' | 'failover';
  readonly text: string;
}

export interface Checked {
  readonly durability: Durability;
  /** for the operator, a line each */
  readonly warnings: readonly string[];
}

/** Reads the settings of every server; `where` names it in messages. Throws an Error for the operator when one does not do. */
export async function checkRedis(connection: Connection, where: string, replicas: number): Promise<Checked> {
  const servers = connection instanceof Cluster ? connection.nodes('master') : [connection];
  if (connection instanceof Cluster && replicas > 0) {
    throw new Error(
      'redis.replicas does not work with a Redis Cluster: set min-replicas-to-write on its nodes, or use sentinels',
    );
  }
  let weakest: Durability | undefined;
  const warnings = new Set<string>();
  for (const server of servers) {
    const info = new Map(
      (await server.info()).split('\r\n').map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1)];
      }),
    );
    refuse(info, where);
    const durability = durabilityOf(info.get('aof_enabled') === '1', await setting(server, 'appendfsync'), replicas);
    if (weakest === undefined || ORDER.indexOf(durability.survives) < ORDER.indexOf(weakest.survives))
      weakest = durability;
    if (info.get('aof_enabled') !== '1') {
      warnings.add(
        `Redis at ${where} keeps no append-only file: a restart of it loses writes that were answered (set appendonly yes)`,
      );
    }
    const least = await setting(server, 'min-replicas-to-write');
    if (replicas > 0 && least !== undefined && Number(least) < replicas) {
      warnings.add(
        `Redis at ${where} takes writes with ${least} replicas: set min-replicas-to-write ${replicas}, or a master that was cut off goes on taking them`,
      );
    }
  }
  return { durability: weakest ?? durabilityOf(false, undefined, replicas), warnings: [...warnings] };
}

const ORDER: readonly Durability['survives'][] = ['nothing', 'process', 'os', 'failover'];

function refuse(info: ReadonlyMap<string, string>, where: string): void {
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < 7) throw new Error(`Redis 7 or newer is needed, ${where} is ${version}`);
  const policy = info.get('maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new Error(
      `Redis at ${where} has maxmemory-policy ${policy}: it would throw away what is owed when it is full; set it to noeviction`,
    );
  }
  if (info.get('role') === 'slave')
    throw new Error(`Redis at ${where} is a replica: give the address of the master, or of the sentinels`);
}

/** Hosted servers may refuse CONFIG: undefined then. */
async function setting(server: Connection, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await server.config('GET', name)) as string[];
    return value;
  } catch {
    return undefined;
  }
}

/**
 * https://redis.io/docs/latest/operate/oss_and_stack/management/persistence: a write is handed to the operating system before it is
 * answered, but for `everysec`, which holds it back up to 2 s while an fsync is under way.
 */
function durabilityOf(aof: boolean, fsync: string | undefined, replicas: number): Durability {
  if (replicas > 0) {
    return {
      survives: 'failover',
      text: `answered writes are on ${replicas} replicas and survive a fail-over to one of them`,
    };
  }
  if (!aof)
    return { survives: 'nothing', text: 'answered writes are lost when Redis restarts: it keeps no append-only file' };
  if (fsync === 'always')
    return { survives: 'os', text: 'answered writes survive the end of Redis and a crash of its machine' };
  const held = fsync === 'no' ? '' : ', but for up to 2 s of them while its disk is slow';
  return {
    survives: 'process',
    text: `answered writes survive the end of Redis${held}, not a crash of its machine (set appendfsync always)`,
  };
}
