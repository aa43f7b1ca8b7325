/** A sandbox ZITADEL, steered and watched through its /sandbox endpoints. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LagOptions } from '../../sandbox/lag.ts';
import { createSandbox, type Seeds } from '../../sandbox/server.ts';

/** One applied or refused write, as the sandbox tells it: of its journal what tests look at. */
export interface LogEntry {
  readonly n: number;
  /** order of what was applied; null: it changed nothing */
  readonly applied: number | null;
  readonly method: string;
  readonly userId: string;
  /** when it came in, ms since 1970 */
  readonly began: number;
  readonly outcome: string;
  readonly request?: Readonly<Record<string, unknown>>;
}

export interface SandboxProcess {
  readonly url: string;
  readonly seeds: Seeds;
  /** Calls answered since the last reset, by method. */
  calls(): Promise<Readonly<Record<string, number>>>;
  reset(): Promise<void>;
  log(): Promise<readonly LogEntry[]>;
  /** Replaces all faults; see the sandbox for the fields. */
  faults(...faults: readonly object[]): Promise<void>;
  post(path: string, body?: object): Promise<unknown>;
  get(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** A sandbox in this process, whose lists lag so long; false: not at all. */
export async function startLagging(lag: LagOptions | false): Promise<SandboxProcess> {
  const { url, close } = await createSandbox({ lag });
  return steered(url, close);
}

/** A sandbox whose lists do not lag: in this process, which costs less; as a process of its own with the settings of `env`. */
export async function startSandbox(env?: Readonly<Record<string, string>>): Promise<SandboxProcess> {
  if (env === undefined) return startLagging(false);
  const child = spawn(process.execPath, ['sandbox/main.ts'], {
    env: { ...process.env, PORT: '0', SANDBOX_LAG: 'false', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
    createInterface(child.stdout).on('line', (line) => {
      const found = /sandbox ZITADEL at (\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return steered(
    url,
    () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  );
}

async function steered(url: string, stop: () => Promise<void>): Promise<SandboxProcess> {
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  const post = async (path: string, body: object = {}): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    url,
    seeds: (await get('/sandbox/seeds')) as Seeds,
    calls: () => get('/sandbox/calls') as Promise<Readonly<Record<string, number>>>,
    reset: async () => void (await post('/sandbox/calls')),
    async log() {
      const text = await (await fetch(`${url}/sandbox/log?from=0`)).text();
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LogEntry);
    },
    faults: async (...faults) => void (await post('/sandbox/faults', { faults })),
    post,
    get,
    stop,
  };
}
