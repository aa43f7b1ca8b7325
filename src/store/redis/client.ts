/** What the store asks of Redis. Every failure becomes BridgeError 503. */
import { shuttingDown, unavailable } from '../unavailable.ts';
import type { Connection } from './connect.ts';
import type { Script } from './script.ts';

export interface Client {
  /** Runs a script; the keys share one hash tag. Its answer is what the script says it is. */
  run<T>(script: Script, keys: readonly string[], args?: readonly (string | number)[]): Promise<T>;
  /** Any other command. */
  ask<T>(command: (connection: Connection) => Promise<T>): Promise<T>;
  /** How often it was connected: what was said before a number changed may have been said to another server. */
  times(): number;
  close(): void;
}

export function createClient(connection: Connection): Client {
  let closed = false;
  let times = connection.status === 'ready' ? 1 : 0;
  connection.on('ready', () => times++);

  async function ask<T>(command: (connection: Connection) => Promise<T>): Promise<T> {
    if (closed) throw shuttingDown();
    try {
      return await command(connection);
    } catch (error) {
      throw unavailable(error);
    }
  }

  return {
    ask,
    run: <T>({ lua, sha }: Script, keys: readonly string[], args: readonly (string | number)[] = []) =>
      ask(async (redis) => {
        try {
          return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as T;
        } catch (error) {
          // a server that was started anew knows no scripts
          if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
          return (await redis.eval(lua, keys.length, ...keys, ...args)) as T;
        }
      }),
    times: () => times,
    close() {
      closed = true;
      connection.disconnect();
    },
  };
}
