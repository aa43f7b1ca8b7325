import assert from 'node:assert/strict';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { answered, type BridgeOptions, type RunningBridge } from './bridge.ts';
import {
  adding,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  definitions,
  getGroup,
  heldBy,
  idsOf,
  keysOf,
  membersOf,
  NOTHING,
  removing,
  type Site,
  sorted,
  team,
  valued,
} from './groups.ts';
import { createDoor } from './door.ts';
import { ada, patch } from './people.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// ZITADEL is away, or slow: groups are answered as ever, and all of it arrives.
let sandbox: SandboxProcess;
let site: Site;

before(async () => {
  sandbox = await startSandbox();
  const { project } = sandbox.seeds;
  const rules = [
    { match: { displayName: 'Editors*' }, project, roles: ['editor'] },
    { match: { displayName: 'Editors*' }, orgRoles: ['ORG_OWNER_VIEWER'] },
  ];
  site = await createSite(sandbox, { groups: { rules } });
});
after(async () => {
  await site.end();
  await sandbox.stop();
});
afterEach(() => sandbox.faults());

const away = (): Promise<void> => sandbox.faults({ mode: 'down' });
const BOTH = { org: ['ORG_OWNER_VIEWER'], project: ['editor'] };

async function running(t: TestContext, options: BridgeOptions = {}): Promise<RunningBridge> {
  t.after(() => sandbox.faults());
  return site.start(options);
}

test('groups, members, renames and deletions are answered as ever while ZITADEL is away, and delivered later', async (t) => {
  const bridge = await running(t);
  const { scim } = bridge;
  const [one, two, three] = await createUsers(scim, 3);
  assert.ok(one && two && three);
  const old = await createGroup(scim, { displayName: 'Editors old' }, one, two);
  const leaving = await createGroup(scim, { displayName: 'Editors leaving' }, one, three);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, three), BOTH);
  await away();
  const fresh = await createGroup(scim, { displayName: 'Editors new' }, two);
  assert.deepEqual(idsOf(fresh), [two]);
  const user = await answered(201, scim('POST', '/Users', ada()));
  assert.deepEqual(idsOf(await change(scim, fresh.id, adding(user.id, one))), sorted(user.id, one, two));
  assert.deepEqual(idsOf(await change(scim, old.id, removing(two))), [one]);
  await change(scim, old.id, patch({ op: 'replace', path: 'displayName', value: 'Renamed' }));
  await answered(204, scim('DELETE', `/Groups/${leaving.id}`));
  await answered(404, scim('GET', `/Groups/${leaving.id}`));
  const shown = (await answered(200, scim('GET', `/Users/${user.id}`))).groups;
  assert.equal(shown[0].value, fresh.id);
  const filter = encodeURIComponent(`members.value eq "${three}"`);
  assert.equal((await answered(200, scim('GET', `/Groups?filter=${filter}`))).totalResults, 0);
  await sandbox.faults();
  await settled(bridge);
  assert.deepEqual(await keysOf(sandbox, one), sorted(old.id, fresh.id));
  assert.deepEqual(await keysOf(sandbox, two), [fresh.id]);
  assert.deepEqual([await keysOf(sandbox, three), await heldBy(sandbox, three)], [[], NOTHING]);
  assert.deepEqual(await heldBy(sandbox, user.id), BOTH);
  const { [old.id]: renamed, [fresh.id]: made, [leaving.id]: gone } = await definitions(sandbox);
  assert.deepEqual([renamed.displayName, made.displayName, gone], ['Renamed', 'Editors new', undefined]);
  assert.deepEqual(await queue(bridge, 'dead-letter'), []);
});

test('while ZITADEL is away nobody can tell whether a member is known: such a replace is 503 and changes nothing', async (t) => {
  const bridge = await running(t);
  const { scim } = bridge;
  const [one, two] = await createUsers(scim, 2);
  assert.ok(one && two);
  const group = await createGroup(scim, {}, one);
  await away();
  const nobody = patch({ op: 'replace', path: 'members', value: valued('nobody') });
  const { headers } = await scim('PATCH', `/Groups/${group.id}`, nobody).then((answer) => {
    assert.equal(answer.status, 503);
    return answer;
  });
  assert.match(headers.get('retry-after') ?? '', /^\d+$/);
  assert.deepEqual(await membersOf(scim, group.id), [one]);
  const confirmed = patch({ op: 'replace', path: 'members', value: valued('nobody', two) });
  assert.deepEqual(idsOf(await change(scim, group.id, confirmed)), [two]);
});

test('a restart in the outage shows what was answered, and delivers it', async (t) => {
  const first = await running(t);
  const user = await createUser(first.scim);
  await away();
  const group = await createGroup(first.scim, { displayName: 'Editors restarted' }, user);
  const second = await site.start();
  const { meta, ...shown } = await getGroup(second.scim, group.id);
  assert.deepEqual([shown.displayName, idsOf(shown), meta.version], ['Editors restarted', [user], group.meta.version]);
  await sandbox.faults();
  await settled(second);
  await until(async () => (await heldBy(sandbox, user)).org.length === 1);
  await settled(second);
  assert.deepEqual([await keysOf(sandbox, user), await heldBy(sandbox, user)], [[group.id], BOTH]);
});

test('WHEN_DOWN=refuse: 503 with Retry-After, and nothing is kept', async (t) => {
  const door = await createDoor(sandbox);
  const refusing = await createSite(sandbox, {}, { env: { WHEN_DOWN: 'refuse', ZITADEL_URL: door.url } });
  t.after(async () => {
    await refusing.end();
    await door.shut();
  });
  const bridge = await refusing.start();
  const { scim } = bridge;
  const [user, other] = await createUsers(scim, 2);
  assert.ok(user && other);
  const group = await createGroup(scim, { displayName: 'Kept as it is' }, user);
  await settled(bridge);
  await door.shut();
  const requests: readonly (readonly [string, string, object?])[] = [
    ['POST', '/Groups', team({ displayName: 'Refused', members: valued(user) })],
    ['PATCH', `/Groups/${group.id}`, adding(other)],
    ['PATCH', `/Groups/${group.id}`, removing(user)],
    ['PATCH', `/Groups/${group.id}`, patch({ op: 'replace', path: 'displayName', value: 'Other' })],
    ['PUT', `/Groups/${group.id}`, team({ members: [] })],
    ['DELETE', `/Groups/${group.id}`],
  ];
  for (const [method, path, body] of requests) {
    const answer = await scim(method, path, body);
    assert.equal(answer.status, 503, `${method} ${JSON.stringify(answer.body)}`);
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  }
  assert.deepEqual(await getGroup(scim, group.id), group);
  const filter = encodeURIComponent('displayName eq "Refused"');
  assert.equal((await answered(200, scim('GET', `/Groups?filter=${filter}`))).totalResults, 0);
  await door.open();
  assert.deepEqual(await change(scim, group.id, adding(user)), group);
  await settled(bridge);
  assert.deepEqual([await keysOf(sandbox, user), await keysOf(sandbox, other)], [[group.id], []]);
  assert.equal((await definitions(sandbox))[group.id].displayName, 'Kept as it is');
});

test('300 members at 200 ms each are answered within ANSWER_WITHIN, and the queue finishes them', async (t) => {
  const answerWithin = 1_500;
  const bridge = await running(t, {
    timing: { answerWithinMs: answerWithin, readCallMs: 20_000, writeCallMs: 20_000, leaseMs: 25_000 },
  });
  const { scim } = bridge;
  const users = await createUsers(scim, 300);
  const { id } = await createGroup(scim, { displayName: 'Many' });
  await sandbox.faults({ mode: 'slow', ms: 200, method: 'SetUserMetadata' });
  await sandbox.reset();
  const answer = await scim('PATCH', `/Groups/${id}`, adding(...users));
  assert.equal(answer.status, 204, JSON.stringify(answer.body));
  const { SetUserMetadata: done = 0 } = await sandbox.calls();
  assert.ok(done > 0 && done < 200, `${done} of 300 were waited for`);
  assert.deepEqual(await membersOf(scim, id), users.toSorted());
  await sandbox.faults();
  await settled(bridge);
  for (const user of users) assert.deepEqual(await keysOf(sandbox, user), [id]);
});
