/** Reports rows written by any process: at once when the message arrives, within two checks when it was lost. */
import type { Client } from './client.ts';
import type { Connection } from './connect.ts';
import { besideRows, changesChannel, rowsKey } from './keys.ts';

export interface Watches {
  /** From now on, and once for every row already there. */
  add(shelf: string, onChange: (id: string) => void): void;
  stop(): void;
}

export interface WatchesOptions {
  readonly client: Client;
  /** created at the first watch: a subscribed connection can do nothing else */
  readonly connect: () => Connection;
  /** number of the database */
  readonly db: number;
  readonly onError: (error: unknown) => void;
  /** between two checks for lost messages, ms */
  readonly every: number;
}

interface Watch {
  readonly shelf: string;
  readonly channel: string;
  readonly onChange: (id: string) => void;
  /** reported ids: one whose row is gone is reported once more */
  readonly ids: Set<string>;
  /** number of the last message; undefined: everything must be reported */
  last: number | undefined;
  /** number at the previous check */
  seen: number;
}

export function createWatches({ client, connect, db, onError, every }: WatchesOptions): Watches {
  const watches: Watch[] = [];
  let connection: Connection | undefined;
  let timer: NodeJS.Timeout | undefined;

  function tell(watch: Watch, id: string): void {
    watch.ids.add(id);
    watch.onChange(id);
  }

  function hear(channel: string, message: string): void {
    const space = message.indexOf(' ');
    const number = Number(message.slice(0, space));
    for (const watch of watches) {
      if (watch.channel !== channel) continue;
      // the next check finds what is missing in between
      if (watch.last !== undefined && number === watch.last + 1) watch.last = number;
      tell(watch, message.slice(space + 1));
    }
  }

  async function look(watch: Watch, subscriber: Connection): Promise<void> {
    await subscriber.subscribe(watch.channel);
    const number = Number(await client.ask((redis) => redis.get(besideRows(watch.shelf, 'changes'))));
    // a message may still be on its way: those counted at the previous check should have arrived
    const whole = watch.last !== undefined && watch.last >= watch.seen && watch.last <= number;
    watch.seen = number;
    if (whole) return;
    const ids = new Set([...watch.ids, ...(await client.ask((redis) => redis.hkeys(rowsKey(watch.shelf))))]);
    watch.last = number;
    for (const id of ids) tell(watch, id);
  }

  async function lookAtAll(subscriber: Connection): Promise<void> {
    if (subscriber.status === 'ready') {
      await Promise.all(watches.map((watch) => look(watch, subscriber).catch(onError)));
    }
    if (connection === undefined) return;
    timer = setTimeout(() => void lookAtAll(subscriber), every).unref();
  }

  function start(): void {
    const subscriber = connect();
    connection = subscriber;
    subscriber.on('message', hear);
    subscriber.once('ready', () => void lookAtAll(subscriber));
  }

  return {
    add(shelf, onChange) {
      const channel = changesChannel(shelf, db);
      watches.push({ shelf, channel, onChange, ids: new Set(), last: undefined, seen: 0 });
      if (connection === undefined) start();
    },
    stop() {
      clearTimeout(timer);
      connection?.disconnect();
      connection = undefined;
    },
  };
}
