/** Groups to send, bridges with a bridge.yaml of their own, and what stands in ZITADEL of memberships and rights. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Explanation } from '../../src/bridge/ports/operator.ts';
import { GROUP_URN } from '../../src/mapping/schema.ts';
import { groupOf } from '../../src/mapping/groups.ts';
import { answered, type BridgeOptions, type Client, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, patch } from './people.ts';
import { type Asked, operate } from './queue.ts';
import type { SandboxProcess } from './sandbox.ts';

let made = 0;

/** A group to send, with a name of its own. */
export function team(over: object = {}): Record<string, Json> {
  made += 1;
  return { schemas: [GROUP_URN], displayName: `Team ${made}`, ...over };
}

export const valued = (...ids: readonly string[]): readonly object[] => ids.map((value) => ({ value }));
export const adding = (...ids: readonly string[]): object =>
  patch({ op: 'add', path: 'members', value: valued(...ids) });
export const removing = (id: string): object => patch({ op: 'remove', path: `members[value eq "${id}"]` });

export const sorted = (...ids: readonly string[]): readonly string[] => ids.toSorted();

/** Creates a group with members; gives what was answered. */
export async function createGroup(scim: Client, over: object = {}, ...ids: readonly string[]): Promise<Json> {
  return answered(201, scim('POST', '/Groups', team({ ...over, ...(ids.length > 0 && { members: valued(...ids) }) })));
}

/** Ids of new users. */
export async function createUsers(scim: Client, count: number): Promise<readonly string[]> {
  const users = Array.from({ length: count }, () => answered(201, scim('POST', '/Users', ada())));
  return (await Promise.all(users)).map(({ id }) => id);
}

export async function createUser(scim: Client): Promise<string> {
  return (await answered(201, scim('POST', '/Users', ada()))).id;
}

export const getGroup = (scim: Client, id: string): Promise<Json> => answered(200, scim('GET', `/Groups/${id}`));
export const change = (scim: Client, id: string, body: object): Promise<Json> =>
  answered(200, scim('PATCH', `/Groups/${id}`, body));

/** Ids of the members that the bridge shows, sorted. */
export async function membersOf(scim: Client, id: string): Promise<readonly string[]> {
  return idsOf(await getGroup(scim, id));
}

/** Ids of the members in an answer, sorted. */
export const idsOf = ({ members }: Json): readonly string[] => members.map(({ value }: Json) => value).toSorted();

/** A user with all that hangs on it, as the sandbox has it. */
export const inSandbox = (sandbox: SandboxProcess, id: string): Promise<Json> => sandbox.get(`/sandbox/users/${id}`);

/** Ids of the groups whose key stands on a user in ZITADEL, sorted. */
export async function keysOf(sandbox: SandboxProcess, user: string): Promise<readonly string[]> {
  const { metadata } = await inSandbox(sandbox, user);
  return Object.entries(metadata)
    .flatMap(([key, value]) => (value === '1' ? (groupOf(key) ?? []) : []))
    .toSorted();
}

/** The definitions on the holder, by the id of the group. */
export async function definitions(sandbox: SandboxProcess): Promise<Readonly<Record<string, Json>>> {
  const { metadata = {} } = await inSandbox(sandbox, holderOf(sandbox));
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([key, value]) => {
      const id = groupOf(key);
      return id === undefined ? [] : [[id, JSON.parse(String(value))]];
    }),
  );
}

export const holderOf = (sandbox: SandboxProcess): string => `scim-groups-${sandbox.seeds.organizations.a}`;

/** Roles that a user holds in ZITADEL, sorted: in the organization, and in the seeded project. */
export interface Held {
  readonly org: readonly string[];
  readonly project: readonly string[];
}

export async function heldBy(sandbox: SandboxProcess, user: string): Promise<Held> {
  const { members, grants } = await inSandbox(sandbox, user);
  assert.ok(members.length <= 1 && grants.length <= 1, JSON.stringify({ members, grants }));
  return { org: members[0]?.roles.toSorted() ?? [], project: grants[0]?.roles.toSorted() ?? [] };
}

export const NOTHING: Held = { org: [], project: [] };

/** Somebody gives just these roles in the organization, past the bridge. */
export async function giveOrg(sandbox: SandboxProcess, userId: string, ...roles: readonly string[]): Promise<void> {
  await sandbox.post('/sandbox/members', { userId, organization: sandbox.seeds.organizations.a, roles });
}

/** Somebody gives just these roles in the seeded project, past the bridge. */
export async function giveProject(sandbox: SandboxProcess, userId: string, ...roles: readonly string[]): Promise<void> {
  await sandbox.post('/sandbox/grants', { userId, project: sandbox.seeds.project, roles });
}

/** A DATA_DIR and a bridge.yaml that outlive the bridges that run on them, one after another. */
export interface Site {
  readonly dataDir: string;
  /** Rewrites bridge.yaml; in force for the next one that is started. */
  write(config: object): Promise<void>;
  /** Stops the one that runs and starts another. */
  start(options?: BridgeOptions): Promise<RunningBridge>;
  /** Stops the one that runs and takes DATA_DIR away. */
  lose(): Promise<void>;
  end(): Promise<void>;
}

/** Rights in the organization are given with ownerA's token; `env` may name another one. */
export async function createSite(sandbox: SandboxProcess, config: object, options: BridgeOptions = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'bridge-'));
  const [file, dataDir] = [join(folder, 'bridge.yaml'), join(folder, 'data')];
  let running: RunningBridge | undefined;
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  const write = (content: object): Promise<void> => writeFile(file, JSON.stringify(content));
  await mkdir(dataDir);
  await write(config);
  return {
    dataDir,
    write,
    async start(over = {}) {
      await stop();
      const env = {
        ZITADEL_TOKEN: sandbox.seeds.tokens.ownerA,
        BRIDGE_CONFIG: file,
        ...options.env,
        ...over.env,
      };
      const timing = { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50, ...options.timing, ...over.timing };
      running = await startBridge(sandbox, { dataDir, ...options, ...over, env, timing });
      return running;
    },
    async lose() {
      await stop();
      await rm(dataDir, { recursive: true });
      await mkdir(dataDir);
    },
    async end() {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Compares the view with ZITADEL, metadata too. */
export async function sync(bridge: Asked, options: object = {}): Promise<void> {
  const { exit, lines } = await operate(bridge, 'sync', options);
  assert.equal(exit, 0, lines.join('\n'));
}

export async function explain(bridge: Asked, id: string): Promise<Explanation> {
  return (await operate(bridge, 'groups explain', { id })).value as Explanation;
}

/** Puts bridge.yaml in force. */
export async function apply(bridge: Asked): Promise<void> {
  const { exit, lines } = await operate(bridge, 'groups apply');
  assert.equal(exit, 0, lines.join('\n'));
}

/** What doctor says under a name. */
export async function diagnosis(
  bridge: Asked,
  name: string,
): Promise<{ readonly level: string; readonly finding: string }> {
  const { value } = await operate(bridge, 'doctor');
  const found = (value as readonly { name: string; level: string; finding: string }[]).find(
    (each) => each.name === name,
  );
  assert.ok(found, `doctor has no line ${name}`);
  return found;
}
