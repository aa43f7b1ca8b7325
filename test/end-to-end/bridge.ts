/** The whole bridge in this process, over a sandbox, and a SCIM client to talk to it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Timing } from '../../src/bridge/timing.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/server/log.ts';
import { createServer } from '../../src/server/http-server.ts';
import type { CommitHook } from '../../src/store/sqlite/writer.ts';
import { wire } from '../../src/server/compose.ts';
import type { SandboxProcess } from './sandbox.ts';
import { endStore, storeOf, UNHURRIED } from './store.ts';
import { until } from './until.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** parsed JSON; {} when there is none */
  readonly body: Json;
}

// biome-ignore format: what tests read from answers has no shape of its own
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

/** The body of an answer that has this status. */
export async function answered(status: number, asked: Promise<Answer>): Promise<Json> {
  const answer = await asked;
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
}

export interface Client {
  (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface RunningBridge {
  readonly base: string;
  readonly dataDir: string;
  /** lines of the log */
  readonly lines: readonly string[];
  readonly scim: Client;
  client(token: string): Client;
  /** the text of /metrics */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

export const TOKEN = 'a-test-token-of-128-bits';

export interface BridgeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timing?: Partial<Timing>;
  /** holds commits up */
  readonly hook?: CommitHook;
  /** told where it listens, before it has begun */
  readonly onListening?: (origin: string) => void;
  /** kept after stop when given */
  readonly dataDir?: string;
}

export async function startBridge(
  sandbox: SandboxProcess,
  { env = {}, timing = {}, hook = {}, onListening, dataDir }: BridgeOptions = {},
): Promise<RunningBridge> {
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'bridge-')));
  const { seeds } = sandbox;
  const config = loadConfig(
    {
      ZITADEL_URL: sandbox.url,
      ZITADEL_ORG_ID: seeds.organizations.a,
      ZITADEL_TOKEN: seeds.tokens.managerA,
      SCIM_TOKEN: TOKEN,
      DATA_DIR: directory,
      RATE_LIMIT: '0',
      ...(await storeOf(directory)),
      ...env,
    },
    directory,
  );
  const lines: string[] = [];
  const log = createLog({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const bridge = await wire({ config, log, timing: { ...UNHURRIED, ...timing }, hook });
  const server = createServer(bridge.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onListening?.(origin);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await bridge.stop();
    if (dataDir !== undefined) return;
    await endStore(directory);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await bridge.start();
    await until(
      async () => (await fetch(`${origin}/readyz`)).ok,
      () => lines.join(''),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const base = `${origin}/scim/v2`;
  return {
    base,
    dataDir: directory,
    lines,
    scim: createClient(base, TOKEN),
    client: (token) => createClient(base, token),
    metrics: async () => (await fetch(`${origin}/metrics`)).text(),
    stop,
  };
}

export function createClient(base: string, token: string): Client {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  };
}
