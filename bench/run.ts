/** What the parts of a run have in common: rooms on the disk, sandboxes, Redis servers, and where their figures go. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type SandboxProcess, startSandbox } from '../test/end-to-end/sandbox.ts';
import type { Disk } from './disk.ts';
import type { Zitadel } from './person.ts';
import { type BenchStore, type OwnRedis, startOwnRedis } from './redis.ts';
import { figure, type Figure } from './report.ts';

/** How much is measured. */
export interface Sizes {
  /** users that ZITADEL has */
  readonly users: number;
  /** users of the large view */
  readonly large: number;
  /** rows with pending changes when ZITADEL comes back, in the outage and in the drain */
  readonly outage: number;
  readonly owed: number;
}

export interface Run {
  readonly disk: Disk;
  readonly sizes: Sizes;
  /** A new folder. */
  room(name: string): Promise<string>;
  /** What is measured from here on stands under this heading. */
  begin(section: string): void;
  /** Does it and tells its figures; the same step with another store stands beside it. */
  step(name: string, work: () => Promise<Figure[]>, store?: BenchStore): Promise<void>;
  /** A sandbox of its own for the work. */
  onSandbox(world: World, work: (zitadel: Zitadel, sandbox: SandboxProcess) => Promise<void>): Promise<void>;
  /** A Redis of its own for the work. */
  onRedis(work: (redis: OwnRedis) => Promise<void>): Promise<void>;
  figures(): readonly Figure[];
}

interface World {
  /** calls take as long as on a real ZITADEL */
  readonly latency: boolean;
  readonly users: number;
}

export function createRun(folder: string, disk: Disk, sizes: Sizes): Run {
  /** by step and place in it */
  const found = new Map<string, Figure[]>();
  let section = '';
  return {
    disk,
    sizes,
    figures: () => [...found.values()].flat(),
    begin(title) {
      section = title;
    },
    async room(name) {
      const path = join(folder, name);
      await mkdir(path);
      return path;
    },
    async step(name, work, store) {
      const isOnRedis = store?.kind === 'Redis';
      const start = performance.now();
      const made = await work();
      console.error(`${name}${isOnRedis ? ', Redis' : ''}: ${figure((performance.now() - start) / 1000, 's')}`);
      for (const [at, each] of made.entries()) {
        const row = { ...each, section, work: isOnRedis ? `Redis: ${each.work}` : each.work };
        const key = `${name} ${at}`;
        found.set(key, [...(found.get(key) ?? []), row]);
        console.error(`  ${row.work}: ${row.measured}`);
      }
    },
    async onSandbox({ latency, users }, work) {
      const sandbox = await startSandbox(latency ? { SANDBOX_LATENCY: 'true' } : {});
      const { organizations, tokens } = sandbox.seeds;
      try {
        if (users > 0) await sandbox.post('/sandbox/fill', { organization: organizations.a, users, metadata: 2 });
        await work({ url: sandbox.url, organization: organizations.a, token: tokens.managerA }, sandbox);
      } finally {
        await sandbox.stop();
      }
    },
    async onRedis(work) {
      const redis = await startOwnRedis();
      try {
        await work(redis);
      } finally {
        await redis.stop();
      }
    },
  };
}
