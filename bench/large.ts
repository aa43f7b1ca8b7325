/** A view of very many rows: memory, start, lists. */
import { p50, p99, sideBySide } from './measure.ts';
import type { Zitadel } from './person.ts';
import { type BridgeProcess, startBridge } from './processes.ts';
import { type BenchStore, type OwnRedis } from './redis.ts';
import { figure, type Figure, ms } from './report.ts';

/** Looks at the memory of a process until told to stop; gives the most it saw, bytes. */
export function watch(bridge: BridgeProcess): () => Promise<number> {
  let most = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, await bridge.memory());
  };
  let looking = look();
  const timer = setInterval(() => (looking = looking.then(look)), 500);
  return async () => {
    clearInterval(timer);
    await (looking = looking.then(look));
    return most;
  };
}

/** @param rows users that ZITADEL has */
export async function large(
  zitadel: Zitadel,
  folder: string,
  rows: number,
  store: BenchStore | OwnRedis,
): Promise<Figure[]> {
  const title = `${rows.toLocaleString('en')} rows`;
  const first = await startBridge(zitadel, folder, store.settings);
  const whileFilling = watch(first);
  const sync = await first.synced();
  const filling = await whileFilling();
  await first.stop();

  const bridge = await startBridge(zitadel, folder, store.settings);
  const startedIn = await bridge.ready();
  const whileServing = watch(bridge);
  await bridge.synced(); // the sweep that begins with the process
  const connection = bridge.connection();
  const page = (startIndex: number) => connection.send('GET', `/Users?count=100&startIndex=${startIndex}`, 200);
  const works = {
    near: (round: number) => page(1 + ((round * 100) % (rows - 99))),
    far: (round: number) => page(rows - 99 - ((round * 100) % (rows - 99))),
  };
  await sideBySide(10, works);
  const times = await sideBySide(150, works);
  connection.close();
  const serving = await whileServing();
  const kept = 'memory' in store ? await store.memory() : undefined;
  await bridge.stop();
  const most = Math.max(filling, serving) / 2 ** 20;
  const list = (work: string, values: number[]): Figure => ({
    work: `${title}: ${work}`,
    against: '-',
    measured: `${ms(p50(values))} p50, ${ms(p99(values))} p99`,
    goal: '<= 10 ms p50',
    reached: p50(values) <= 10,
  });
  return [
    {
      work: `${title}: first sync, without latency`,
      against: '-',
      measured: figure(sync.ms / 1000, 's'),
      goal: '-',
    },
    {
      work: `${title}: peak memory (RSS)`,
      against: '-',
      measured: `${figure(filling / 2 ** 20, 'MiB')} in the first sync, ${figure(serving / 2 ** 20, 'MiB')} after a restart`,
      goal: '<= 400 MB',
      reached: most * 1.048576 <= 400,
    },
    {
      work: `${title}: start until /readyz is 200`,
      against: '-',
      measured: figure(startedIn / 1000, 's'),
      goal: '<= 5 s',
      reached: startedIn <= 5_000,
    },
    list('list of 100, near the start', times.near),
    list('list of 100, at the far end', times.far),
    ...(kept === undefined
      ? []
      : [
          {
            work: `${title}: memory of Redis`,
            against: '-',
            measured: `${figure(kept / 2 ** 20, 'MiB')}: ${figure(kept / rows, 'bytes')} per row`,
            goal: '-',
          },
        ]),
  ];
}
