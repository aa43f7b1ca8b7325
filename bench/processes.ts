/** The bridge and the bare handler as processes of their own; what they print goes to files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import { createConnection, type Connection } from './http.ts';
import type { Zitadel } from './person.ts';

/** A sync as its log line tells it. */
export interface SyncLine {
  readonly ms: number;
  readonly count: number;
}

export interface BridgeProcess {
  /** a new connection of its own to SCIM */
  connection(): Connection;
  /** Waits until /readyz is 200: at the first start that is the end of the first sync. Milliseconds since the process began. */
  ready(): Promise<number>;
  /** Waits for the sync that begins with the process. */
  synced(): Promise<SyncLine>;
  /** bytes */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

const TOKEN = 'bench-token';
/** The flags of node that `npm start` gives. */
const FLAGS = /^node (.*)src\/main\.ts$/.exec(manifest.scripts.start)?.[1]?.split(' ').filter(Boolean) ?? [];
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const BARE = fileURLToPath(new URL('./bare.ts', import.meta.url));

/** Resolves when it listens. @param folder a DATA_DIR of its own is made in it, or found as the last process left it */
export async function startBridge(
  zitadel: Zitadel,
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BridgeProcess> {
  const began = performance.now();
  // no sweep but the one at start: what is measured is the request
  const port = String(await freePort());
  const env = { SCIM_TOKEN: TOKEN, PORT: port, RATE_LIMIT: '0', SYNC_INTERVAL: '24h', VIEW_MAX_AGE: '1h', ...settings };
  const child = start([...FLAGS, MAIN], folder, { ...zitadelEnv(zitadel), DATA_DIR: join(folder, 'data'), ...env });
  const address = await child.line(/"address":"([^"]+)"/);
  const [health, watcher] = [createConnection(address), createConnection(address)];
  return {
    async ready() {
      while ((await health.send('GET', '/readyz', null)).status !== 200) await delay(10);
      return performance.now() - began;
    },
    connection: () => createConnection(`${address}/scim/v2`, { authorization: `Bearer ${TOKEN}` }),
    async synced() {
      const line = await child.line(/^(.*"msg":"sync finished".*)$/m);
      return JSON.parse(line) as SyncLine;
    },
    async memory() {
      const { text } = await watcher.send('GET', '/metrics', 200);
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
    },
    async stop() {
      for (const each of [health, watcher]) each.close();
      await child.stop();
    },
  };
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
  const gone = once(child, 'exit');
  process.once('exit', () => child.kill('SIGKILL')); // nothing stays when the measurement fails
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
      await gone;
    },
  };
}
