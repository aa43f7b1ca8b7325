/** Connections to Redis for requests: nothing waits in a queue, everything fails in under a second when Redis is away. */
import { isIP } from 'node:net';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { type Address, hostsOf, parseAddress } from './address.ts';

export type Connection = Redis | Cluster;

/** Longest pause between two attempts to connect, ms. */
const RECONNECT_MS = 500;

/** Pause before attempt `times`, ms: serving again soon after Redis is back, without knocking all the time. */
const pause = (times: number): number => Math.min(50 * times, RECONNECT_MS);

/** A connection that is being made; it reports its errors to `onError` and goes on trying. */
export function connectTo(address: Address, commandTimeout: number, onError: (error: Error) => void): Connection {
  const options = {
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
    enableOfflineQueue: false,
    retryStrategy: pause,
    sentinelCommandTimeout: commandTimeout,
    // a master that was cut off may not have heard of the fail-over: the sentinels tell us
    failoverDetector: true,
  };
  const connection = open(address, options, {
    enableOfflineQueue: false,
    slotsRefreshTimeout: 2 * commandTimeout,
    // all of them together stay under a second
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnTryAgain: 100,
  });
  connection.on('error', onError);
  return connection;
}

/** What one who connects may decide. */
export type Rules = Pick<RedisOptions, 'maxRetriesPerRequest' | 'socketTimeout' | 'retryStrategy' | 'reconnectOnError'>;

/**
 * A connection to the same address that follows other rules, those of the queue. Without failoverDetector: BullMQ ends connections
 * by QUIT, after which ioredis 6.0.0 keeps the detector's own ones, and the process, for ever.
 */
export const connectAs = (url: string, rules: Rules): Connection => open(parseAddress(url), rules, {});

/** The server, the master that the sentinels name, or the cluster, with TLS and credentials as the address says. */
function open(address: Address, options: Omit<RedisOptions, 'replyMapping'>, ofCluster: ClusterOptions): Connection {
  const { kind, hosts, master = '', tls, db, username, password, sentinelUsername, sentinelPassword } = address;
  const [first] = hosts;
  const own = {
    ...options,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    // RFC 6066 §3: a server name is no IP address
    ...(tls && {
      tls: kind === 'single' && first !== undefined && isIP(first.host) === 0 ? { servername: first.host } : {},
    }),
  };
  if (kind === 'cluster')
    return new Cluster([...hosts], {
      ...ofCluster,
      redisOptions: own,
      clusterRetryStrategy: pause,
      // a certificate is for the name that was given, not for the IP address behind it
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

/** Resolves once it can be worked with; rejects with an Error for the operator when it cannot within `ms`. */
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

/** What keeps a first start from Redis, and what to do. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^All sentinels.*NOAUTH/, 'they ask for a password: ?sentinelPassword= at the end of the address'],
  [/NOAUTH/, 'it asks for a password: user:password@ before the host'],
  [/self-signed|unable to (?:verify|get)/, 'name the file of its CA in NODE_EXTRA_CA_CERTS'],
  [/ECONNRESET|certificate required/, 'with TLS: rediss:// here, tls-auth-clients no in its configuration'],
];

/** One line: those of OpenSSL end with a break. */
function withAdvice(reason: string): string {
  const advice = ADVICE.find(([shape]) => shape.test(reason))?.[1];
  return `${reason.trim()}${advice === undefined ? '' : ` (${advice})`}`;
}
