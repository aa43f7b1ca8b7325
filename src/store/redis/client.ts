/** The store's calls to Redis. Every failure becomes BridgeError 503. */
import { shuttingDown, unavailable } from '../unavailable.ts';
import type { Connection } from './connect.ts';
import type { Script } from './script.ts';

type Arg = string | number | Buffer;

export interface Client {
  /** Runs a script; its keys share one hash tag. The answer's type is the script's. */
  run<T>(script: Script, keys: readonly string[], args?: readonly Arg[]): Promise<T>;
  /** Like run, but texts are returned as bytes, as rows are. */
  runRaw<T>(script: Script, keys: readonly string[], args?: readonly Arg[]): Promise<T>;
  /** Any other command. */
  ask<T>(command: (connection: Connection) => Promise<T>): Promise<T>;
  /** Number of connections so far: after it changes, earlier answers may have come from another server. */
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

  /** A restarted server knows no scripts. */
  async function evaluate(redis: Connection, { lua, sha }: Script, isRaw: boolean, all: readonly Arg[], keys: number) {
    try {
      return await (isRaw ? redis.callBuffer('evalsha', sha, keys, ...all) : redis.evalsha(sha, keys, ...all));
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return isRaw ? redis.callBuffer('eval', lua, keys, ...all) : redis.eval(lua, keys, ...all);
    }
  }

  const run =
    (isRaw: boolean) =>
    <T>(made: Script, keys: readonly string[], args: readonly Arg[] = []): Promise<T> =>
      ask(async (redis) => (await evaluate(redis, made, isRaw, [...keys, ...args], keys.length)) as T);

  return {
    ask,
    run: run(false),
    runRaw: run(true),
    times: () => times,
    close() {
      closed = true;
      connection.disconnect();
    },
  };
}
