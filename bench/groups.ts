/** Groups: what a change of members costs beside the SetUserMetadata calls that it stands for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import type { Disk } from './disk.ts';
import {
  createGroup,
  delivered,
  forEach,
  memberCount,
  patchesBeside,
  patchMembers,
  userIds,
  writesDuring,
} from './group-requests.ts';
import type { Connection } from './http.ts';
import { watch } from './large.ts';
import { mean, millisecondsOf, p50, p99, sideBySide } from './measure.ts';
import { connectDirectly, type Direct, type Zitadel } from './person.ts';
import { type BridgeProcess, startBridge } from './processes.ts';
import type { BenchStore } from './redis.ts';
import { figure, type Figure, ms, percent } from './report.ts';

const GROUP = 5_000;
const MANY = 1_000;
/** Rounds of one member, and those before that are not counted. */
const [ROUNDS, WARM_UP] = [200, 100];
const ALONE = ROUNDS + WARM_UP;
/** Users that are patched meanwhile. */
const OTHERS = 100;
/** Rounds of many members. */
const TURNS = 3;
const REPLACES = 10;
/** Users that `groups` needs: the group, those who join it one by one, and those who are patched meanwhile. */
export const GROUP_USERS = GROUP + ALONE + REPLACES * 2 + OTHERS;

/** Whoever may give roles in the organization gives this one to the members of groups with such a name. */
const [ROLE, WITH_ROLE] = ['ORG_OWNER_VIEWER', 'Bench role'];
const RULES = `groups:
  rules:
    - { match: { displayName: "${WITH_ROLE}*" }, orgRoles: [${ROLE}] }
`;

interface Stage {
  readonly bridge: BridgeProcess;
  readonly connection: Connection;
  readonly direct: Direct;
  readonly sandbox: SandboxProcess;
  readonly disk: Disk;
  readonly ids: readonly string[];
}

let keys = 0;
/** A key that no user has yet. */
const nextKey = (): string => `urn:bench:group:${++keys}`;

/** @param zitadel a sandbox with GROUP_USERS users, and a token of ORG_OWNER */
export async function groups(
  zitadel: Zitadel,
  sandbox: SandboxProcess,
  disk: Disk,
  folder: string,
  store: BenchStore,
): Promise<Figure[]> {
  const config = join(folder, 'bridge.yaml');
  await writeFile(config, RULES);
  const bridge = await startBridge(zitadel, folder, { ...store.settings, BRIDGE_CONFIG: config });
  await bridge.synced();
  const connection = bridge.connection();
  const ids = await userIds(connection);
  if (ids.length < GROUP_USERS) throw new Error(`${ids.length} users are not enough`);
  const stage: Stage = { bridge, connection, direct: connectDirectly(zitadel), sandbox, disk, ids };
  const most = watch(bridge);
  const figures: Figure[] = [];
  // after the first work a process is larger than before it: whether it grows on is seen from one step to the next
  const memory = [await bridge.memory()];
  for (const step of [large, many, meanwhile, roles]) {
    figures.push(...(await step(stage)));
    memory.push(await bridge.memory());
  }
  const seen = await most();
  connection.close();
  await bridge.stop();
  const [before = 0, ...after] = memory.map((bytes) => figure(bytes / 2 ** 20, 'MiB'));
  return [
    ...figures,
    {
      work: 'memory (RSS) after each of these group rows',
      against: `before, ${ids.length.toLocaleString('en')} users, no groups: ${before}`,
      measured: `${after.join(', ')}; ${figure(seen / 2 ** 20, 'MiB')} peak`,
      goal: 'flat',
    },
  ];
}

/** A group of 5,000: it is filled, one member comes, all are replaced. */
async function large(stage: Stage): Promise<Figure[]> {
  const { bridge, connection, direct, disk, ids } = stage;
  const group = await createGroup(connection, 'Bench large');
  const members = ids.slice(0, GROUP);
  await patchMembers(connection, group, 'add', members);
  await delivered(bridge);
  const count = await memberCount(connection, group);
  if (count !== GROUP) throw new Error(`the group has ${count} members`);

  const works = (from: number) => ({
    direct: (round: number) => direct.setMetadata(ids[from + round] ?? '', nextKey()),
    bridge: (round: number) =>
      patchMembers(connection, group, 'add', ids.slice(GROUP + from + round, GROUP + from + round + 1)),
    sync: () => disk.sync(),
  });
  await sideBySide(WARM_UP, works(0));
  const times = await sideBySide(ROUNDS, works(WARM_UP));
  const beyond = p50(times.bridge) - p50(times.direct);
  return [
    {
      work: `group of ${GROUP.toLocaleString('en')}: PATCH adds one member`,
      against: `SetUserMetadata directly: ${ms(p50(times.direct))} p50, ${ms(p99(times.direct))} p99`,
      measured: `${ms(p50(times.bridge))} p50, ${ms(p99(times.bridge))} p99: +${ms(beyond)}, +${ms(beyond - p50(times.sync))} beyond one fsync of ${ms(p50(times.sync))}`,
      goal: '+2 ms p50',
      reached: beyond <= 2,
    },
    await replaced(stage, group, members, `group of ${GROUP.toLocaleString('en')}: PATCH with all members`),
  ];
}

/** Everybody is named, again and again: two have come and one has gone since the last time. */
async function replaced(stage: Stage, group: string, first: readonly string[], work: string): Promise<Figure> {
  const { bridge, connection, sandbox, ids } = stage;
  let members = first;
  await patchMembers(connection, group, 'replace', members);
  await delivered(bridge);
  const newcomers = ids.slice(GROUP + ALONE, GROUP + ALONE + REPLACES * 2);
  const times: number[] = [];
  const writes = await writesDuring(sandbox, bridge, async () => {
    for (let round = 0; round < REPLACES; round += 1) {
      members = [...members.slice(1), ...newcomers.slice(round * 2, round * 2 + 2)];
      times.push(await millisecondsOf(() => patchMembers(connection, group, 'replace', members)));
    }
  });
  const { SetUserMetadata: came = 0, DeleteUserMetadata: went = 0, ...others } = writes;
  const told = [['SetUserMetadata', came], ['DeleteUserMetadata', went], ...Object.entries(others)] as const;
  return {
    work: `${work}, 2 new, 1 gone`,
    against: '-',
    measured: `${ms(p50(times))} p50; per PATCH ${told.map(([method, count]) => figure(count / REPLACES, method)).join(', ')}`,
    goal: '2 SetUserMetadata, 1 DeleteUserMetadata',
    reached: came === REPLACES * 2 && went === REPLACES,
  };
}

const manyDirectly = ({ direct, ids }: Stage): Promise<void> => {
  const key = nextKey();
  return forEach(ids.slice(0, MANY), (id) => direct.setMetadata(id, key));
};

/** Many members come in one PATCH, held against as many calls with the same number in flight. */
async function many(stage: Stage): Promise<Figure[]> {
  const { bridge, connection, ids } = stage;
  const times: { direct: number[]; answer: number[]; delivered: number[] } = { direct: [], answer: [], delivered: [] };
  for (let turn = 0; turn <= TURNS; turn += 1) {
    const group = await createGroup(connection, `Bench many ${turn}`);
    const direct = await millisecondsOf(() => manyDirectly(stage));
    const start = performance.now();
    await patchMembers(connection, group, 'add', ids.slice(0, MANY));
    const answer = performance.now() - start;
    await delivered(bridge);
    if (turn === 0) continue;
    times.direct.push(direct);
    times.answer.push(answer);
    times.delivered.push(performance.now() - start);
  }
  const [direct, bridged] = [mean(times.direct), mean(times.delivered)];
  return [
    {
      work: `PATCH adds ${MANY.toLocaleString('en')} members, until delivered`,
      against: `${MANY.toLocaleString('en')} SetUserMetadata directly, 8 in flight: ${figure(direct / 1000, 's')}`,
      measured: `${figure(bridged / 1000, 's')}: ${percent(bridged / direct)}; answered after ${figure(mean(times.answer) / 1000, 's')}`,
      goal: '<= 120 %',
      reached: bridged / direct <= 1.2,
    },
  ];
}

/** What others see of it: PATCH active one after another, beside nothing, beside the calls, and beside the PATCH of the group. */
async function meanwhile(stage: Stage): Promise<Figure[]> {
  const { bridge, connection, ids } = stage;
  const asking = bridge.connection();
  const others = ids.slice(-OTHERS);
  const times: Record<'idle' | 'direct' | 'group', number[]> = { idle: [], direct: [], group: [] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    const group = await createGroup(connection, `Bench meanwhile ${turn}`);
    times.idle.push(...(await patchesBeside(asking, others, () => delay(3_000))));
    times.direct.push(...(await patchesBeside(asking, others, () => manyDirectly(stage))));
    const add = async (): Promise<void> => {
      await patchMembers(connection, group, 'add', ids.slice(0, MANY));
      await delivered(bridge);
    };
    times.group.push(...(await patchesBeside(asking, others, add)));
  }
  asking.close();
  const told = (values: readonly number[]): string => `${ms(p50(values))} p50, ${ms(p99(values))} p99`;
  return [
    {
      work: `PATCH active while a group gains ${MANY.toLocaleString('en')} members`,
      against: `idle: ${told(times.idle)}; beside ${MANY.toLocaleString('en')} SetUserMetadata directly: ${told(times.direct)}`,
      measured: `${told(times.group)}: ${figure(p99(times.group) / p99(times.idle), 'times')} the idle p99`,
      goal: 'p99 at most twice',
      reached: p99(times.group) <= 2 * p99(times.idle),
    },
  ];
}

/** The same with a role in the organization for each member: ZITADEL takes those one at a time. */
async function roles(stage: Stage): Promise<Figure[]> {
  const { bridge, connection, direct, sandbox, ids } = stage;
  const [givenDirectly, members] = [ids.slice(MANY, 2 * MANY), ids.slice(0, MANY)];
  const key = nextKey();
  let lane: Promise<unknown> = Promise.resolve();
  const alone = await millisecondsOf(async () => {
    await forEach(givenDirectly, async (id) => {
      await direct.setMetadata(id, key);
      lane = lane.then(() => direct.giveRole(id, ROLE));
    });
    await lane;
  });
  const group = await createGroup(connection, WITH_ROLE);
  let [answer, done] = [0, 0];
  const writes = await writesDuring(sandbox, bridge, async () => {
    const start = performance.now();
    await patchMembers(connection, group, 'add', members);
    answer = performance.now() - start;
    await delivered(bridge);
    done = performance.now() - start;
  });
  const { SetUserMetadata: set = 0, CreateAdministrator: given = 0 } = writes;
  return [
    {
      work: `group with an org role: PATCH adds ${MANY.toLocaleString('en')} members, until delivered`,
      against: `${MANY.toLocaleString('en')} SetUserMetadata, 8 in flight, and CreateAdministrator, one at a time, directly: ${figure(alone / 1000, 's')}`,
      measured: `${figure(done / 1000, 's')}: ${percent(done / alone)}; ${set} SetUserMetadata, ${given} CreateAdministrator; answered after ${figure(answer / 1000, 's')}`,
      goal: 'one call of each per member',
      reached: given === MANY,
    },
    await replaced(
      stage,
      group,
      members,
      `group with an org role: PATCH with all ${MANY.toLocaleString('en')} members`,
    ),
  ];
}
