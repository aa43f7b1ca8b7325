/** A bridge to be killed: always the same port and folder, what it prints goes to a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Timing } from '../../src/bridge/timing.ts';
import { TOKEN } from '../end-to-end/bridge.ts';
import type { SandboxProcess } from '../end-to-end/sandbox.ts';
import { until } from '../end-to-end/until.ts';

export interface BridgeProcess {
  /** kill -9; resolves with the time of it, ms since 1970, once the process is gone */
  kill(): Promise<number>;
  /** it did not end by itself */
  alive(): boolean;
  /** SIGSTOP: it takes connections, keeps those it has, and does nothing. */
  freeze(): void;
  /** SIGCONT */
  thaw(): void;
}

export interface Place {
  readonly sandbox: SandboxProcess;
  /** of bridge.yaml; for DATA_DIR and output */
  readonly folder: string;
  readonly port: number;
  readonly timing: Partial<Timing>;
  /** settings beside those of every bridge */
  readonly env?: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('bridge.ts', import.meta.url));

export const dataDirOf = (folder: string): string => join(folder, 'data');

/** @param slowLine its answers leave up to so many ms late */
export async function startBridge(
  { sandbox, folder, port, timing, env = {} }: Place,
  slowLine = 0,
): Promise<BridgeProcess> {
  const output = openSync(join(folder, 'output.log'), 'a', 0o600);
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      DATA_DIR: dataDirOf(folder),
      ZITADEL_URL: sandbox.url,
      ZITADEL_ORG_ID: sandbox.seeds.organizations.a,
      ZITADEL_TOKEN: sandbox.seeds.tokens.ownerA,
      BRIDGE_CONFIG: join(folder, 'bridge.yaml'),
      ZITADEL_MAX_IN_FLIGHT: '4',
      SCIM_TOKEN: TOKEN,
      RATE_LIMIT: '0',
      KILL_TIMING: JSON.stringify(timing),
      KILL_SLOW_LINE: String(slowLine),
      ...env,
    },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const gone = once(child, 'exit');
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end); // none is left behind when a test fails
  await until(
    () => hasEnded(child) || listens(port),
    () => `the bridge does not listen: see ${folder}/output.log`,
  );
  if (hasEnded(child)) throw new Error(`the bridge ended by itself: see ${folder}/output.log`);
  return {
    async kill() {
      end();
      const at = Date.now();
      await gone;
      process.off('exit', end);
      return at;
    },
    alive: () => !hasEnded(child),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function listens(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
  return answer?.ok === true;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
