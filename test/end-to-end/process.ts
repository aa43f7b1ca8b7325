/** The bridge as a process of its own, to be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Timing } from '../../src/bridge/timing.ts';
import { type Client, createClient, TOKEN } from './bridge.ts';
import type { SandboxProcess } from './sandbox.ts';
import { storeOf, UNHURRIED } from './store.ts';
import { until } from './until.ts';

export interface BridgeProcess {
  readonly scim: Client;
  readonly base: string;
  readonly dataDir: string;
  /** everything it printed */
  output(): string;
  /** kill -9, or another signal; resolves with the exit code when it is gone */
  kill(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit code once it has ended by itself. */
  ended(): Promise<number | null>;
}

/** `sandbox` undefined: the one in its own process, as `npm start` with nothing set. With `timing` it runs on other durations. */
export async function startProcess(
  sandbox: SandboxProcess | undefined,
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  timing?: Partial<Timing>,
): Promise<BridgeProcess> {
  const port = await freePort();
  const real = sandbox && {
    ZITADEL_URL: sandbox.url,
    ZITADEL_ORG_ID: sandbox.seeds.organizations.a,
    ZITADEL_TOKEN: sandbox.seeds.tokens.managerA,
  };
  const store = await storeOf(dataDir);
  const main = timing === undefined ? 'src/main.ts' : 'test/end-to-end/main.ts';
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      SCIM_TOKEN: TOKEN,
      DATA_DIR: dataDir,
      PORT: String(port),
      ...store,
      ...real,
      ...env,
      BRIDGE_TIMING: JSON.stringify({ ...UNHURRIED, ...timing }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const gone = once(child, 'exit');
  const origin = `http://127.0.0.1:${port}`;
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`the bridge ended: ${printed}`);
      return (await fetch(`${origin}/readyz`).catch(() => undefined))?.ok === true;
    },
    () => printed,
  );
  return {
    base: `${origin}/scim/v2`,
    dataDir,
    scim: createClient(`${origin}/scim/v2`, TOKEN),
    output: () => printed,
    async ended() {
      const [code] = (await gone) as [number | null];
      return code;
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      const [code] = (await gone) as [number | null];
      return code;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
