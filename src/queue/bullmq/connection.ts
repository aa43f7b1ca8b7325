/** The queue's own connection to Redis. It waits for a Redis that is away; nothing that answers a request waits for it. */
import { type Cluster, Redis } from 'ioredis';

export interface RedisAddress {
  /** redis:// or rediss:// of one server */
  readonly url: string;
  /** makes the client, for every other kind of address (Sentinel, Cluster); default: one Redis at `url` */
  readonly connect?: (options: typeof CLIENT) => Redis | Cluster;
}

export interface Connection {
  readonly client: Redis | Cluster;
  /** Passes an error on; of an outage only the first one. */
  failed(error: unknown): void;
  /** Ends it; commands that wait fail. */
  close(): void;
}

/** A Redis that says nothing for so long is connected to anew, ms; longer than BullMQ's longest blocking call (10 s). */
const SILENCE = 15_000;
/** Longest pause between two attempts to connect, ms. */
const RETRY = 1_000;
/** What a client of the queue needs; in a Cluster as `redisOptions`. BullMQ's workers wait for their answer for ever. */
const CLIENT = {
  maxRetriesPerRequest: null,
  socketTimeout: SILENCE,
  retryStrategy: (times: number): number => Math.min(times * 50, RETRY),
  // after a fail-over the server that was the master refuses writes
  reconnectOnError: ({ message }: Error): boolean => message.startsWith('READONLY'),
};
/** The same error is told once in so long, ms: each tenant has its own worker, and all of them see it. */
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
