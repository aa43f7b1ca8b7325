/** Processes on one Redis: each announces every second that it is alive, and hears the messages of the others. */
import { randomUUID } from 'node:crypto';
import { parseAddress } from './address.ts';
import { connectTo } from './connect.ts';

export interface RedisPeersOptions {
  readonly url: string;
  readonly commandTimeoutMs?: number;
  readonly onFailure?: (error: unknown) => void;
}

/** Declared in bridge/ports/peers.ts. */
export interface RedisPeers {
  readonly own: string;
  alive(process: string): boolean;
  tell(message: { readonly topic: string; readonly body: unknown }): void;
  listen(topic: string, hear: (body: unknown) => void): void;
  close(): void;
}

const LIVING = 'scim:living';
/** A process says at this interval that it is alive, ms. */
const BEAT = 1_000;
/** A process that has been silent for this long has died, ms. */
const DEAD = 5_000;

/** Messages may be lost: they only shorten waiting. */
export function createRedisPeers(options: RedisPeersOptions): RedisPeers {
  const { url, commandTimeoutMs = 500, onFailure = () => undefined } = options;
  const address = parseAddress(url);
  // channels are shared by all databases of a Redis
  const channel = `scim:peers:${address.db}`;
  const own = randomUUID();
  const client = connectTo(address, commandTimeoutMs, onFailure);
  const ears = connectTo(address, commandTimeoutMs, onFailure);
  const hearing = new Map<string, ((body: unknown) => void)[]>();
  let living: ReadonlySet<string> = new Set();

  ears.on('ready', () => void ears.subscribe(channel).catch(onFailure));
  ears.on('message', (_channel: string, text: string) => {
    const { from, topic, body } = JSON.parse(text) as {
      readonly from: string;
      readonly topic: string;
      readonly body: unknown;
    };
    if (from === own) return;
    for (const hear of hearing.get(topic) ?? []) hear(body);
  });

  async function beat(): Promise<void> {
    const [seconds, micros] = await client.time();
    const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    await client.zadd(LIVING, now, own);
    await client.zremrangebyscore(LIVING, '-inf', now - 10 * DEAD);
    living = new Set(await client.zrangebyscore(LIVING, now - DEAD, '+inf'));
  }

  const beating = setInterval(() => void beat().catch(() => undefined), BEAT);
  beating.unref();
  client.on('ready', () => void beat().catch(() => undefined));

  return {
    own,
    alive: (process) => living.has(process),
    tell({ topic, body }) {
      client.publish(channel, JSON.stringify({ from: own, topic, body })).catch(() => undefined);
    },
    listen(topic, hear) {
      hearing.set(topic, [...(hearing.get(topic) ?? []), hear]);
    },
    close() {
      clearInterval(beating);
      client.zrem(LIVING, own).catch(() => undefined);
      client.disconnect();
      ears.disconnect();
    },
  };
}
