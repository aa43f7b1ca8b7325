/** Single requests beside the call that they stand for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Disk } from './disk.ts';
import type { Connection } from './http.ts';
import { mean, millisecondsOf, p50, p99, race, sideBySide } from './measure.ts';
import { externalIdOf, scimUser, type Direct } from './person.ts';
import type { BridgeProcess } from './processes.ts';
import { figure, type Figure, ms, percent } from './report.ts';

/** Users that were made, by who made them. */
export interface Made {
  readonly direct: string[];
  readonly bridge: string[];
  /** externalIds of some of `bridge` */
  readonly externalIds: string[];
}

export interface Stage {
  readonly bridge: BridgeProcess;
  readonly direct: Direct;
  readonly disk: Disk;
  readonly made: Made;
  /** a ZITADEL in earnest, not the sandbox */
  readonly real: boolean;
}

/** Native SCIM of ZITADEL on two cores, 10,000 users: milliseconds. */
const NATIVE = { get: 3.2, list: 212, externalId: 49 };
const ROUNDS = 300;
/** Rounds that are not counted: a process that has just begun is slow at first. */
const WARM_UP = 150;
const IN_FLIGHT = 8;
/** Even: every user ends as it was. */
const TOGGLES = 100;

let names = 0;
/** No run meets the names of another: on a real ZITADEL some may have stayed. */
const run = Date.now().toString(36);
const nextName = (): string => `bench-${run}-${++names}`;

async function createBy(connection: Connection, made: Made): Promise<void> {
  const name = nextName();
  const { text } = await connection.send('POST', '/Users', 201, scimUser(name));
  made.bridge.push((JSON.parse(text) as { id: string }).id);
  made.externalIds.push(externalIdOf(name));
}

const createDirectly = async (direct: Direct, made: Made): Promise<void> =>
  void made.direct.push(await direct.create(nextName()));

/** How much longer the bridge takes than the call, and what of it is not the disk. */
function overhead(work: string, against: string, times: Record<'direct' | 'bridge' | 'sync', number[]>): Figure {
  const [bridge, direct, sync] = [p50(times.bridge), p50(times.direct), p50(times.sync)];
  const beyond = bridge - direct - sync;
  return {
    work,
    against: `${against}: ${ms(direct)} p50`,
    measured: `${ms(bridge)} p50: +${ms(bridge - direct)}, +${ms(beyond)} beyond one fsync of ${ms(sync)}`,
    goal: '+2 ms beyond fsync',
    reached: beyond <= 2,
  };
}

export async function creates({ bridge, direct, disk, made, real }: Stage): Promise<Figure[]> {
  const connection = bridge.connection();
  const works = {
    direct: () => createDirectly(direct, made),
    bridge: () => createBy(connection, made),
    sync: () => disk.sync(),
  };
  const connections = Array.from({ length: IN_FLIGHT }, () => bridge.connection());
  const rates = await race(
    4,
    1_500,
    connections.map(() => works.direct),
    connections.map((each) => () => createBy(each, made)),
  );
  // after the many of before, both sides are as fast as they get
  await sideBySide(WARM_UP, works);
  const alone = await sideBySide(ROUNDS, works);
  for (const each of [connection, ...connections]) each.close();
  return [
    overhead('POST /Users, 1 in flight', 'CreateUser directly', alone),
    {
      work: `POST /Users, ${IN_FLIGHT} in flight`,
      against: `CreateUser directly: ${figure(rates.direct, '/s')}`,
      measured: `${figure(rates.bridge, '/s')}: ${percent(rates.bridge / rates.direct)}`,
      goal: real ? '>= 85 %' : '>= 85 %, on a real ZITADEL only',
      ...(real ? { reached: rates.bridge / rates.direct >= 0.85 } : {}),
    },
  ];
}

export async function gets({ bridge, made }: Stage): Promise<Figure[]> {
  const connection = bridge.connection();
  const ids = made.bridge;
  const get = (round: number) => connection.send('GET', `/Users/${ids[round % ids.length]}`, 200);
  await sideBySide(200, { get });
  const times = (await sideBySide(2_000, { get })).get;
  connection.close();
  return [
    {
      work: 'GET /Users/{id} in view',
      against: `native SCIM on a real ZITADEL: ${ms(NATIVE.get)}`,
      measured: `${ms(p50(times))} p50, ${ms(p99(times))} p99`,
      goal: '<= 1 ms p50',
      reached: p50(times) <= 1,
    },
  ];
}

export async function lists({ bridge, made }: Stage): Promise<Figure[]> {
  const connection = bridge.connection();
  const { text } = await connection.send('GET', '/Users?count=0', 200);
  const total = (JSON.parse(text) as { totalResults: number }).totalResults;
  const list = (round: number) =>
    connection.send('GET', `/Users?count=100&startIndex=${1 + ((round * 1_009) % Math.max(1, total - 100))}`, 200);
  const hit = (round: number) => {
    const externalId = made.externalIds[round % made.externalIds.length];
    return connection.send('GET', `/Users?filter=${encodeURIComponent(`externalId eq "${externalId}"`)}`, 200);
  };
  await sideBySide(20, { list, hit });
  const times = await sideBySide(200, { list, hit });
  connection.close();
  const row = (work: string, values: number[], native: number): Figure => ({
    work,
    against: `native SCIM on a real ZITADEL, 10,000 users: ${ms(native)}`,
    measured: `${ms(p50(values))} p50: ${figure(native / p50(values), 'times faster')}`,
    goal: '>= 20 times faster',
    reached: native / p50(values) >= 20,
  });
  return [
    row(`list 100 of ${total.toLocaleString('en')}`, times.list, NATIVE.list),
    row('filter externalId eq, a hit', times.hit, NATIVE.externalId),
  ];
}

/** Takes the users of `made` from `from` on: each is deactivated once. */
export async function patches({ bridge, direct, disk, made }: Stage, kind: string, from: number): Promise<Figure[]> {
  const connection = bridge.connection();
  const Operations = [{ op: 'replace', path: 'active', value: false }];
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
  const works = (start: number) => ({
    direct: (round: number) => direct.deactivate(made.direct[start + round] ?? ''),
    bridge: (round: number) => connection.send('PATCH', `/Users/${made.bridge[start + round]}`, 200, body),
    sync: () => disk.sync(),
  });
  await toggle(bridge, made.bridge.slice(0, IN_FLIGHT));
  const available = Math.min(made.direct.length, made.bridge.length) - from;
  const warmUp = Math.min(WARM_UP, Math.floor(available / 4));
  await sideBySide(warmUp, works(from));
  const times = await sideBySide(Math.min(ROUNDS, available - warmUp), works(from + warmUp));
  connection.close();
  return [overhead(`PATCH active, ${kind}`, 'DeactivateUser directly', times)];
}

/** PATCHes that are not counted, as many in flight as there are users: a process that has just begun is slow at first. */
async function toggle(bridge: BridgeProcess, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const connection = bridge.connection();
      for (let round = 0; round < TOGGLES; round += 1) {
        const Operations = [{ op: 'replace', path: 'active', value: round % 2 === 1 }];
        const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
        await connection.send('PATCH', `/Users/${id}`, 200, body);
      }
      connection.close();
    }),
  );
}

/** How many users of each kind one `patches` needs. */
export const PATCHED = ROUNDS + WARM_UP;

/** A filter that no index helps with, and whoever asks for something else meanwhile. */
export async function scans({ bridge, made }: Stage): Promise<Figure[]> {
  const [scanning, asking] = [bridge.connection(), bridge.connection()];
  const waits: number[] = [];
  const scan = () => scanning.send('GET', `/Users?filter=${encodeURIComponent('title co "x"')}`, 200);
  const { text } = await scanning.send('GET', '/Users?count=0', 200);
  const { totalResults } = JSON.parse(text) as { totalResults: number };
  await scan();
  const running = new AbortController();
  const others = (async () => {
    for (let round = 0; !running.signal.aborted; round += 1) {
      const id = made.bridge[round % made.bridge.length];
      waits.push(await millisecondsOf(() => asking.send('GET', `/Users/${id}`, 200)));
      await delay(1);
    }
  })();
  const times = (await sideBySide(10, { scan })).scan;
  running.abort();
  await others;
  for (const each of [scanning, asking]) each.close();
  return [
    {
      work: `filter title co "x" over ${totalResults.toLocaleString('en')} rows`,
      against: '-',
      measured: `${ms(p50(times))} p50, ${ms(mean(times))} mean`,
      goal: '-',
    },
    {
      work: 'GET /Users/{id} during that filter',
      against: '-',
      measured: `${ms(p50(waits))} p50, ${ms(p99(waits))} p99, ${ms(Math.max(...waits))} at most`,
      goal: '<= 10 ms p99',
      reached: p99(waits) <= 10,
    },
  ];
}
