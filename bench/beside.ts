/** One bridge with the embedded store and one on Redis, in turns on one sandbox: what Redis costs a request. */
import type { Disk } from './disk.ts';
import type { Connection } from './http.ts';
import { p50, p99, race, sideBySide } from './measure.ts';
import { connectDirectly, type Direct, externalIdOf, scimUser, type Zitadel } from './person.ts';
import { type BridgeProcess, startBridge } from './processes.ts';
import type { OwnRedis } from './redis.ts';
import { figure, type Figure, ms, percent } from './report.ts';

const ROUNDS = 300;
/** Rounds that are not counted: a process that has just begun is slow at first. */
const WARM_UP = 150;
const IN_FLIGHT = 8;
const DEACTIVATE = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'active', value: false }],
};

interface Side {
  readonly bridge: BridgeProcess;
  readonly connection: Connection;
  /** users made here, and their names */
  readonly ids: string[];
  readonly names: string[];
}

let made = 0;

async function create({ ids, names }: Side, connection: Connection): Promise<void> {
  const name = `beside-${++made}`;
  const { text } = await connection.send('POST', '/Users', 201, scimUser(name));
  ids.push((JSON.parse(text) as { id: string }).id);
  names.push(name);
}

export async function beside(
  zitadel: Zitadel,
  disk: Disk,
  redis: OwnRedis,
  folders: { readonly embedded: string; readonly redis: string },
): Promise<Figure[]> {
  const open = async (folder: string, settings: Readonly<Record<string, string>>): Promise<Side> => {
    const bridge = await startBridge(zitadel, folder, settings);
    await bridge.synced();
    return { bridge, connection: bridge.connection(), ids: [], names: [] };
  };
  const sides = { embedded: await open(folders.embedded, {}), redis: await open(folders.redis, redis.settings) };
  const direct = connectDirectly(zitadel);
  const figures = [await many(sides), ...(await writes(sides, direct, disk)), ...(await reads(sides, disk))];
  for (const { bridge, connection } of Object.values(sides)) {
    connection.close();
    await bridge.stop();
  }
  return figures;
}

interface Sides {
  readonly embedded: Side;
  readonly redis: Side;
}

/** POSTs; they warm both up too. */
async function many({ embedded, redis }: Sides): Promise<Figure> {
  const open = (side: Side): Connection[] => Array.from({ length: IN_FLIGHT }, side.bridge.connection);
  const connections = { embedded: open(embedded), redis: open(redis) };
  const rates = await race(
    4,
    1_500,
    connections.embedded.map((each) => () => create(embedded, each)),
    connections.redis.map((each) => () => create(redis, each)),
  );
  for (const each of [...connections.embedded, ...connections.redis]) each.close();
  return {
    work: `Redis vs. embedded: POST /Users, ${IN_FLIGHT} in flight`,
    against: `embedded: ${figure(rates.direct, '/s')}`,
    measured: `${figure(rates.bridge, '/s')}: ${percent(rates.bridge / rates.direct)}`,
    goal: '-',
  };
}

async function writes({ embedded, redis }: Sides, direct: Direct, disk: Disk): Promise<Figure[]> {
  const ids: string[] = [];
  const sync = () => disk.sync();
  const posts = {
    direct: async () => void ids.push(await direct.create(`beside-${++made}`)),
    embedded: () => create(embedded, embedded.connection),
    redis: () => create(redis, redis.connection),
    sync,
  };
  await sideBySide(WARM_UP, posts);
  const created = await sideBySide(ROUNDS, posts);

  const patch = ({ connection, ids: own }: Side, at: number) =>
    connection.send('PATCH', `/Users/${own.at(-1 - at)}`, 200, DEACTIVATE);
  // each user once, the newest first: those were made one by one
  const patches = (from: number) => ({
    direct: (round: number) => direct.deactivate(ids.at(-1 - from - round) ?? ''),
    embedded: (round: number) => patch(embedded, from + round),
    redis: (round: number) => patch(redis, from + round),
    sync,
  });
  await sideBySide(WARM_UP, patches(0));
  const patched = await sideBySide(ROUNDS, patches(WARM_UP));
  return [row('POST /Users', created, 'CreateUser'), row('PATCH active', patched, 'DeactivateUser')];
}

async function reads({ embedded, redis }: Sides, disk: Disk): Promise<Figure[]> {
  const ask = (path: (side: Side, round: number) => string) => ({
    embedded: (round: number) => embedded.connection.send('GET', path(embedded, round), 200),
    redis: (round: number) => redis.connection.send('GET', path(redis, round), 200),
    sync: () => disk.sync(),
  });
  const works = {
    'GET /Users/{id} in view': ask(({ ids }, round) => `/Users/${ids[round % ids.length]}`),
    'list of 100': ask((_, round) => `/Users?count=100&startIndex=${1 + round}`),
    'filter externalId eq, a hit': ask(({ names }, round) => {
      const externalId = externalIdOf(names[round % names.length] ?? '');
      return `/Users?filter=${encodeURIComponent(`externalId eq "${externalId}"`)}`;
    }),
  };
  const figures: Figure[] = [];
  for (const [what, work] of Object.entries(works)) {
    await sideBySide(WARM_UP, work);
    figures.push(row(what, await sideBySide(ROUNDS, work)));
  }
  return figures;
}

type Times = Readonly<Record<'embedded' | 'redis' | 'sync', number[]>> & { readonly direct?: number[] };

function row(what: string, { direct, embedded, redis, sync }: Times, call?: string): Figure {
  const told = (values: number[]): string => `${ms(p50(values))} p50, ${ms(p99(values))} p99`;
  const more = p50(redis) - p50(embedded);
  const one = direct === undefined ? '' : `; ${call} directly: ${ms(p50(direct))} p50; one fsync: ${ms(p50(sync))}`;
  return {
    work: `Redis vs. embedded: ${what}, 1 in flight`,
    against: `embedded: ${told(embedded)}${one}`,
    measured: `${told(redis)}: ${more < 0 ? '' : '+'}${ms(more)} p50`,
    goal: '-',
  };
}
