/** The queue's own connection to Redis. It waits while Redis is down; no request waits for it. */
import { type Cluster, Redis } from 'ioredis';

export interface RedisAddress {
  /** redis:// or rediss:// of one server */
  readonly url: string;
  /** makes the client, for every other kind of address (Sentinel, Cluster); default: one Redis at `url` */
  readonly connect?: (options: typeof CLIENT) => Redis | Cluster;
}

export interface Connection {
  readonly client: Redis | Cluster;
  /** Reports an error; only the first one of an outage. */
  failed(error: unknown): void;
  /** Ends it; waiting commands fail. */
  close(): void;
}

/** A Redis that is silent for this long is reconnected, ms; longer than BullMQ's longest blocking call (10 s). */
const SILENCE = 15_000;
/** Longest pause between two connection attempts, ms. */
const RETRY = 1_000;
/** Options of a queue client; in a Cluster as `redisOptions`. BullMQ's workers wait forever for answers. */
const CLIENT = {
  maxRetriesPerRequest: null,
  socketTimeout: SILENCE,
  retryStrategy: (times: number): number => Math.min(times * 50, RETRY),
  // after a failover the former master refuses writes
  reconnectOnError: ({ message }: Error): boolean => message.startsWith('READONLY'),
};
/** The same error is reported once per this interval, ms: each tenant's worker sees it. */
const REPEATS = 30_000;

export function openConnection({ url, connect }: RedisAddress, onError: (error: unknown) => void): Connection {
  const client = connect?.(CLIENT) ?? new Redis(url, CLIENT);
  let isOpen = true;
  let isAway = false;
  let told = { text: '', at: Number.NEGATIVE_INFINITY };

  function failed(error: unknown): void {
    if (!isOpen) return;
    if (client.status !== 'ready') {
      if (isAway) return;
      isAway = true;
    } else {
      const text = String(error);
      const now = performance.now();
      if (text === told.text && now - told.at < REPEATS) return;
      told = { text, at: now };
    }
    onError(error);
  }

  client.on('error', failed);
  client.on('ready', () => (isAway = false));
  return {
    client,
    failed,
    close() {
      isOpen = false;
      client.disconnect();
    },
  };
}
