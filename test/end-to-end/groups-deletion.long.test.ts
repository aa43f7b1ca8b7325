import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { answered, type Json } from './bridge.ts';
import {
  adding,
  createGroup,
  createSite,
  createUsers,
  definitions,
  heldBy,
  keysOf,
  NOTHING,
  type Site,
} from './groups.ts';
import { type BridgeProcess, startProcess } from './process.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startLagging } from './sandbox.ts';
import { until } from './until.ts';

// A deleted group leaves all users and takes its rights with it, whatever happens half-way.
let sandbox: SandboxProcess;

beforeEach(async () => {
  sandbox = await startLagging({ idle: 0, max: 0 });
});
afterEach(() => sandbox.stop());

const config = (): object => ({
  groups: {
    rules: [
      { match: { displayName: 'Editors*' }, project: sandbox.seeds.project, roles: ['editor'] },
      { match: { displayName: 'Editors*' }, orgRoles: ['ORG_OWNER_VIEWER'] },
    ],
  },
});

async function siteOf(t: TestContext): Promise<Site> {
  const site = await createSite(sandbox, config());
  t.after(() => site.end());
  return site;
}

/** Of a group nothing is left in ZITADEL. */
async function isGone(group: string, users: readonly string[]): Promise<void> {
  assert.equal((await definitions(sandbox))[group], undefined);
  for (const user of users) {
    assert.deepEqual(await keysOf(sandbox, user), []);
    assert.deepEqual(await heldBy(sandbox, user), NOTHING);
  }
}

const left = async (group: string, users: readonly string[]): Promise<number> => {
  const keys = await Promise.all(users.map((user) => keysOf(sandbox, user)));
  return keys.filter((each) => each.includes(group)).length;
};

test('a deletion takes members and rights along', async (t) => {
  const bridge = await (await siteOf(t)).start();
  const { scim } = bridge;
  const users = await createUsers(scim, 12);
  const { id } = await createGroup(scim, { displayName: 'Editors' }, ...users);
  await settled(bridge);
  for (const user of users) assert.deepEqual((await heldBy(sandbox, user)).project, ['editor']);
  await answered(204, scim('DELETE', `/Groups/${id}`));
  for (const [method, path, body] of [
    ['GET', `/Groups/${id}`],
    ['DELETE', `/Groups/${id}`],
    ['PATCH', `/Groups/${id}`, adding(users[0] ?? '')],
  ] as const)
    await answered(404, scim(method, path, body));
  await settled(bridge);
  await isGone(id, users);
  const { groups = [] } = await answered(200, scim('GET', `/Users/${users[0]}`));
  assert.deepEqual(groups, []);
});

test('ZITADEL goes away in the middle of a deletion: it is answered, nothing shows the group, the rest follows', async (t) => {
  const bridge = await (await siteOf(t)).start();
  const { scim } = bridge;
  const users = await createUsers(scim, 20);
  const { id } = await createGroup(scim, { displayName: 'Editors' }, ...users);
  await settled(bridge);
  await sandbox.reset();
  await sandbox.faults({ mode: 'slow', ms: 20, method: 'DeleteUserMetadata' });
  const deleted = answered(204, scim('DELETE', `/Groups/${id}`));
  await until(async () => (await left(id, users)) < users.length);
  await sandbox.faults({ mode: 'down' });
  await deleted;
  assert.ok((await left(id, users)) > 0, 'it was over before');
  await answered(404, scim('GET', `/Groups/${id}`));
  assert.equal((await answered(200, scim('GET', '/Groups'))).totalResults, 0);
  await sandbox.faults();
  await settled(bridge);
  await until(async () => (await definitions(sandbox))[id] === undefined);
  await settled(bridge);
  await isGone(id, users);
});

for (const [when, fault] of [
  ['while its members are taken off', { mode: 'slow', ms: 30, method: 'DeleteUserMetadata' }],
  ['while their rights are taken away', { mode: 'slow', ms: 30, method: 'DeleteAdministrator' }],
] as const)
  test(`the bridge dies half-way through a deletion, ${when}: the next one finishes it`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'bridge-'));
    const file = join(folder, 'bridge.yaml');
    await writeFile(file, JSON.stringify(config()));
    const processes: BridgeProcess[] = [];
    t.after(async () => {
      for (const each of processes) await each.kill();
      await rm(folder, { recursive: true });
    });
    const env = { BRIDGE_CONFIG: file, ZITADEL_TOKEN: sandbox.seeds.tokens.ownerA };
    const start = async (): Promise<BridgeProcess> => {
      const timing = {
        backoffFirstMs: 20,
        backoffMaxMs: 200,
        probeMs: 50,
        leaseMs: 1_000,
        writeCallMs: 500,
        readCallMs: 500,
        horizonMs: 100,
      };
      const made = await startProcess(sandbox, folder, env, timing);
      processes.push(made);
      return made;
    };
    const first = await start();
    const users = await createUsers(first.scim, 20);
    const { id } = await createGroup(first.scim, { displayName: 'Editors' }, ...users);
    await settled(first);
    await sandbox.faults(fault);
    await sandbox.reset();
    const lost = first.scim('DELETE', `/Groups/${id}`).catch(() => 'lost');
    await until(async () => ((await sandbox.calls())[fault.method] ?? 0) > 2);
    await first.kill();
    assert.equal(await lost, 'lost');
    await sandbox.faults();
    assert.ok((await left(id, users)) > 0, 'it was over before');
    const second = await start();
    await answered(404, second.scim('GET', `/Groups/${id}`));
    const { Resources = [] } = await answered(200, second.scim('GET', '/Groups'));
    assert.deepEqual(
      Resources.map((each: Json) => each.id),
      [],
    );
    await until(async () => (await definitions(sandbox))[id] === undefined);
    await settled(second);
    await isGone(id, users);
  });
