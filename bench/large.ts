/** A view of 100,000 rows: memory, start, lists. */
import { p50, p99, sideBySide } from './measure.ts';
import type { Zitadel } from './person.ts';
import { type BridgeProcess, startBridge } from './processes.ts';
import { figure, type Figure, ms } from './report.ts';

export const LARGE = 100_000;

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

export async function large(zitadel: Zitadel, folder: string): Promise<Figure[]> {
  const first = await startBridge(zitadel, folder);
  const whileFilling = watch(first);
  const sync = await first.synced();
  const filling = await whileFilling();
  await first.stop();

  const bridge = await startBridge(zitadel, folder);
  const startedIn = await bridge.ready();
  const whileServing = watch(bridge);
  await bridge.synced(); // the sweep that begins with the process
  const connection = bridge.connection();
  const page = (startIndex: number) => connection.send('GET', `/Users?count=100&startIndex=${startIndex}`, 200);
  const works = {
    near: (round: number) => page(1 + round * 100),
    far: (round: number) => page(LARGE - 99 - round * 100),
  };
  await sideBySide(10, works);
  const times = await sideBySide(150, works);
  connection.close();
  const serving = await whileServing();
  await bridge.stop();
  const most = Math.max(filling, serving) / 2 ** 20;
  const list = (work: string, values: number[]): Figure => ({
    work: `100,000 rows: ${work}`,
    against: '-',
    measured: `${ms(p50(values))} p50, ${ms(p99(values))} p99`,
    goal: '<= 10 ms p50',
    reached: p50(values) <= 10,
  });
  return [
    {
      work: '100,000 rows: first sync, without latency',
      against: '-',
      measured: figure(sync.ms / 1000, 's'),
      goal: '-',
    },
    {
      work: '100,000 rows: memory (RSS), most seen',
      against: '-',
      measured: `${figure(filling / 2 ** 20, 'MiB')} in the first sync, ${figure(serving / 2 ** 20, 'MiB')} after a restart`,
      goal: '<= 400 MB',
      reached: most * 1.048576 <= 400,
    },
    {
      work: '100,000 rows: start until /readyz is 200',
      against: '-',
      measured: figure(startedIn / 1000, 's'),
      goal: '<= 5 s',
      reached: startedIn <= 5_000,
    },
    list('list of 100, near the start', times.near),
    list('list of 100, at the far end', times.far),
  ];
}
