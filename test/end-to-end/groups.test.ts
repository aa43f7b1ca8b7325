import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type Client, type Json, type RunningBridge, startBridge } from './bridge.ts';
import {
  adding,
  change,
  createGroup,
  createUser,
  createUsers,
  definitions,
  getGroup,
  idsOf,
  keysOf,
  membersOf,
  removing,
  team,
  valued,
} from './groups.ts';
import { patch, writes } from './people.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// Members and names of groups: a change costs what changes, and wipes nothing that it does not name.
let sandbox: SandboxProcess;
let bridge: RunningBridge;
let scim: Client;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox);
  scim = bridge.scim;
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

/** What the bridge shows and what ZITADEL has are these members. */
async function areMembers(group: string, ids: readonly string[], others: readonly string[] = []): Promise<void> {
  assert.deepEqual(await membersOf(scim, group), ids.toSorted());
  for (const id of ids) assert.ok((await keysOf(sandbox, id)).includes(group), `${id} lacks the key`);
  for (const id of others) assert.ok(!(await keysOf(sandbox, id)).includes(group), `${id} has the key`);
}

test('16 clients add and remove different members of one group at once, and none is lost', async () => {
  const there = await createUsers(scim, 32);
  const fresh = await createUsers(scim, 32);
  const group = await createGroup(scim, {}, ...there);
  const changes = Array.from({ length: 16 }, (_, n) => [
    adding(...fresh.slice(2 * n, 2 * n + 2)),
    removing(there[2 * n] ?? ''),
  ]);
  await Promise.all(
    changes.map(async (bodies) => {
      for (const body of bodies) await change(scim, group.id, body);
    }),
  );
  const stay = there.filter((_, n) => n % 2 === 1);
  const left = there.filter((_, n) => n % 2 === 0);
  await areMembers(group.id, [...stay, ...fresh], left);
});

test('two clients on one member: it ends as the one says that was answered last', async () => {
  const [user, group] = [await createUser(scim), await createGroup(scim)];
  for (let round = 0; round < 20; round += 1) {
    const answers: boolean[] = [];
    await Promise.all(
      [true, false].map(async (joins) => {
        await change(scim, group.id, joins ? adding(user) : removing(user));
        answers.push(joins);
      }),
    );
    await areMembers(group.id, answers.at(-1) ? [user] : [], answers.at(-1) ? [] : [user]);
  }
});

test('a rename together with memberships in one request', async () => {
  const [one, two] = await createUsers(scim, 2);
  assert.ok(one && two);
  const group = await createGroup(scim, {}, one);
  const body = patch(
    { op: 'replace', path: 'displayName', value: 'Renamed' },
    { op: 'add', path: 'members', value: valued(two) },
    { op: 'remove', path: `members[value eq "${one}"]` },
  );
  const renamed = await change(scim, group.id, body);
  assert.deepEqual([renamed.displayName, idsOf(renamed)], ['Renamed', [two]]);
  await areMembers(group.id, [two], [one]);
  assert.deepEqual((await definitions(sandbox))[group.id], { displayName: 'Renamed' });
});

test('what a PUT or a PATCH does not name stays', async () => {
  const user = await createUser(scim);
  const wish = { displayName: 'Kept', externalId: 'ext-kept' };
  const group = await createGroup(scim, wish, user);
  const { schemas } = team();
  const bodies: readonly (readonly [string, object])[] = [
    ['PUT', { schemas, displayName: 'Kept' }],
    ['PUT', { schemas, members: valued(user) }],
    ['PUT', { schemas, externalId: 'ext-kept' }],
    ['PATCH', patch({ op: 'replace', value: { displayName: 'Kept' } })],
    ['PATCH', patch({ op: 'replace', value: { id: group.id, externalId: 'ext-kept' } })],
    ['PATCH', patch({ op: 'replace', value: { members: valued(user) } })],
    ['PATCH', patch({ op: 'replace', value: { displayName: 'Kept', members: null } })],
  ];
  for (const [method, body] of bodies) {
    const shown = await answered(200, scim(method, `/Groups/${group.id}`, body));
    assert.deepEqual([shown.displayName, shown.externalId, idsOf(shown)], ['Kept', 'ext-kept', [user]]);
  }
  await areMembers(group.id, [user]);
  assert.deepEqual((await definitions(sandbox))[group.id], wish);
});

test('a replace by [] or by other members, by PUT and by PATCH, in as many writes as members differ', async () => {
  const [one, two, three, four] = await createUsers(scim, 4);
  assert.ok(one && two && three && four);
  const group = await createGroup(scim, {}, one, two, three);
  const replaces: readonly (readonly [string, (ids: readonly string[]) => object])[] = [
    ['PUT', (ids) => ({ ...team(), displayName: group.displayName, members: valued(...ids) })],
    ['PATCH', (ids) => patch({ op: 'replace', path: 'members', value: valued(...ids) })],
  ];
  for (const [method, body] of replaces) {
    await sandbox.reset();
    await answered(200, scim(method, `/Groups/${group.id}`, body([one, two, four])));
    await areMembers(group.id, [one, two, four], [three]);
    assert.deepEqual(await writes(sandbox), { SetUserMetadata: 1, DeleteUserMetadata: 1 });
    const emptied = await answered(200, scim(method, `/Groups/${group.id}`, body([])));
    assert.deepEqual(emptied.members, []);
    await areMembers(group.id, [], [one, two, three, four]);
    await change(scim, group.id, adding(one, two, three));
  }
});

test('removing who is no member, and adding twice, is success and writes nothing twice', async () => {
  const [one, two] = await createUsers(scim, 2);
  assert.ok(one && two);
  const group = await createGroup(scim, {}, one);
  await sandbox.reset();
  for (const body of [removing(two), removing('nobody'), adding(one), adding(one, one)]) {
    assert.deepEqual(idsOf(await change(scim, group.id, body)), [one]);
  }
  assert.deepEqual(await writes(sandbox), {});
  const twice = patch(
    { op: 'add', path: 'members', value: valued(two) },
    { op: 'add', path: 'members', value: valued(two, two) },
  );
  assert.deepEqual(idsOf(await change(scim, group.id, twice)), [one, two].toSorted());
  assert.deepEqual(await writes(sandbox), { SetUserMetadata: 1 });
});

test('an answer to POST shows the group as GET does; a group without a name is 400', async () => {
  const user = await createUser(scim);
  const answer = await scim('POST', '/Groups', team({ externalId: 'x1', members: valued(user) }));
  const body = await answered(201, Promise.resolve(answer));
  assert.equal(answer.headers.get('location'), `${bridge.base}/Groups/${body.id}`);
  assert.equal(answer.headers.get('etag'), body.meta.version);
  assert.deepEqual(await getGroup(scim, body.id), body);
  const [member] = body.members as Json[];
  assert.deepEqual(member, { ...member, value: user, type: 'User', $ref: `${bridge.base}/Users/${user}` });
  const refused = await answered(400, scim('POST', '/Groups', { schemas: team()['schemas'] }));
  assert.match(refused.detail, /displayName/);
  await settled(bridge);
});
