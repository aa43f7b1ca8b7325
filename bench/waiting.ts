/** What it costs that no write is answered, and no call sent, before it would survive a power cut. */
import type { Connection } from './http.ts';
import { p50, p99, race, sideBySide } from './measure.ts';
import { scimUser, type Zitadel } from './person.ts';
import { type OpenBridge, startOpenBridge } from './processes.ts';
import { figure, type Figure, ms, percent } from './report.ts';

const IN_FLIGHT = 32;
const WARM_UP = 150;
const ROUNDS = 300;
/** Users that PATCHes go round: none is patched twice at once. */
const USERS = 320;

let names = 0;

const create = (connection: Connection) => connection.send('POST', '/Users', 201, scimUser(`wait-${++names}`));

/** PATCHes one of these users after the other, each time with another title: one call of ZITADEL each. */
function patching(ids: readonly string[]): (connection: Connection) => Promise<unknown> {
  let round = 0;
  return (connection) => {
    const Operations = [{ op: 'replace', path: 'title', value: `title ${++round}` }];
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
    return connection.send('PATCH', `/Users/${ids[round % ids.length]}`, 200, body);
  };
}

async function makeUsers(bridge: OpenBridge): Promise<string[]> {
  const connection = bridge.connection();
  const ids: string[] = [];
  while (ids.length < USERS) ids.push((JSON.parse((await create(connection)).text) as { id: string }).id);
  connection.close();
  return ids;
}

/** Two bridges side by side on a ZITADEL that takes no time; in one of them nobody waits for a commit. */
export async function waiting(zitadel: Zitadel, folders: { with: string; without: string }): Promise<Figure[]> {
  const waits = await startOpenBridge(zitadel, folders.with);
  const hurries = await startOpenBridge(zitadel, folders.without, { BENCH_WAIT: 'false' });
  await Promise.all([waits.synced(), hurries.synced()]);
  const patch = { waits: patching(await makeUsers(waits)), hurries: patching(await makeUsers(hurries)) };
  const figures = [
    ...(await compare('POST /Users', waits, hurries, { waits: create, hurries: create })),
    ...(await compare('PATCH title', waits, hurries, patch)),
  ];
  await Promise.all([waits.stop(), hurries.stop()]);
  return figures;
}

type Work = (connection: Connection) => Promise<unknown>;

async function compare(
  what: string,
  waits: OpenBridge,
  hurries: OpenBridge,
  work: { readonly waits: Work; readonly hurries: Work },
): Promise<Figure[]> {
  const connections = [waits, hurries].map((bridge) => Array.from({ length: IN_FLIGHT }, () => bridge.connection()));
  const [toWaiting = [], toHurrying = []] = connections;
  const [first, second] = [toWaiting[0] as Connection, toHurrying[0] as Connection];
  const works = { waits: () => work.waits(first), hurries: () => work.hurries(second) };
  await sideBySide(WARM_UP, works);
  const times = await sideBySide(ROUNDS, works);
  const many = [toHurrying.map((each) => () => work.hurries(each)), toWaiting.map((each) => () => work.waits(each))];
  const [hurrying = [], waiting = []] = many;
  await race(1, 1_000, hurrying, waiting);
  await Promise.all([waits.look(), hurries.look()]);
  const rates = await race(4, 1_000, hurrying, waiting);
  const looks = { waits: await waits.look(), hurries: await hurries.look() };
  for (const each of connections.flat()) each.close();
  const [slow, fast] = [p50(times.waits), p50(times.hurries)];
  const commits = (count: number, rate: number): string => figure(count / (rate * 4), 'commits per write');
  return [
    {
      work: `${what}, 1 in flight, waiting for commits`,
      against: `not waiting: ${ms(fast)} p50, ${ms(p99(times.hurries))} p99`,
      measured: `${ms(slow)} p50, ${ms(p99(times.waits))} p99: +${ms(slow - fast)} p50`,
      goal: '-',
    },
    {
      work: `${what}, ${IN_FLIGHT} in flight, waiting for commits`,
      against: `not waiting: ${figure(rates.direct, '/s')}, ${commits(looks.hurries.commits, rates.direct)}`,
      measured: `${figure(rates.bridge, '/s')}: ${percent(rates.bridge / rates.direct)}, ${commits(looks.waits.commits, rates.bridge)}`,
      goal: '-',
    },
  ];
}
