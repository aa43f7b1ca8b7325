/** A redis-server of its own for a test: a free port, a folder of its own, gone at the end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RedisOptions {
  /** lines of redis.conf beside (or instead of) those below, e.g. { appendonly: 'yes' } */
  readonly config?: Readonly<Record<string, string>>;
  /** it is a sentinel, with these lines beside port and folder */
  readonly sentinel?: string;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Ends it and takes its folder away. */
  stop(): Promise<void>;
  /** kill -9; its folder stays. */
  kill(): Promise<void>;
  /** Starts it again after kill(), on the same port and folder; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP: it takes connections and answers nothing. */
  freeze(): void;
  thaw(): void;
}

/** Why something is skipped; skipped.ts counts by it. */
export const NO_REDIS = 'there is no redis-server on this machine';

/** Reason to skip for node:test, false when there is a redis-server. Says loudly that something is skipped. */
export function withoutRedis(): typeof NO_REDIS | false {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    console.error(`SKIPPED: ${NO_REDIS}: nothing of Redis is tested`);
    return NO_REDIS;
  }
}

const options = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);

const CONFIG = { bind: '127.0.0.1', save: '', appendonly: 'no', 'maxmemory-policy': 'noeviction' };

/** Longest wait for a server to answer, ms: the last resort on a slow machine. */
const PATIENCE = 300_000;

export async function startRedis({ config = {}, sentinel }: RedisOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bridge-redis-'));
  let child: ChildProcess | undefined;
  let port = 0;
  const endNow = (): void => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };

  /** A sentinel writes into its file what it finds out. */
  function sentinelFile(): string {
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${sentinel}\n`);
    return file;
  }

  async function start(): Promise<void> {
    const settings = { ...CONFIG, ...config, port: String(port), dir: folder };
    const args = sentinel === undefined ? options(settings) : [sentinelFile(), '--sentinel'];
    const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    server.stdout.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
    child = server;
    // a test need not end it: the end of the test's process does
    server.unref();
    (server.stdout as Socket).unref();
    const patience = Date.now() + PATIENCE;
    while (!(await answers(port))) {
      if (server.exitCode !== null || Date.now() > patience) throw new Error(`redis-server does not start: ${said}`);
      await sleep(10);
    }
    // somebody else may have taken the port and be the one who answers
    if (server.exitCode !== null) throw new Error(`redis-server does not start: ${said}`);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const server = child;
    child = undefined;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.ref();
    const exit = once(server, 'exit');
    server.kill(signal);
    // one that is frozen ends only when it goes on
    if (signal !== 'SIGKILL') server.kill('SIGCONT');
    await exit;
  }

  for (let tries = 1; ; tries++) {
    port = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      await end('SIGKILL');
      if (tries === 5) throw error;
    }
  }
  endWithProcess(endNow);

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async stop() {
      running.delete(endNow);
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What ends the servers of this process. */
const running = new Set<() => void>();

/** Once for all servers: a process may have many. */
function endWithProcess(endNow: () => void): void {
  running.add(endNow);
  if (isWatched) return;
  isWatched = true;
  process.on('exit', () => running.forEach((end) => end()));
  // a test that takes too long is ended so
  process.on('SIGTERM', () => process.exit(143));
}

let isWatched = false;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  // a cluster node listens on port + 10,000 too
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return port > 55_000 ? freePort() : port;
}

/** Whether it works: not while it loads its data. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 10_000 }, () => socket.write('PING\r\n'));
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (data) => end(/^(?:\+PONG|-NOAUTH)/.test(data.toString())));
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
    socket.on('close', () => end(false));
  });
}
