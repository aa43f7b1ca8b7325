/** The bridge and the bare handler as processes of their own; what they print goes to files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import type { Look } from './bridge.ts';
import { createConnection, type Connection } from './http.ts';
import type { Zitadel } from './person.ts';
import type { StoreLook } from './store-alone.ts';

/** A sync as its log line tells it. */
export interface SyncLine {
  readonly ms: number;
  readonly count: number;
}

export interface BridgeProcess {
  /** a new connection of its own to SCIM; `token` of a tenant, when it is not the only one */
  connection(token?: string): Connection;
  /** Waits until /readyz is 200: at the first start that is the end of the first sync. Milliseconds since the process began. */
  ready(): Promise<number>;
  /** Waits for the sync that begins with the process. */
  synced(): Promise<SyncLine>;
  /** bytes */
  memory(): Promise<number>;
  /** The value of a metric; of the first one when there are several with this name. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** A bridge that can be looked into. */
export interface OpenBridge extends BridgeProcess {
  /** Its commits and the delay of its event loop since the last look. */
  look(): Promise<Look>;
}

const TOKEN = 'a-bench-token-of-128-bits';
/** The flags of node that `npm start` gives. */
const FLAGS = /^node (.*)src\/main\.ts$/.exec(manifest.scripts.start)?.[1]?.split(' ').filter(Boolean) ?? [];
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const OPEN = fileURLToPath(new URL('./bridge.ts', import.meta.url));
const STORE = fileURLToPath(new URL('./store-alone.ts', import.meta.url));
const BARE = fileURLToPath(new URL('./bare.ts', import.meta.url));

/** Resolves when it listens. @param folder a DATA_DIR of its own is made in it, or found as the last process left it */
export async function startBridge(
  zitadel: Zitadel,
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BridgeProcess> {
  return startProgram(MAIN, zitadel, folder, settings);
}

/** As startBridge. `settings` may hold those of bench/bridge.ts too. */
export async function startOpenBridge(
  zitadel: Zitadel,
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OpenBridge> {
  return startProgram(OPEN, zitadel, folder, settings);
}

async function startProgram(
  program: string,
  zitadel: Zitadel,
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<OpenBridge> {
  const began = performance.now();
  // no sweep but the one at start: what is measured is the request. Not longer: a part of it goes into each look at the metadata
  const port = String(await freePort());
  const env = { SCIM_TOKEN: TOKEN, PORT: port, RATE_LIMIT: '0', SYNC_INTERVAL: '5m', VIEW_MAX_AGE: '1h', ...settings };
  const child = start([...FLAGS, program], folder, { ...zitadelEnv(zitadel), DATA_DIR: join(folder, 'data'), ...env });
  const address = await child.line(/"address":"(http:[^"]+)"/);
  const [health, watcher] = [createConnection(address), createConnection(address)];
  let looking: Promise<unknown> = Promise.resolve();
  /** One after another: a connection has one request in flight. */
  async function watched(path: string): Promise<string> {
    const answer = looking.then(() => watcher.send('GET', path, 200));
    looking = answer.catch(() => undefined);
    return (await answer).text;
  }
  async function metric(name: string): Promise<number> {
    const text = await watched('/metrics');
    return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(text)?.[1]);
  }
  return {
    async ready() {
      while ((await health.send('GET', '/readyz', null)).status !== 200) await delay(10);
      return performance.now() - began;
    },
    connection: (token = TOKEN) => createConnection(`${address}/scim/v2`, { authorization: `Bearer ${token}` }),
    async synced() {
      const line = await child.line(/^(.*"msg":"sync finished".*)$/m);
      return JSON.parse(line) as SyncLine;
    },
    memory: () => metric('process_resident_memory_bytes'),
    metric,
    async look() {
      return JSON.parse(await watched('/bench')) as Look;
    },
    async stop() {
      for (const each of [health, watcher]) each.close();
      await child.stop();
    },
  };
}

/** The store alone, with so many ms added to each commit; its look, as a line of JSON. */
export async function runStore(folder: string, delayMs: number): Promise<StoreLook> {
  const child = start([...FLAGS, STORE, join(folder, `store-${delayMs}`), String(delayMs)], folder, {});
  const line = await child.line(/^(\{"held".*)$/m);
  await child.ended;
  return JSON.parse(line) as StoreLook;
}

export async function startBare(zitadel: Zitadel, folder: string) {
  const child = start([BARE], folder, zitadelEnv(zitadel));
  const address = await child.line(/listening on (\S+)/);
  return { connection: () => createConnection(address), stop: child.stop };
}

const zitadelEnv = ({ url, organization, token }: Zitadel) => ({
  ZITADEL_URL: url,
  ZITADEL_ORG_ID: organization,
  ZITADEL_TOKEN: token,
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

let started = 0;
const running = new Set<ChildProcess>();
// nothing stays when the measurement fails
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function start(command: readonly string[], folder: string, env: Readonly<Record<string, string>>) {
  const output = join(folder, `output-${++started}.log`);
  const fd = openSync(output, 'w');
  // in a folder where no .env and no bridge.yaml lie
  const child = spawn(process.execPath, [...process.execArgv, ...command], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', fd, fd],
  });
  closeSync(fd);
  const ended = once(child, 'exit');
  running.add(child);
  child.once('exit', () => running.delete(child));
  return {
    /** Waits until the output holds it; gives the first group. */
    async line(pattern: RegExp): Promise<string> {
      for (;;) {
        const text = await readFile(output, 'utf8');
        const found = pattern.exec(text)?.[1];
        if (found !== undefined) return found;
        if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${child.exitCode}: ${text}`);
        await delay(25);
      }
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
    ended,
  };
}
