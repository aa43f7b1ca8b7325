/**
 * `npm run bench`: measures, prints a table, and with `--write` makes docs/benchmarks.md of it. A measurement and no test: whatever the
 * figures say, it ends with 0. With ZITADEL_URL, ZITADEL_TOKEN and ZITADEL_ORG_ID the single requests are measured there.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type SandboxProcess, startSandbox } from '../test/end-to-end/sandbox.ts';
import { openDisk } from './disk.ts';
import { GROUP_USERS, groups } from './groups.ts';
import { large, LARGE } from './large.ts';
import { simultaneous, storeAlone } from './loop.ts';
import { p50, p99, sideBySide } from './measure.ts';
import { NEEDED, outage } from './outage.ts';
import { connectDirectly, type Zitadel } from './person.ts';
import { startBridge } from './processes.ts';
import { figure, type Figure, load, machine, machineLine, markdown, ms, table } from './report.ts';
import { creates, gets, lists, type Made, PATCHED, patches, scans, type Stage } from './requests.ts';
import { throughput } from './throughput.ts';
import { waiting } from './waiting.ts';

const USERS = 10_000;
const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const { ZITADEL_URL: url, ZITADEL_TOKEN: token, ZITADEL_ORG_ID: organization } = process.env;
const real: Zitadel | undefined = url && token && organization ? { url, token, organization } : undefined;

// on the disk that a bridge started here would use
await mkdir('data', { recursive: true });
const folder = await mkdtemp(resolve('data', 'bench-'));
const began = performance.now();
const loadBefore = load();
const disk = await openDisk(folder);
const figures: Figure[] = [];

try {
  await step('fsync', async () => {
    const times = (await sideBySide(300, { sync: () => disk.sync() })).sync;
    const measured = `${ms(p50(times))} p50, ${ms(p99(times))} p99`;
    return [{ work: 'fsync of 4 KiB appended, on the disk of DATA_DIR', against: '-', measured, goal: '-' }];
  });
  await step('store alone', async () => storeAlone(await room('store')));
  if (real !== undefined) await requests(real);
  else {
    await onSandbox({ latency: true, users: USERS }, requests);
    await onSandbox({ latency: true, users: GROUP_USERS }, ({ url: at, organization: id }, sandbox) =>
      step('groups', async () =>
        groups({ url: at, organization: id, token: sandbox.seeds.tokens.ownerA }, sandbox, disk, await room('groups')),
      ),
    );
    // a sandbox for each: the users of one would be read by the others first
    await onSandbox({ latency: false, users: 0 }, (zitadel) =>
      step('throughput', async () => throughput(zitadel, await room('throughput'))),
    );
    await onSandbox({ latency: false, users: 0 }, (zitadel) =>
      step('waiting for commits', async () =>
        waiting(zitadel, { with: await room('waiting'), without: await room('hurrying') }),
      ),
    );
    await onSandbox({ latency: false, users: 0 }, (zitadel) =>
      step('many at once', async () => simultaneous(zitadel, [await room('fast-disk'), await room('slow-disk')])),
    );
    await onSandbox({ latency: false, users: LARGE }, (zitadel) =>
      step('100,000 rows', async () => large(zitadel, await room('large'))),
    );
  }
} finally {
  await disk.close();
  await rm(folder, { recursive: true, force: true });
}

const where = machine(real === undefined ? 'sandbox' : 'a real ZITADEL');
const took = `The run took ${figure((performance.now() - began) / 1000, 's')}; load of the machine (1 minute) ${loadBefore} before, ${load()} after.`;
console.log(`\n${table(figures)}\n\n${machineLine(where)}\n${took}`);
if (process.argv.includes('--write')) await writeFile(DOCUMENT, markdown(figures, where, [took]));
process.exit(0); // connections to ZITADEL may be open still

/** Everything that is measured request by request, on users that are made for it. */
async function requests(zitadel: Zitadel, sandbox?: SandboxProcess): Promise<void> {
  const direct = connectDirectly(zitadel);
  const made: Made = { direct: [], bridge: [], externalIds: [] };
  const data = await room('requests');
  try {
    const bridge = await startBridge(zitadel, data);
    const stage: Stage = { bridge, direct, disk, made, real: real !== undefined };
    await step('first sync', async () => {
      const time = await bridge.ready();
      const { count } = await bridge.synced(); // and a look at some of the metadata again
      const work = `start with an empty DATA_DIR until /readyz is 200, ${count.toLocaleString('en')} users`;
      return [{ work, against: '-', measured: figure(time / 1000, 's'), goal: 'about a minute for 10,000' }];
    });
    await step('creates', () => creates(stage));
    await step('gets', () => gets(stage));
    await step('lists', () => lists(stage));
    await step('patches', () => patches(stage, 'in view', 0));
    await step('scans', () => scans(stage));
    await bridge.stop();

    const later = await startBridge(zitadel, data, { VIEW_MAX_AGE: '1s' });
    await later.synced();
    await delay(1_500);
    await step('patches', () => patches({ ...stage, bridge: later }, 'cold rows', PATCHED));
    if (sandbox !== undefined)
      await step('outage', () => outage({ sandbox, bridge: later, direct, ids: made.bridge.slice(-NEEDED) }));
    await later.stop();
  } finally {
    if (real !== undefined) await clear([...made.direct, ...made.bridge], direct.remove);
  }
}

async function onSandbox(
  { latency, users }: { readonly latency: boolean; readonly users: number },
  work: (zitadel: Zitadel, sandbox: SandboxProcess) => Promise<void>,
): Promise<void> {
  const sandbox: SandboxProcess = await startSandbox(latency ? { SANDBOX_LATENCY: 'true' } : {});
  const { organizations, tokens } = sandbox.seeds;
  try {
    if (users > 0) await sandbox.post('/sandbox/fill', { organization: organizations.a, users, metadata: 2 });
    await work({ url: sandbox.url, organization: organizations.a, token: tokens.managerA }, sandbox);
  } finally {
    await sandbox.stop();
  }
}

async function room(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  return path;
}

async function step(name: string, work: () => Promise<Figure[]>): Promise<void> {
  const start = performance.now();
  const found = await work();
  figures.push(...found);
  console.error(`${name}: ${figure((performance.now() - start) / 1000, 's')}`);
  for (const { work: what, measured } of found) console.error(`  ${what}: ${measured}`);
}

/** Takes the users away again, eight at a time. */
async function clear(ids: string[], remove: (id: string) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        const user = id;
        await remove(user).catch((error: unknown) => console.error(`user ${user} was not deleted:`, error));
      }
    }),
  );
}
