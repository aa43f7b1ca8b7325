/** Two processes that answer and two that work, on one Redis: each with a folder and a port of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Timing } from '../../../src/bridge/timing.ts';
import type { SandboxProcess } from '../../end-to-end/sandbox.ts';
import { bridgeFile } from '../groups/rules.ts';
import { type BridgeProcess, freePort, type Place, startBridge } from '../process.ts';

export const NAMES = ['api-1', 'api-2', 'worker-1', 'worker-2'] as const;
export type Name = (typeof NAMES)[number];

export interface Fleet {
  /** of the processes that answer */
  readonly origins: readonly string[];
  start(name: Name): Promise<void>;
  /** kill -9 */
  kill(name: Name): Promise<void>;
  freeze(name: Name): void;
  thaw(name: Name): void;
  /** Those that ended by themselves. */
  ended(): readonly Name[];
  /** Kills all. */
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly sandbox: SandboxProcess;
  readonly redis: string;
  readonly folder: string;
  readonly timing: Partial<Timing>;
}

export async function createFleet({ sandbox, redis, folder, timing }: FleetOptions): Promise<Fleet> {
  const places = new Map<Name, Place>();
  const running = new Map<Name, BridgeProcess>();
  for (const name of NAMES) {
    const own = join(folder, name);
    await mkdir(own);
    await writeFile(join(own, 'bridge.yaml'), bridgeFile());
    const env = { REDIS_URL: redis, ROLE: name.startsWith('api') ? 'api' : 'worker' };
    places.set(name, { sandbox, folder: own, port: await freePort(), timing, env });
  }
  return {
    origins: [...places].flatMap(([name, { port }]) => (name.startsWith('api') ? [`http://127.0.0.1:${port}`] : [])),
    async start(name) {
      running.set(name, await startBridge(places.get(name) as Place));
    },
    async kill(name) {
      await running.get(name)?.kill();
      running.delete(name);
    },
    freeze: (name) => running.get(name)?.freeze(),
    thaw: (name) => running.get(name)?.thaw(),
    ended: () => [...running].flatMap(([name, bridge]) => (bridge.alive() ? [] : [name])),
    async stop() {
      await Promise.all([...running.values()].map((bridge) => bridge.kill()));
    },
  };
}
