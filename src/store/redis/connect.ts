/** Connections to Redis for requests: nothing waits in a queue, everything fails in under a second when Redis is away. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { type Address, hostsOf, parseAddress } from './address.ts';

export type Connection = Redis | Cluster;

/** Longest pause between two attempts to connect, ms. */
const RECONNECT_MS = 500;

/** Pause before attempt `times`, ms: serving again soon after Redis is back, without knocking all the time. */
const pause = (times: number): number => Math.min(50 * times, RECONNECT_MS);

/** A connection that is being made; it reports its errors to `onError` and goes on trying. */
export function connectTo(address: Address, commandTimeout: number, onError: (error: Error) => void): Connection {
  const connection =
    address.kind === 'cluster' ? clusterOf(address, commandTimeout) : serverOf(address, commandTimeout);
  connection.on('error', onError);
  return connection;
}

/** What every connection has. */
const common = ({ username, password, tls, kind, hosts: [first] }: Address, commandTimeout: number) => ({
  ...(username !== undefined && { username }),
  ...(password !== undefined && { password }),
  ...(tls && { tls: kind === 'single' && first !== undefined ? { servername: first.host } : {} }),
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout,
  connectTimeout: 2 * commandTimeout,
  // one that takes everything and says nothing is given up: behind a cut wire TCP itself would wait for minutes
  socketTimeout: 2 * commandTimeout,
  maxLoadingRetryTime: RECONNECT_MS,
  // after a fail-over the server that was the master refuses writes
  reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
  connectionName: 'scim-bridge',
});

/** What one who connects may decide. */
export type Rules = Pick<RedisOptions, 'maxRetriesPerRequest' | 'socketTimeout' | 'retryStrategy' | 'reconnectOnError'>;

/** A connection to the same address that follows other rules, those of the queue. */
export function connectAs(url: string, options: Rules): Connection {
  const address = parseAddress(url);
  const { kind, hosts, master = '', tls, db, username, password, sentinelUsername, sentinelPassword } = address;
  const [first] = hosts;
  const own = {
    ...options,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: kind === 'single' && first !== undefined ? { servername: first.host } : {} }),
  };
  if (kind === 'cluster') return new Cluster([...hosts], { redisOptions: own, clusterRetryStrategy: pause });
  if (kind === 'single') return new Redis({ ...own, db, ...first });
  return new Redis({
    ...own,
    db,
    sentinels: [...hosts],
    name: master,
    sentinelRetryStrategy: pause,
    failoverDetector: true,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  });
}

function serverOf(address: Address, commandTimeout: number): Redis {
  const { kind, hosts, master = '', tls, db, sentinelUsername, sentinelPassword } = address;
  const options = { ...common(address, commandTimeout), db, enableOfflineQueue: false, retryStrategy: pause };
  if (kind === 'single') return new Redis({ ...options, ...hosts[0] });
  return new Redis({
    ...options,
    sentinels: [...hosts],
    name: master,
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: commandTimeout,
    failoverDetector: true,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  });
}

function clusterOf(address: Address, commandTimeout: number): Cluster {
  return new Cluster([...address.hosts], {
    enableOfflineQueue: false,
    redisOptions: common(address, commandTimeout),
    clusterRetryStrategy: pause,
    slotsRefreshTimeout: 2 * commandTimeout,
    // all of them together stay under a second
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnTryAgain: 100,
  });
}

/** Resolves once it can be worked with; rejects with an Error for the operator when it can not within `ms`. */
export async function whenReady(connection: Connection, address: Address, ms: number): Promise<void> {
  if (connection.status === 'ready') return;
  let reason = 'no answer';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const remember = (error: Error): void => void (reason = error.message);
  const timer = setTimeout(() => reject(new Error(`Redis at ${hostsOf(address)} cannot be used: ${reason}`)), ms);
  connection.on('error', remember).once('ready', resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    connection.off('error', remember).off('ready', resolve);
  }
}
