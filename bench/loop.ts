/** Many writes at the same moment: how many commits they share, and whether anything stands still for them. */
import type { Connection } from './http.ts';
import { mean, millisecondsOf, p50, p99 } from './measure.ts';
import { scimUser, type Zitadel } from './person.ts';
import { runStore, startOpenBridge } from './processes.ts';
import { figure, type Figure, ms } from './report.ts';

const AT_ONCE = 200;
const ROUNDS = 15;
const WARM_UP = 5;
/** ms added to each commit, as on a disk that is slow. */
const SLOW = 50;

/** The store in a process with nothing beside it: what it does to the event loop itself. */
export async function storeAlone(folder: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const delay of [0, SLOW]) {
    const { held, idle, commits } = await runStore(folder, delay);
    figures.push({
      work: `event loop held by ${AT_ONCE} writes at once, ${delay} ms added to each commit`,
      against: `idle: ${ms(p50(idle))} p50, ${ms(Math.max(...idle))} at most`,
      measured: `${ms(p50(held))} p50, ${ms(Math.max(...held))} at most; ${figure(mean(commits), 'commits')} each time`,
      goal: '<= 10 ms at most',
      reached: Math.max(...held) <= 10,
    });
  }
  return figures;
}

interface Burst {
  /** delay of the event loop, ms */
  readonly p99: number;
  readonly max: number;
  readonly commits: number;
  /** of the answers, ms */
  readonly times: readonly number[];
}

/** PATCHes from as many connections at once, on a ZITADEL that takes no time. */
async function bursts(zitadel: Zitadel, folder: string, delay: number): Promise<Burst> {
  const bridge = await startOpenBridge(zitadel, folder, { BENCH_COMMIT_DELAY: String(delay) });
  await bridge.synced();
  const connections = Array.from({ length: AT_ONCE }, bridge.connection);
  const ids = await Promise.all(connections.map((each, n) => makeUser(each, `burst-${delay}-${n}`)));
  const looks: Burst[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const Operations = [{ op: 'replace', path: 'title', value: `title ${round}` }];
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
    await bridge.look();
    const times = await Promise.all(
      connections.map((each, n) => millisecondsOf(() => each.send('PATCH', `/Users/${ids[n]}`, 200, body))),
    );
    if (round >= WARM_UP) looks.push({ ...(await bridge.look()), times });
  }
  for (const each of connections) each.close();
  await bridge.stop();
  return {
    p99: p50(looks.map((each) => each.p99)),
    max: p50(looks.map((each) => each.max)),
    commits: mean(looks.map((each) => each.commits)),
    times: looks.flatMap((each) => each.times),
  };
}

async function makeUser(connection: Connection, name: string): Promise<string> {
  return (JSON.parse((await connection.send('POST', '/Users', 201, scimUser(name))).text) as { id: string }).id;
}

export async function simultaneous(zitadel: Zitadel, folders: readonly [string, string]): Promise<Figure[]> {
  const told = ({ p99: often, max, commits, times }: Burst): string =>
    `answers ${ms(p50(times))} p50, ${ms(p99(times))} p99; event loop held ${ms(max)} at the longest (median of ${ROUNDS} rounds), ${ms(often)} p99; ${figure(commits, 'commits')}`;
  const fast = await bursts(zitadel, folders[0], 0);
  const slow = await bursts(zitadel, folders[1], SLOW);
  return [
    {
      work: `${AT_ONCE} PATCHes at once, ${SLOW} ms added to each commit`,
      against: `nothing added: ${told(fast)}`,
      measured: told(slow),
      goal: '-',
    },
  ];
}
