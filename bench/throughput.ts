/** Creates as fast as they go, on a ZITADEL that takes no time: what the bridge itself costs. */
import type { Connection } from './http.ts';
import { race } from './measure.ts';
import { scimUser, type Zitadel } from './person.ts';
import { startBare, startBridge } from './processes.ts';
import type { BenchStore } from './redis.ts';
import { figure, type Figure, percent } from './report.ts';

const IN_FLIGHT = 32;

let names = 0;

/** One work for each connection. */
function creating(connections: readonly Connection[]): (() => Promise<unknown>)[] {
  return connections.map((connection) => () => connection.send('POST', '/Users', 201, scimUser(`fast-${++names}`)));
}

export async function throughput(zitadel: Zitadel, folder: string, store: BenchStore): Promise<Figure[]> {
  const bridge = await startBridge(zitadel, folder, store.settings);
  await bridge.synced();
  const bare = await startBare(zitadel, folder);
  const many = (connect: () => Connection): Connection[] => Array.from({ length: IN_FLIGHT }, connect);
  const [toBare, toBridge] = [many(bare.connection), many(bridge.connection)];
  await race(1, 2_000, creating(toBare), creating(toBridge));
  const rates = await race(5, 2_000, creating(toBare), creating(toBridge));
  for (const each of [...toBare, ...toBridge]) each.close();
  await Promise.all([bare.stop(), bridge.stop()]);
  return [
    {
      work: `POST /Users, ${IN_FLIGHT} in flight, without latency`,
      against: `bare Express handler: ${figure(rates.direct, '/s')}`,
      measured: `${figure(rates.bridge, '/s')}: ${percent(rates.bridge / rates.direct)}`,
      goal: '>= 50 %',
      reached: rates.bridge / rates.direct >= 0.5,
    },
  ];
}
