/** Everything that is measured request by request, on users that are made for it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import { NEEDED, outage } from './outage.ts';
import { connectDirectly, type Zitadel } from './person.ts';
import { startBridge } from './processes.ts';
import type { BenchStore } from './redis.ts';
import { figure } from './report.ts';
import { creates, gets, lists, type Made, PATCHED, patches, scans, type Stage } from './requests.ts';
import type { Run } from './run.ts';

/** @param sandbox undefined: a ZITADEL in earnest, and the users are taken away again */
export async function singleRequests(
  run: Run,
  store: BenchStore,
  zitadel: Zitadel,
  sandbox?: SandboxProcess,
): Promise<void> {
  const { disk } = run;
  const direct = connectDirectly(zitadel);
  const made: Made = { direct: [], bridge: [], externalIds: [] };
  const folder = await run.room(`requests-${store.kind}`);
  try {
    const bridge = await startBridge(zitadel, folder, store.settings);
    const stage: Stage = { bridge, direct, disk, made, real: sandbox === undefined };
    const first = async () => {
      const time = await bridge.ready();
      const { count } = await bridge.synced(); // and a look at some of the metadata again
      const work = `first sync of ${count.toLocaleString('en')} users`;
      return [{ work, against: '-', measured: figure(time / 1000, 's'), goal: 'about a minute for 10,000' }];
    };
    await run.step('first sync', first, store);
    await run.step('creates', () => creates(stage), store);
    await run.step('gets', () => gets(stage), store);
    await run.step('lists', () => lists(stage), store);
    await run.step('patches in view', () => patches(stage, 'in view', 0), store);
    await run.step('scans', () => scans(stage), store);
    await bridge.stop();

    const later = await startBridge(zitadel, folder, { ...store.settings, VIEW_MAX_AGE: '1s' });
    await later.synced();
    await delay(1_500);
    await run.step('patches cold', () => patches({ ...stage, bridge: later }, 'cold rows', PATCHED), store);
    if (sandbox !== undefined) {
      const away = { sandbox, bridge: later, direct, ids: made.bridge.slice(-NEEDED) };
      await run.step('outage', () => outage(away, run.sizes.outage), store);
    }
    await later.stop();
  } finally {
    if (sandbox === undefined) await clear([...made.direct, ...made.bridge], direct.remove);
  }
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
