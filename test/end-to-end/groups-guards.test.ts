import assert from 'node:assert/strict';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { answered, type RunningBridge } from './bridge.ts';
import {
  adding,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  diagnosis,
  explain,
  giveOrg,
  heldBy,
  membersOf,
  NOTHING,
  removing,
  type Site,
  sync,
} from './groups.ts';
import { atZitadel, patch } from './people.ts';
import { operate, queue, settled } from './queue.ts';
import { type SandboxProcess, startLagging } from './sandbox.ts';

// What rules must never do: lock the organization out, believe what others wrote, go beyond the token.
// The rules in force stand in ZITADEL, so each test has one of its own.
let sandbox: SandboxProcess;

beforeEach(async () => {
  sandbox = await startLagging({ idle: 0, max: 0 });
});
afterEach(() => sandbox.stop());

interface Setting {
  readonly bridge: RunningBridge;
  readonly site: Site;
}

const OWNERS = {
  match: { displayName: 'Owners*' },
  orgRoles: ['ORG_OWNER'],
  allowPrivileged: true,
};

async function running(t: TestContext, rules: readonly object[], env: Record<string, string> = {}): Promise<Setting> {
  const site = await createSite(sandbox, { groups: { rules } }, { env, timing: { listLagMs: 0 } });
  t.after(() => site.end());
  return { site, bridge: await site.start() };
}

/** A key on a user as anybody with user.write can set it. */
async function forge(userId: string, group: string): Promise<void> {
  const metadata = [{ key: `urn:zitadel:scim:group:${group}`, value: btoa('1') }];
  await atZitadel(sandbox, 'SetUserMetadata', { userId, metadata });
}

test('the last active ORG_OWNER keeps that role: a dead letter says so, and everything else goes on', async (t) => {
  const { tokens, users } = sandbox.seeds;
  const rules = [OWNERS, { ...OWNERS, match: { displayName: 'Desk' }, orgRoles: ['ORG_USER_MANAGER'] }];
  const { bridge } = await running(t, rules, { ZITADEL_TOKEN: tokens.instanceOwner });
  const { scim } = bridge;
  const [one, two, inactive, other] = await createUsers(scim, 4);
  assert.ok(one && two && inactive && other);
  const owners = await createGroup(scim, { displayName: 'Owners' }, one, two, inactive);
  const desk = await createGroup(scim, { displayName: 'Desk' }, one, two, other);
  await answered(200, scim('PATCH', `/Users/${inactive}`, patch({ op: 'replace', path: 'active', value: false })));
  await giveOrg(sandbox, users['org-a-owner'] ?? '');
  await sync(bridge);
  await settled(bridge);
  await change(scim, owners.id, patch({ op: 'replace', path: 'members', value: [] }));
  await change(scim, desk.id, removing(other));
  await settled(bridge);
  assert.deepEqual(await membersOf(scim, owners.id), []);
  assert.deepEqual([await heldBy(sandbox, inactive), await heldBy(sandbox, other)], [NOTHING, NOTHING]);
  const held = [(await heldBy(sandbox, one)).org, (await heldBy(sandbox, two)).org];
  assert.deepEqual(
    held.toSorted((a, b) => a.length - b.length),
    [['ORG_USER_MANAGER'], ['ORG_OWNER', 'ORG_USER_MANAGER']],
  );
  const last = held[0]?.length === 2 ? one : two;
  const dead = await queue(bridge, 'dead-letter');
  assert.deepEqual(
    dead.map(({ id }) => id),
    [last],
  );
  assert.match(dead[0]?.deadLetters[0]?.reason ?? '', /ORG_OWNER/);
  const right = (await explain(bridge, last)).rights.find(({ role }) => role === 'ORG_OWNER');
  assert.deepEqual([right?.standing, right?.held, right?.groups], ['dead-letter', true, []]);
  // with another owner it can be taken
  await change(scim, owners.id, adding(other));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, other)).org, ['ORG_OWNER']);
  await operate(bridge, 'queue retry', { id: last });
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, last)).org, ['ORG_USER_MANAGER']);
});

test('the other roles of the last active ORG_OWNER are given and taken as ever', async (t) => {
  const { tokens, users } = sandbox.seeds;
  const rules = [OWNERS, { ...OWNERS, match: { displayName: 'Desk' }, orgRoles: ['ORG_USER_MANAGER'] }];
  const { bridge } = await running(t, rules, { ZITADEL_TOKEN: tokens.instanceOwner });
  const { scim } = bridge;
  const last = await createUser(scim);
  const owners = await createGroup(scim, { displayName: 'Owners' }, last);
  const desk = await createGroup(scim, { displayName: 'Desk' });
  await giveOrg(sandbox, users['org-a-owner'] ?? '');
  await sync(bridge);
  await change(scim, owners.id, removing(last));
  await change(scim, desk.id, adding(last));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, last)).org, ['ORG_OWNER', 'ORG_USER_MANAGER']);
  await change(scim, desk.id, removing(last));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, last)).org, ['ORG_OWNER']);
});

test('a forged key gives nothing, not after later writes to that user either; a vouched one gives', async (t) => {
  const { bridge } = await running(t, [OWNERS]);
  const { scim } = bridge;
  const [user, member, viewed] = await createUsers(scim, 3);
  assert.ok(user && member && viewed);
  const group = await createGroup(scim, { displayName: 'Owners of it' }, member);
  const other = await createGroup(scim);
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, member)).org, ['ORG_OWNER']);
  await forge(user, group.id);
  await forge(viewed, group.id);
  await sync(bridge);
  assert.deepEqual(await membersOf(scim, group.id), [user, member, viewed].toSorted());
  const writes = [
    ['PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'title', value: 'Countess' })],
    ['PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'active', value: false })],
    ['PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'active', value: true })],
    ['PATCH', `/Groups/${other.id}`, adding(user)],
    ['PATCH', `/Groups/${other.id}`, removing(user)],
    ['PATCH', `/Groups/${group.id}`, patch({ op: 'replace', path: 'displayName', value: 'Owners renamed' })],
    ['PATCH', `/Groups/${group.id}`, removing(member)],
    ['PATCH', `/Groups/${group.id}`, adding(member)],
  ] as const;
  for (const [method, path, body] of writes) {
    await answered(200, scim(method, path, body));
    await settled(bridge);
    assert.deepEqual(await heldBy(sandbox, user), NOTHING, path);
  }
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
  assert.equal((await explain(bridge, user)).memberships[0]?.trusted, false);
  // the identity provider says it, too: now it counts
  await change(scim, group.id, adding(user));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, user)).org, ['ORG_OWNER']);
  assert.deepEqual(await heldBy(sandbox, viewed), NOTHING);
});

test('a key that is forged again after its membership was taken away gives nothing', async (t) => {
  const { bridge } = await running(t, [OWNERS]);
  const { scim } = bridge;
  const [user, other] = await createUsers(scim, 2);
  assert.ok(user && other);
  await giveOrg(sandbox, other, 'ORG_OWNER'); // else the user would be the last person who owns the organization
  const group = await createGroup(scim, { displayName: 'Owners once' }, user);
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, user)).org, ['ORG_OWNER']);
  await change(scim, group.id, removing(user));
  await settled(bridge);
  await forge(user, group.id);
  await sync(bridge);
  await answered(200, scim('PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'title', value: 'Countess' })));
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
  assert.deepEqual(await membersOf(scim, group.id), [user]);
});

test('a forged definition on the holder is bound to nothing', async (t) => {
  const { bridge } = await running(t, [OWNERS]);
  const { scim } = bridge;
  const user = await createUser(scim);
  const group = await createGroup(scim, {}, user);
  await settled(bridge);
  const metadata = [
    { key: `urn:zitadel:scim:group:${group.id}`, value: btoa(JSON.stringify({ displayName: 'Owners forged' })) },
  ];
  await atZitadel(sandbox, 'SetUserMetadata', { userId: `scim-groups-${sandbox.seeds.organizations.a}`, metadata });
  await sync(bridge);
  await answered(200, scim('PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'title', value: 'Countess' })));
  await change(scim, group.id, removing(user));
  await change(scim, group.id, adding(user));
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
});

test('a token of ORG_USER_MANAGER: memberships and project roles work, rules of the organization are off, doctor says why', async (t) => {
  const { project, tokens } = sandbox.seeds;
  const rules = [OWNERS, { match: { displayName: 'Owners*' }, project, roles: ['viewer'] }];
  const { bridge } = await running(t, rules, { ZITADEL_TOKEN: tokens.managerA });
  const { scim } = bridge;
  const user = await createUser(scim);
  const group = await createGroup(scim, { displayName: 'Owners by manager' }, user);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: [], project: ['viewer'] });
  assert.deepEqual(await membersOf(scim, group.id), [user]);
  const { level, finding } = await diagnosis(bridge, 'rules');
  assert.equal(level, 'fail');
  assert.match(finding, /org\.member\./);
  assert.match(finding, /^1 of 2 rules/);
  assert.deepEqual(await queue(bridge, 'blocked'), []);
  assert.deepEqual(await queue(bridge, 'dead-letter'), []);
});

test('a rule that names what ZITADEL does not have is off, and comes into force once it is there', async (t) => {
  const { project } = sandbox.seeds;
  const rules = [
    { match: { displayName: 'Crew' }, project, roles: ['pilot'] },
    { match: { displayName: 'Crew' }, project, roles: ['viewer'] },
    { match: { displayName: 'Crew' }, project: '999', roles: ['viewer'] },
    { match: { displayName: 'Crew' }, orgRoles: ['ORG_NOPE'], allowPrivileged: true },
  ];
  const { bridge } = await running(t, rules);
  const { scim } = bridge;
  const user = await createUser(scim);
  await createGroup(scim, { displayName: 'Crew' }, user);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: [], project: ['viewer'] });
  const { finding } = await diagnosis(bridge, 'rules');
  for (const what of ['pilot', '999', 'ORG_NOPE']) assert.ok(finding.includes(what), finding);
  assert.match(finding, /^3 of 4 rules/);
  await giveOrg(sandbox, user, 'ORG_SETTINGS_MANAGER');
  const answer = await fetch(`${sandbox.url}/zitadel.project.v2beta.ProjectService/AddProjectRole`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.seeds.tokens.instanceOwner}` },
    body: JSON.stringify({ projectId: project, roleKey: 'pilot', displayName: 'pilot' }),
  });
  assert.equal(answer.status, 200, await answer.text());
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: ['ORG_SETTINGS_MANAGER'], project: ['pilot', 'viewer'] });
});

test('who is listed under protect keeps the roles it has and gets none; memberships are kept as ever', async (t) => {
  const { project } = sandbox.seeds;
  const rules = [
    { ...OWNERS, match: { displayName: 'Desk' }, orgRoles: ['ORG_USER_MANAGER'] },
    { match: { displayName: 'Desk' }, project, roles: ['editor'] },
  ];
  const site = await createSite(sandbox, { groups: { rules } }, { timing: { listLagMs: 0 } });
  t.after(() => site.end());
  const first = await site.start();
  const [listed, given, plain] = await createUsers(first.scim, 3);
  assert.ok(listed && given && plain);
  const desk = await createGroup(first.scim, { displayName: 'Desk' }, given, plain);
  await settled(first);
  await giveOrg(sandbox, listed, 'ORG_USER_MANAGER', 'ORG_OWNER_VIEWER');
  await site.write({ protect: [listed, given], groups: { rules } });
  const bridge = await site.start();
  const { scim } = bridge;
  const asIs = [await heldBy(sandbox, listed), await heldBy(sandbox, given)];
  const unchanged = async (): Promise<void> =>
    assert.deepEqual([await heldBy(sandbox, listed), await heldBy(sandbox, given)], asIs);
  const { value } = await operate(bridge, 'groups plan');
  assert.equal((value as { default: { users: number } }).default.users, 0);
  await operate(bridge, 'groups apply');
  await sync(bridge);
  await settled(bridge);
  await unchanged();
  // joins and leaves by PATCH, in an outage, and with the group
  await change(scim, desk.id, adding(listed));
  await change(scim, desk.id, removing(given));
  await settled(bridge);
  await unchanged();
  assert.deepEqual(await membersOf(scim, desk.id), [listed, plain].toSorted());
  await sandbox.faults({ mode: 'down' });
  await change(scim, desk.id, removing(listed));
  await change(scim, desk.id, adding(given));
  await sandbox.faults();
  await settled(bridge);
  await unchanged();
  const told = await explain(bridge, listed);
  assert.deepEqual([told.protected, told.rights.map(({ managed }) => managed)], [true, [false, false]]);
  await answered(204, scim('DELETE', `/Groups/${desk.id}`));
  await settled(bridge);
  await sync(bridge);
  await unchanged();
  assert.deepEqual(await heldBy(sandbox, plain), NOTHING);
  assert.deepEqual(await queue(bridge, 'dead-letter'), []);
});
