/** While ZITADEL is away, and when it is back: answers, and how fast what was kept is delivered. */
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import type { Connection } from './http.ts';
import { millisecondsOf, p50, p99, perSecond, sideBySide } from './measure.ts';
import { type Direct, scimUser } from './person.ts';
import type { BridgeProcess } from './processes.ts';
import { figure, type Figure, ms, percent } from './report.ts';

const ROUNDS = 300;
const WARM_UP = 30;
/** What the bridge has under way to one ZITADEL. */
const IN_FLIGHT = 8;
const FILLERS = 32;
/** The bare loop runs so long before and after, ms. */
const BARE = 4_000;
/** Whether anything is owed is asked so often, ms: a scrape costs the bridge something too. */
const POLL = 250;

interface Away {
  readonly sandbox: SandboxProcess;
  readonly bridge: BridgeProcess;
  readonly direct: Direct;
}

export interface OutageStage extends Away {
  /** ids of users that nobody has work with: 2 * (ROUNDS + WARM_UP) of them */
  readonly ids: readonly string[];
}

/** How many users `outage` needs. */
export const NEEDED = 2 * (ROUNDS + WARM_UP);

let names = 0;
const create = async (connection: Connection): Promise<string> => {
  const { text } = await connection.send('POST', '/Users', 201, scimUser(`outage-${++names}`));
  return (JSON.parse(text) as { id: string }).id;
};

/** ZITADEL goes away; resolves once the breaker is open. */
export async function down({ sandbox, bridge }: Away): Promise<void> {
  await sandbox.faults({ mode: 'down' });
  const connection = bridge.connection();
  while ((await bridge.metric('scim_bridge_breaker_open')) !== 1) await create(connection);
  connection.close();
}

/** ZITADEL is back; resolves when nothing is owed any more. */
export async function up({ sandbox, bridge }: Away): Promise<void> {
  await sandbox.faults();
  while ((await bridge.metric('scim_bridge_pending_rows')) !== 0) await delay(POLL);
}

/** Requests one after another while the breaker is open, on users that were read longer ago than VIEW_MAX_AGE. */
async function answers(stage: OutageStage): Promise<Figure[]> {
  const connection = stage.bridge.connection();
  const [patched, deleted] = [stage.ids.slice(0, NEEDED / 2), stage.ids.slice(NEEDED / 2, NEEDED)];
  const Operations = [{ op: 'replace', path: 'title', value: 'while ZITADEL was away' }];
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
  const works = (from: number) => ({
    'POST /Users': () => create(connection),
    'PATCH title': (round: number) => connection.send('PATCH', `/Users/${patched[from + round]}`, 200, body),
    'list of 100': (round: number) => connection.send('GET', `/Users?count=100&startIndex=${1 + round * 29}`, 200),
    'filter userName eq, a hit and a miss in turns': (round: number) => {
      const name = round % 2 === 0 ? `outage-${names}@bench.test` : 'nobody@bench.test';
      return connection.send('GET', `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`, 200);
    },
    'GET /Users/{id}': (round: number) => connection.send('GET', `/Users/${patched[from + round]}`, 200),
    'DELETE /Users/{id}': (round: number) => connection.send('DELETE', `/Users/${deleted[from + round]}`, 204),
  });
  await sideBySide(WARM_UP, works(0));
  const times = await sideBySide(ROUNDS, works(WARM_UP));
  connection.close();
  return Object.entries(times).map(([work, values]) => ({
    work: `ZITADEL down: ${work}`,
    against: '-',
    measured: `${ms(p50(values))} p50, ${ms(p99(values))} p99`,
    goal: '< 50 ms p99',
    reached: p99(values) < 50,
  }));
}

/** Users are made while ZITADEL is away, until so many are owed. */
export async function fill({ bridge }: Away, owed: number): Promise<Figure> {
  const connections = Array.from({ length: FILLERS }, bridge.connection);
  const before = await bridge.metric('scim_bridge_pending_rows');
  let left = owed - before;
  const times: number[] = [];
  const took = await millisecondsOf(() =>
    Promise.all(
      connections.map(async (connection) => {
        while (left > 0) {
          left -= 1;
          times.push(await millisecondsOf(() => create(connection)));
        }
      }),
    ),
  );
  for (const each of connections) each.close();
  return {
    work: `ZITADEL down: POST /Users, ${FILLERS} in flight, ${owed.toLocaleString('en')} in all`,
    against: '-',
    measured: `${figure((times.length / took) * 1000, '/s')}, ${ms(p50(times))} p50, ${ms(p99(times))} p99`,
    goal: '-',
  };
}

/** CreateUser and nothing else, as many in flight as the bridge has; how many a second. */
export const bareLoop = ({ direct }: Away, ms: number): Promise<number> =>
  perSecond(
    Array.from({ length: IN_FLIGHT }, () => () => direct.create(`bare-${++names}`)),
    ms,
  );

/** @param goal so many rows are owed when ZITADEL comes back */
export async function outage(stage: OutageStage, goal: number): Promise<Figure[]> {
  const { sandbox, bridge } = stage;
  await down(stage);
  const answered = await answers(stage);
  await up(stage);

  const before = await bareLoop(stage, BARE);
  await down(stage);
  const filled = await fill(stage, goal);
  const owed = await bridge.metric('scim_bridge_pending_rows');
  await sandbox.reset();
  const took = await millisecondsOf(() => up(stage));
  const calls = (await sandbox.calls())['CreateUser'] ?? 0;
  const rates = { drain: (owed / took) * 1000, bare: (before + (await bareLoop(stage, BARE))) / 2 };
  return [
    ...answered,
    filled,
    {
      work: `ZITADEL back: ${owed.toLocaleString('en')} pending creates delivered`,
      against: `bare loop of CreateUser, ${IN_FLIGHT} in flight: ${figure(rates.bare, '/s')}`,
      measured: `${figure(rates.drain, '/s')}: ${percent(rates.drain / rates.bare)}; ${figure(took / 1000, 's')}, ${calls.toLocaleString('en')} CreateUser`,
      goal: '-',
    },
  ];
}
