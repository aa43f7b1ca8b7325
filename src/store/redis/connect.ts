/** Connections to Redis for requests: nothing queues; everything fails in under a second while Redis is down. */
import { isIP } from 'node:net';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { type Address, hostsOf, parseAddress } from './address.ts';

export type Connection = Redis | Cluster;

/** Longest pause between two connection attempts, ms. */
const RECONNECT_MS = 500;

/** Pause before attempt `times`, ms: back soon after Redis is, without constant retries. */
const pause = (times: number): number => Math.min(50 * times, RECONNECT_MS);

/** A connection that is being established; it reports errors to `onError` and keeps trying. */
export function connectTo(address: Address, commandTimeout: number, onError: (error: Error) => void): Connection {
  const options = {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout,
    connectTimeout: 2 * commandTimeout,
    // drop a connection that accepts everything and never answers: TCP itself would wait minutes after a cut
    socketTimeout: 2 * commandTimeout,
    maxLoadingRetryTime: RECONNECT_MS,
    // after a failover the former master refuses writes
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
    connectionName: 'scim-bridge',
    enableOfflineQueue: false,
    retryStrategy: pause,
    sentinelCommandTimeout: commandTimeout,
    // a master that was cut off may not know about the failover: the sentinels tell us
    failoverDetector: true,
  };
  const connection = open(address, options, {
    enableOfflineQueue: false,
    slotsRefreshTimeout: 2 * commandTimeout,
    // together they stay under a second
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnTryAgain: 100,
  });
  connection.on('error', onError);
  return connection;
}

/** Options that callers may override. */
export type Rules = Pick<RedisOptions, 'maxRetriesPerRequest' | 'socketTimeout' | 'retryStrategy' | 'reconnectOnError'>;

/**
 * A connection to the same address with other options, for the queue. Without failoverDetector: BullMQ ends connections
 * with QUIT, after which ioredis 6.0.0 keeps the detector's own connections, and so the process, alive forever.
 */
export const connectAs = (url: string, rules: Rules): Connection => open(parseAddress(url), rules, {});

/** The server, the master named by the sentinels, or the cluster, with TLS and credentials from the address. */
function open(address: Address, options: Omit<RedisOptions, 'replyMapping'>, ofCluster: ClusterOptions): Connection {
  const { kind, hosts, master = '', tls, db, username, password, sentinelUsername, sentinelPassword } = address;
  const [first] = hosts;
  const own = {
    ...options,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    // RFC 6066 §3: a server name is not an IP address
    ...(tls && {
      tls: kind === 'single' && first !== undefined && isIP(first.host) === 0 ? { servername: first.host } : {},
    }),
  };
  if (kind === 'cluster')
    return new Cluster([...hosts], {
      ...ofCluster,
      redisOptions: own,
      clusterRetryStrategy: pause,
      // a certificate is issued for the given name, not for the IP address behind it
      ...(tls && { dnsLookup: (host, found) => found(null, host) }),
    });
  if (kind === 'single') return new Redis({ ...own, db, ...first });
  return new Redis({
    ...own,
    db,
    sentinels: [...hosts],
    name: master,
    sentinelRetryStrategy: pause,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  });
}

/** Resolves once the connection is usable; rejects with an Error for the operator if it is not within `ms`. */
export async function whenReady(connection: Connection, address: Address, ms: number): Promise<void> {
  if (connection.status === 'ready') return;
  let reason = 'no answer';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const remember = (error: Error): void => void (reason = error.message);
  const timer = setTimeout(
    () => reject(new Error(`Redis at ${hostsOf(address)} cannot be used: ${withAdvice(reason)}`)),
    ms,
  );
  connection.on('error', remember).once('ready', resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    connection.off('error', remember).off('ready', resolve);
  }
}

/** Why Redis cannot be used at first start, and what to do. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^All sentinels.*NOAUTH/, 'they ask for a password: ?sentinelPassword= at the end of the address'],
  [/NOAUTH/, 'it asks for a password: user:password@ before the host'],
  [/self-signed|unable to (?:verify|get)/, 'name the file of its CA in NODE_EXTRA_CA_CERTS'],
  [/ECONNRESET|certificate required/, 'with TLS: rediss:// here, tls-auth-clients no in its configuration'],
];

/** One line: OpenSSL messages end with a line break. */
function withAdvice(reason: string): string {
  const advice = ADVICE.find(([shape]) => shape.test(reason))?.[1];
  return `${reason.trim()}${advice === undefined ? '' : ` (${advice})`}`;
}
