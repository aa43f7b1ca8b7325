/** What clients ask of two processes at an even rate: reads, changes, users that come and go, members of groups. */
import { setTimeout as delay } from 'node:timers/promises';
import { int, mulberry32, type Random } from '../test/mapping/random.ts';
import { createGroup } from './group-requests.ts';
import type { Answer, Connection } from './http.ts';
import { scimUser } from './person.ts';
import type { BridgeProcess } from './processes.ts';

export interface MixedLoad {
  /** Until that time of performance.now(). */
  run(until: number): Promise<void>;
  /** Answered requests. */
  done(): number;
  /** Answers other than 2xx, by kind and status, and requests without an answer. */
  failures(): ReadonlyMap<string, number>;
  /** Milliseconds by kind. */
  times(): ReadonlyMap<string, readonly number[]>;
  close(): void;
}

/** Clients with one request in flight; the users of each are its own. */
const LANES = 48;
/** Users of a lane, about. */
const USERS = 20;
const GROUPS = 8;
/** In a hundred. */
const SHARES = { get: 35, filter: 10, list: 5, patch: 30, put: 5, 'post or delete': 10, member: 5 };
type Kind = keyof typeof SHARES;

interface Lane {
  /** one to each process, taken in turns */
  readonly connections: readonly Connection[];
  readonly users: { readonly id: string; readonly name: string }[];
  readonly members: Set<string>;
  readonly group: string;
  readonly random: Random;
}

let count = 0;

/** Makes the users and groups it works on. @param rate requests a second */
export async function createMixedLoad(bridges: readonly BridgeProcess[], rate: number): Promise<MixedLoad> {
  const lanes: Lane[] = [];
  const groups: string[] = [];
  for (let n = 0; n < LANES; n += 1) {
    const connections = bridges.map((bridge) => bridge.connection());
    if (n < GROUPS) groups.push(await createGroup(connections[0] as Connection, `Soak ${n}`));
    const group = groups[n % GROUPS] ?? '';
    lanes.push({ connections, users: [], members: new Set(), group, random: mulberry32(n) });
  }
  await Promise.all(
    lanes.map(async (lane) => {
      while (lane.users.length < USERS) await post(lane, lane.connections[0] as Connection);
    }),
  );

  let done = 0;
  const failures = new Map<string, number>();
  const times = new Map<string, number[]>(Object.keys(SHARES).map((kind) => [kind, []]));

  async function one(lane: Lane, turn: number): Promise<void> {
    const connection = lane.connections[turn % lane.connections.length] as Connection;
    const kind = kindOf(int(lane.random, 100));
    const start = performance.now();
    const outcome = await ask(kind, lane, connection).catch((error: unknown) => String(error));
    times.get(kind)?.push(performance.now() - start);
    done += 1;
    if (outcome === undefined) return;
    const what = `${kind}: ${outcome}`;
    failures.set(what, (failures.get(what) ?? 0) + 1);
  }

  return {
    async run(until) {
      const start = performance.now();
      const step = (1_000 / rate) * LANES;
      await Promise.all(
        lanes.map(async (lane, n) => {
          for (let turn = 0; ; turn += 1) {
            const at = start + (n / LANES + turn) * step;
            if (at >= until || performance.now() >= until) return;
            await delay(Math.max(0, at - performance.now()));
            await one(lane, turn);
          }
        }),
      );
    },
    done: () => done,
    failures: () => failures,
    times: () => times,
    close() {
      for (const each of lanes.flatMap(({ connections }) => connections)) each.close();
    },
  };
}

function kindOf(drawn: number): Kind {
  let below = 0;
  for (const [kind, share] of Object.entries(SHARES)) if (drawn < (below += share)) return kind as Kind;
  return 'get';
}

/** Undefined when it went well, else the status. */
async function ask(kind: Kind, lane: Lane, connection: Connection): Promise<string | undefined> {
  const { users, members, group, random } = lane;
  const at = int(random, users.length);
  const user = users[at] ?? { id: '', name: '' };
  const path = `/Users/${user.id}`;
  const outcome = ({ status }: Answer): string | undefined => (status < 300 ? undefined : String(status));
  switch (kind) {
    case 'get':
      return outcome(await connection.send('GET', path, null));
    case 'filter': {
      const filter = encodeURIComponent(`userName eq "${user.name}@bench.test"`);
      return outcome(await connection.send('GET', `/Users?filter=${filter}`, null));
    }
    case 'list':
      return outcome(await connection.send('GET', `/Users?count=50&startIndex=${1 + int(random, 800)}`, null));
    case 'patch':
      return outcome(await connection.send('PATCH', path, null, patch('replace', ...change(random))));
    case 'put':
      return outcome(await connection.send('PUT', path, null, { ...scimUser(user.name), title: `title ${++count}` }));
    case 'member': {
      const isIn = members.has(user.id);
      const body = isIn
        ? patch('remove', `members[value eq "${user.id}"]`)
        : patch('add', 'members', [{ value: user.id }]);
      const answer = await connection.send('PATCH', `/Groups/${group}`, null, body);
      if (answer.status < 300 && !isIn) members.add(user.id);
      if (answer.status < 300 && isIn) members.delete(user.id);
      return outcome(answer);
    }
    case 'post or delete': {
      if (users.length <= USERS) return outcome(await post(lane, connection));
      const answer = await connection.send('DELETE', path, null);
      if (answer.status < 300) users.splice(at, 1);
      members.delete(user.id);
      return outcome(answer);
    }
  }
}

async function post({ users }: Lane, connection: Connection): Promise<Answer> {
  const name = `soak-${++count}`;
  const answer = await connection.send('POST', '/Users', null, scimUser(name));
  if (answer.status === 201) users.push({ id: (JSON.parse(answer.text) as { id: string }).id, name });
  return answer;
}

const change = (random: Random): [path: string, value: unknown] =>
  int(random, 5) === 0 ? ['active', int(random, 2) === 0] : ['title', `title ${++count}`];

const patch = (op: string, path: string, value?: unknown): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op, path, ...(value === undefined ? {} : { value }) }],
});
