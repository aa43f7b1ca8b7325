import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, type TestContext, test } from 'node:test';
import { answered, type Client, type RunningBridge } from './bridge.ts';
import {
  adding,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  definitions,
  getGroup,
  idsOf,
  keysOf,
  membersOf,
  removing,
  sorted,
  sync,
  team,
  valued,
} from './groups.ts';
import { atZitadel, human, patch, writes } from './people.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// Who may be a member: users, groups, and ids that nobody has yet; and what becomes of members that go.
let sandbox: SandboxProcess;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());

async function running(t: TestContext, config: object = {}): Promise<RunningBridge & { readonly scim: Client }> {
  const site = await createSite(sandbox, config);
  t.after(() => site.end());
  return site.start();
}

async function byHand(userId: string): Promise<void> {
  const { organizations } = sandbox.seeds;
  await atZitadel(sandbox, 'CreateUser', { ...human(`hand-${userId}`, organizations.a), userId });
}

test('an id that nobody has waits in the definition, keeps no other member out, and joins when such a user appears', async (t) => {
  const bridge = await running(t);
  const { scim } = bridge;
  const [user, late, never, dropped] = [await createUser(scim), randomUUID(), randomUUID(), randomUUID()];
  const group = await createGroup(scim, {}, late, user);
  assert.deepEqual(idsOf(group), [user]);
  assert.deepEqual(idsOf(await change(scim, group.id, adding(never, dropped))), [user]);
  assert.deepEqual(idsOf(await change(scim, group.id, removing(dropped))), [user]);
  const pending = (await definitions(sandbox))[group.id].pending.map(({ value }: { value: string }) => value);
  assert.deepEqual(pending.toSorted(), sorted(late, never));
  await byHand(late);
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await membersOf(scim, group.id), sorted(late, user));
  assert.deepEqual(await keysOf(sandbox, late), [group.id]);
  const [left] = (await definitions(sandbox))[group.id].pending;
  assert.equal(left.value, never);
});

test('a user that ZITADEL has and no sync has seen yet joins at once', async (t) => {
  const { scim } = await running(t);
  const [id, group] = [randomUUID(), await createGroup(scim)];
  await byHand(id);
  assert.deepEqual(idsOf(await change(scim, group.id, adding(id))), [id]);
  assert.deepEqual(await keysOf(sandbox, id), [group.id]);
});

test('strictMembers: an id that nobody has is 400 that names it, and nothing is changed', async (t) => {
  const { scim } = await running(t, { groups: { strictMembers: true } });
  const [one, two] = await createUsers(scim, 2);
  assert.ok(one && two);
  const [nobody, group] = [randomUUID(), await createGroup(scim, { displayName: 'Strict' }, one)];
  await sandbox.reset();
  const all = patch(
    { op: 'replace', path: 'displayName', value: 'Other' },
    { op: 'replace', path: 'members', value: valued(two, nobody) },
  );
  for (const asked of [
    scim('PATCH', `/Groups/${group.id}`, all),
    scim('PUT', `/Groups/${group.id}`, team({ members: valued(two, nobody) })),
    scim('POST', '/Groups', team({ members: valued(two, nobody) })),
  ]) {
    const { detail, scimType } = await answered(400, asked);
    assert.equal(scimType, 'invalidValue');
    assert.match(detail, /members/);
    assert.ok(detail.includes(nobody), detail);
  }
  assert.deepEqual(await writes(sandbox), {});
  assert.deepEqual(await getGroup(scim, group.id), group);
  assert.deepEqual(idsOf(await change(scim, group.id, removing(nobody))), [one]);
});

test('a group as member is shown and stored; a circle is 400 and changes nothing', async (t) => {
  const { scim } = await running(t);
  const user = await createUser(scim);
  const inner = await createGroup(scim, { displayName: 'Inner' }, user);
  const middle = await createGroup(scim, {}, inner.id);
  const outer = await createGroup(scim, {}, middle.id, user);
  const [member] = middle.members;
  assert.deepEqual([member.value, member.type, member.display], [inner.id, 'Group', 'Inner']);
  assert.ok(member.$ref.endsWith(`/Groups/${inner.id}`));
  assert.deepEqual(idsOf(outer), sorted(middle.id, user));
  assert.deepEqual((await definitions(sandbox))[middle.id].groups, [inner.id]);
  assert.deepEqual(await keysOf(sandbox, user), sorted(inner.id, outer.id));
  for (const [group, added] of [
    [inner.id, outer.id],
    [inner.id, inner.id],
    [middle.id, outer.id],
  ]) {
    const { detail } = await answered(400, scim('PATCH', `/Groups/${group}`, adding(String(added))));
    assert.match(detail, /members/);
  }
  assert.deepEqual(await membersOf(scim, inner.id), [user]);
  await answered(204, scim('DELETE', `/Groups/${inner.id}`));
  assert.deepEqual(await membersOf(scim, middle.id), []);
  // the way of the circle is free once it is open elsewhere
  await change(scim, outer.id, removing(middle.id));
  assert.deepEqual(idsOf(await change(scim, middle.id, adding(outer.id))), [outer.id]);
});

test('a user deleted by SCIM or in ZITADEL leaves all groups', async (t) => {
  const bridge = await running(t);
  const { scim } = bridge;
  const [stays, bySCIM, inZitadel] = await createUsers(scim, 3);
  assert.ok(stays && bySCIM && inZitadel);
  const groups = [
    await createGroup(scim, {}, stays, bySCIM, inZitadel),
    await createGroup(scim, {}, bySCIM, inZitadel),
  ];
  await answered(204, scim('DELETE', `/Users/${bySCIM}`));
  assert.deepEqual(await membersOf(scim, groups[0]?.id), sorted(stays, inZitadel));
  assert.deepEqual(await membersOf(scim, groups[1]?.id), [inZitadel]);
  await atZitadel(sandbox, 'DeleteUser', { userId: inZitadel });
  await sync(bridge);
  assert.deepEqual(await membersOf(scim, groups[0]?.id), [stays]);
  assert.deepEqual(await membersOf(scim, groups[1]?.id), []);
  const filter = encodeURIComponent(`members.value eq "${inZitadel}"`);
  assert.equal((await answered(200, scim('GET', `/Groups?filter=${filter}`))).totalResults, 0);
});

test('a sync takes a membership that somebody wrote or took away in ZITADEL for what is there', async (t) => {
  const bridge = await running(t);
  const { scim } = bridge;
  const [one, two] = await createUsers(scim, 2);
  assert.ok(one && two);
  const group = await createGroup(scim, {}, one);
  const key = `urn:zitadel:scim:group:${group.id}`;
  await atZitadel(sandbox, 'SetUserMetadata', { userId: two, metadata: [{ key, value: btoa('1') }] });
  await atZitadel(sandbox, 'DeleteUserMetadata', { userId: one, keys: [key] });
  await sync(bridge);
  assert.deepEqual(await membersOf(scim, group.id), [two]);
});
