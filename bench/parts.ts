/** THE PARTS TABLE: what a run measures, in this order. Each can be measured alone. */
import { GROUP_USERS, groups } from './groups.ts';
import { beside } from './beside.ts';
import { drain } from './drain.ts';
import { large } from './large.ts';
import { simultaneous, storeAlone } from './loop.ts';
import { p50, p99, sideBySide } from './measure.ts';
import type { Zitadel } from './person.ts';
import { type BenchStore, EMBEDDED } from './redis.ts';
import { ms } from './report.ts';
import type { Run } from './run.ts';
import { besideBacklog, besideFilters } from './neighbours.ts';
import { singleRequests } from './single.ts';
import { throughput } from './throughput.ts';
import { waiting } from './waiting.ts';

export interface Part {
  readonly name: string;
  readonly section: string;
  readonly needsRedis?: true;
  /** also measured on a real ZITADEL, if one is given */
  readonly real?: true;
  work(run: Run, real?: Zitadel): Promise<void>;
}

type OnStore = (run: Run, store: BenchStore, real?: Zitadel) => Promise<void>;

/** The same work twice: with the embedded store, and with a Redis of its own. */
const onBoth = (name: string, section: string, work: OnStore, more: Pick<Part, 'real'> = {}): Part[] => [
  { name, section, ...more, work: (run, real) => work(run, EMBEDDED, real) },
  {
    name: `${name}-redis`,
    section,
    ...more,
    needsRedis: true,
    work: (run, real) => run.onRedis((redis) => work(run, redis, real)),
  },
];

const FAST = { latency: false, users: 0 };

export const PARTS: readonly Part[] = [
  {
    name: 'fsync',
    section: 'Disk and commits',
    real: true,
    work: ({ step, disk }) =>
      step('fsync', async () => {
        const times = (await sideBySide(300, { sync: () => disk.sync() })).sync;
        const measured = `${ms(p50(times))} p50, ${ms(p99(times))} p99`;
        return [{ work: 'fsync of 4 KiB, on the disk of the stores', against: '-', measured, goal: '-' }];
      }),
  },
  {
    name: 'store-alone',
    section: 'Disk and commits',
    real: true,
    work: ({ step, room }) => step('store alone', async () => storeAlone(await room('store'))),
  },
  ...onBoth(
    'requests',
    'Requests',
    (run, store, real) =>
      real === undefined
        ? run.onSandbox({ latency: true, users: run.sizes.users }, (zitadel, sandbox) =>
            singleRequests(run, store, zitadel, sandbox),
          )
        : singleRequests(run, store, real),
    { real: true },
  ),
  {
    name: 'beside',
    section: 'Redis and the embedded store side by side',
    needsRedis: true,
    work: ({ onRedis, onSandbox, sizes, step, room, disk }) =>
      onRedis((redis) =>
        onSandbox({ latency: true, users: sizes.users }, (zitadel) =>
          step('Redis beside embedded', async () =>
            beside(zitadel, disk, redis, { embedded: await room('beside'), redis: await room('beside-redis') }),
          ),
        ),
      ),
  },
  ...onBoth('groups', 'Groups', ({ onSandbox, step, room, disk }, store) =>
    onSandbox({ latency: true, users: GROUP_USERS }, (zitadel, sandbox) => {
      const asOwner = { ...zitadel, token: sandbox.seeds.tokens.ownerA };
      const work = async () => groups(asOwner, sandbox, disk, await room(`groups-${store.kind}`), store);
      return step('groups', work, store);
    }),
  ),
  // a sandbox for each: the users of one would be read by the others first
  ...onBoth('throughput', 'Without latency', ({ onSandbox, step, room }, store) =>
    onSandbox(FAST, (zitadel) =>
      step('throughput', async () => throughput(zitadel, await room(`throughput-${store.kind}`), store), store),
    ),
  ),
  {
    name: 'waiting',
    section: 'Disk and commits',
    work: ({ onSandbox, step, room }) =>
      onSandbox(FAST, (zitadel) =>
        step('waiting for commits', async () =>
          waiting(zitadel, { with: await room('waiting'), without: await room('hurrying') }),
        ),
      ),
  },
  {
    name: 'many-at-once',
    section: 'Disk and commits',
    work: ({ onSandbox, step, room }) =>
      onSandbox(FAST, (zitadel) =>
        step('many at once', async () => simultaneous(zitadel, [await room('fast-disk'), await room('slow-disk')])),
      ),
  },
  {
    name: 'neighbours',
    section: 'Tenants side by side',
    async work({ onSandbox, step, room, sizes }) {
      const users = sizes.users * 2;
      await onSandbox({ latency: false, users }, (_, sandbox) =>
        step('beside filters', async () => besideFilters(sandbox, await room('beside-filters'), users)),
      );
      const rows = sizes.users / 2;
      await onSandbox({ latency: true, users: rows }, (_, sandbox) =>
        step('beside a backlog', async () => besideBacklog(sandbox, await room('beside-backlog'), rows)),
      );
    },
  },
  ...onBoth('large', 'A large directory', ({ onSandbox, step, room, sizes }, store) =>
    onSandbox({ latency: false, users: sizes.large }, (zitadel) =>
      step('large', async () => large(zitadel, await room(`large-${store.kind}`), sizes.large, store), store),
    ),
  ),
  ...[true, false].map(
    (latency): Part => ({
      name: latency ? 'drain' : 'drain-without-latency',
      section: 'A large backlog',
      needsRedis: true,
      work: ({ onRedis, onSandbox, step, room, sizes }) =>
        onRedis((redis) =>
          onSandbox({ latency, users: 0 }, (zitadel, sandbox) => {
            const where = latency ? '' : ', without latency';
            const work = async () =>
              drain({ zitadel, sandbox, redis, folder: await room(`drain-${latency}`), rows: sizes.owed, where });
            return step(`drain${where}`, work);
          }),
        ),
    }),
  ),
];
