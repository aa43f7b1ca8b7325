import assert from 'node:assert/strict';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { answered } from './bridge.ts';
import {
  adding,
  apply,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  diagnosis,
  getGroup,
  giveOrg,
  giveProject,
  heldBy,
  NOTHING,
  type Site,
  sync,
} from './groups.ts';
import { atZitadel, human, patch } from './people.ts';
import { operate, settled } from './queue.ts';
import { type SandboxProcess, startLagging } from './sandbox.ts';
import { until } from './until.ts';

// Which rules are in force for which group: names change, bridge.yaml changes, DATA_DIR is lost.
let sandbox: SandboxProcess;

beforeEach(async () => {
  sandbox = await startLagging({ idle: 0, max: 0 });
});
afterEach(() => sandbox.stop());

const rule = (match: object, ...roles: readonly string[]): object => ({ match, project: sandbox.seeds.project, roles });
const named = (displayName: string, ...roles: readonly string[]): object => rule({ displayName }, ...roles);
const renaming = (value: string): object => patch({ op: 'replace', path: 'displayName', value });
const projectOf = async (user: string): Promise<readonly string[]> => (await heldBy(sandbox, user)).project;

async function siteWith(t: TestContext, ...rules: readonly object[]): Promise<Site> {
  const site = await createSite(sandbox, { groups: { rules } }, { timing: { listLagMs: 0 } });
  t.after(() => site.end());
  return site;
}

test('a rename keeps the rights, another group of that name gets none until apply, a deletion ends the binding', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor'), named('Glob*', 'viewer'));
  const bridge = await site.start();
  const { scim } = bridge;
  const [one, two, three] = await createUsers(scim, 3);
  assert.ok(one && two && three);
  const dev = await createGroup(scim, { displayName: 'Dev' }, one);
  await change(scim, dev.id, renaming('Engineers'));
  await change(scim, dev.id, adding(two));
  const other = await createGroup(scim, { displayName: 'Dev' }, three);
  await settled(bridge);
  assert.deepEqual([await projectOf(one), await projectOf(two), await projectOf(three)], [['editor'], ['editor'], []]);
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await projectOf(three), []);
  await apply(bridge);
  await settled(bridge);
  assert.deepEqual([await projectOf(one), await projectOf(two), await projectOf(three)], [[], [], ['editor']]);
  await answered(204, scim('DELETE', `/Groups/${other.id}`));
  await settled(bridge);
  assert.deepEqual(await projectOf(three), []);
  // nothing is bound now: the first group of that name is
  const again = await createGroup(scim, { displayName: 'Dev' }, three);
  await settled(bridge);
  assert.deepEqual(await projectOf(three), ['editor']);
  // a rule with `*` binds each group it matched
  const globs = [await createGroup(scim, { displayName: 'Glob 1' }, one), await createGroup(scim, {}, two)];
  await change(scim, globs[0]?.id, renaming('Elsewhere'));
  await change(scim, globs[1]?.id, renaming('Glob 2'));
  await settled(bridge);
  assert.deepEqual([await projectOf(one), await projectOf(two)], [['viewer'], ['viewer']]);
  assert.equal((await getGroup(scim, again.id)).displayName, 'Dev');
});

test('a changed bridge.yaml takes effect by apply only, which takes away what only the earlier rules managed', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor', 'viewer'));
  const first = await site.start();
  const [member, unmanaged] = await createUsers(first.scim, 2);
  assert.ok(member && unmanaged);
  const dev = await createGroup(first.scim, { displayName: 'Dev', externalId: 'x' }, member);
  await settled(first);
  await site.write({ groups: { rules: [rule({ externalId: 'x' }, 'admin')] } });
  const second = await site.start();
  await sync(second);
  await change(second.scim, dev.id, adding(unmanaged));
  await settled(second);
  assert.deepEqual(
    [await projectOf(member), await projectOf(unmanaged)],
    [
      ['editor', 'viewer'],
      ['editor', 'viewer'],
    ],
  );
  assert.match((await diagnosis(second, 'groups')).finding, /not those of bridge.yaml/);
  const { value } = await operate(second, 'groups plan');
  const planned = (value as { default: { users: number; changes: readonly { id: string }[] } }).default;
  assert.deepEqual(planned.changes.map(({ id }) => id).toSorted(), [member, unmanaged].toSorted());
  assert.deepEqual(
    [await projectOf(member), await projectOf(unmanaged)],
    [
      ['editor', 'viewer'],
      ['editor', 'viewer'],
    ],
  );
  await apply(second);
  await settled(second);
  assert.deepEqual([await projectOf(member), await projectOf(unmanaged)], [['admin'], ['admin']]);
  assert.equal((await diagnosis(second, 'groups')).level, 'ok');
  await site.write({ groups: { rules: [] } });
  const third = await site.start();
  await apply(third);
  await settled(third);
  assert.deepEqual([await projectOf(member), await projectOf(unmanaged)], [[], []]);
});

test('applyOnStart: a changed bridge.yaml is in force soon after the start', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor'));
  const first = await site.start();
  const user = await createUser(first.scim);
  await createGroup(first.scim, { displayName: 'Dev' }, user);
  await settled(first);
  await site.write({ groups: { applyOnStart: true, rules: [named('Dev', 'viewer')] } });
  await site.start();
  await until(async () => (await projectOf(user)).join() === 'viewer');
});

test('the first rules of an empty store give, and take away only what they gave, until apply; applyOnStart as well', async (t) => {
  const { organizations } = sandbox.seeds;
  const owners = { match: { displayName: 'Owners' }, orgRoles: ['ORG_OWNER'], allowPrivileged: true };
  const rules = [owners, { ...named('Dev', 'editor', '{displayName}'), createRoles: true }];
  const config = { groups: { applyOnStart: true, rules } };
  const site = await createSite(sandbox, config, { timing: { listLagMs: 0 } });
  t.after(() => site.end());
  const made = async (username: string): Promise<string> =>
    ((await atZitadel(sandbox, 'CreateUser', human(username, organizations.a))) as { id: string }).id;
  const [boss, chief, hand] = [await made('boss'), await made('chief'), await made('hand')];
  for (const id of [boss, chief]) await giveOrg(sandbox, id, 'ORG_OWNER');
  await giveProject(sandbox, hand, 'editor');
  const asIs = [
    { org: ['ORG_OWNER'], project: [] },
    { org: ['ORG_OWNER'], project: [] },
    { org: [], project: ['editor'] },
  ];
  const byHand = async (): Promise<void> => {
    const held = await Promise.all([boss, chief, hand].map((id) => heldBy(sandbox, id)));
    assert.deepEqual(held, asIs);
  };
  let bridge = await site.start();
  await sync(bridge);
  await settled(bridge);
  await byHand();
  const { scim } = bridge;
  const [dev, late] = await createUsers(scim, 2);
  assert.ok(dev && late);
  const devs = await createGroup(scim, { displayName: 'Dev' }, dev, hand);
  await settled(bridge);
  assert.deepEqual(await projectOf(dev), ['Dev', 'editor']);
  assert.deepEqual(await projectOf(hand), ['Dev', 'editor']);
  // what the console gives now stays as well
  await giveProject(sandbox, late, 'editor');
  await giveProject(sandbox, hand, 'editor', 'Dev', 'viewer');
  bridge = await site.start();
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await projectOf(late), ['editor']);
  assert.match((await diagnosis(bridge, 'groups')).finding, /revoke nothing that they did not grant/);
  // the rules take what they gave themselves, also after a restart
  await change(bridge.scim, devs.id, patch({ op: 'remove', path: 'members' }));
  await settled(bridge);
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await projectOf(dev), []);
  assert.deepEqual(await projectOf(hand), ['editor', 'viewer']);
  assert.deepEqual([await heldBy(sandbox, boss), await heldBy(sandbox, chief)], asIs.slice(0, 2));
  // a lost DATA_DIR does not make it another set
  await site.lose();
  bridge = await site.start();
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual([await heldBy(sandbox, boss), await projectOf(late)], [asIs[0], ['editor']]);
  const { lines } = await operate(bridge, 'groups plan');
  assert.ok(
    lines.some((line) => /ORG_OWNER revoked from 2 users/.test(line)),
    lines.join('\n'),
  );
  await apply(bridge);
  await settled(bridge);
  assert.deepEqual([await projectOf(hand), await projectOf(late)], [['viewer'], []]);
  const left = [await heldBy(sandbox, boss), await heldBy(sandbox, chief)].map(({ org }) => org.join());
  assert.deepEqual(left.toSorted(), ['', 'ORG_OWNER'], 'the last person stays owner');
  assert.doesNotMatch((await diagnosis(bridge, 'groups')).finding, /revoke nothing that they did not grant/);
});

test('DATA_DIR is lost: rights stay, none are given until SCIM says it again, or apply', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor'), named('Ops*', 'viewer'));
  const first = await site.start();
  const [member, late, taken] = await createUsers(first.scim, 3);
  assert.ok(member && late && taken);
  const dev = await createGroup(first.scim, { displayName: 'Dev' }, member, taken);
  const ops = await createGroup(first.scim, { displayName: 'Ops' }, member);
  await settled(first);
  await site.lose();
  // meanwhile somebody takes a right and forges a membership
  await sandbox.post('/sandbox/grants', { userId: taken, project: sandbox.seeds.project, roles: [] });
  const forged = { [`urn:zitadel:scim:group:${dev.id}`]: btoa('1') };
  await forge(late, forged);
  const bridge = await site.start();
  const { scim } = bridge;
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(
    [await projectOf(member), await projectOf(late), await projectOf(taken)],
    [['editor', 'viewer'], [], []],
  );
  assert.match((await diagnosis(bridge, 'groups')).finding, /^2 groups read from ZITADEL and not trusted yet/);
  // a rename of what nobody confirmed gives nothing to the forged one; adding by SCIM does once the group was said again
  await change(scim, dev.id, patch({ op: 'replace', value: { displayName: 'Dev' } }));
  await settled(bridge);
  assert.deepEqual([await projectOf(late), await projectOf(taken)], [[], []]);
  await change(scim, dev.id, adding(taken));
  await settled(bridge);
  assert.deepEqual(
    [await projectOf(member), await projectOf(late), await projectOf(taken)],
    [['editor', 'viewer'], [], ['editor']],
  );
  assert.match((await diagnosis(bridge, 'groups')).finding, /^1 group read from ZITADEL and not trusted yet/);
  await change(scim, ops.id, adding(taken));
  await settled(bridge);
  assert.deepEqual(await projectOf(taken), ['editor']);
  await apply(bridge);
  await settled(bridge);
  assert.deepEqual(await projectOf(taken), ['editor', 'viewer']);
  assert.deepEqual(await projectOf(late), ['editor']);
  assert.equal((await diagnosis(bridge, 'groups')).level, 'ok');
});

test('DATA_DIR is lost and bridge.yaml has changed: the rules in force stay those of before', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor'));
  const first = await site.start();
  const [member, other] = await createUsers(first.scim, 2);
  assert.ok(member && other);
  const dev = await createGroup(first.scim, { displayName: 'Dev' }, member);
  await settled(first);
  await site.lose();
  await site.write({ groups: { rules: [named('Dev', 'viewer')] } });
  const bridge = await site.start();
  await sync(bridge);
  await change(bridge.scim, dev.id, renaming('Dev'));
  await change(bridge.scim, dev.id, adding(other));
  await settled(bridge);
  assert.deepEqual(await projectOf(member), ['editor']);
  assert.ok(!(await projectOf(other)).includes('viewer'));
  await apply(bridge);
  await settled(bridge);
  assert.deepEqual([await projectOf(member), await projectOf(other)], [['viewer'], ['viewer']]);
});

test('rules that somebody wrote on the holder give nothing', async (t) => {
  const site = await siteWith(t, named('Dev', 'editor'));
  const first = await site.start();
  const user = await createUser(first.scim);
  const group = await createGroup(first.scim, { displayName: 'Crew' }, user);
  await settled(first);
  const set = {
    rules: [
      {
        by: 'displayName',
        pattern: 'Crew',
        orgRoles: ['ORG_OWNER'],
        project: null,
        roles: [],
        createRoles: false,
        allowPrivileged: true,
      },
    ],
    bindings: { 'displayName:Crew': [{ group: group.id, name: 'Crew', vouched: true }] },
    retired: [],
  };
  await site.lose();
  await forge(`scim-groups-${sandbox.seeds.organizations.a}`, { 'urn:zitadel:scim:rules': btoa(JSON.stringify(set)) });
  const bridge = await site.start();
  await sync(bridge);
  await change(bridge.scim, group.id, renaming('Crew'));
  await change(bridge.scim, group.id, adding(user));
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
});

/** Metadata as anybody with user.write can set it. */
async function forge(userId: string, metadata: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(`${sandbox.url}/zitadel.user.v2.UserService/SetUserMetadata`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.seeds.tokens.managerA}` },
    body: JSON.stringify({ userId, metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
