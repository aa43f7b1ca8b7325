/** Requests that can be read in one way only, in two ways, or not at all: what becomes of the person, and of the group, in ZITADEL. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { createGroup, createUser, createUsers, getGroup, keysOf, team, valued } from './groups.ts';
import { ada, inZitadel, patch, writes } from './people.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox);
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

const off = (value: unknown, over: object = {}): object => ({ op: 'replace', path: 'active', value, ...over });
const MALFORMED = { op: 'replace', path: 'na me', value: 'x' };

async function stateAfter(status: number, method: string, body: (user: Json) => object): Promise<string> {
  const user = await answered(201, bridge.scim('POST', '/Users', ada()));
  await answered(status, bridge.scim(method, `/Users/${user.id}`, body(user)));
  return (await inZitadel(sandbox, user.id)).state;
}

test('active in every form that has one meaning deactivates, 200', async () => {
  for (const value of [['False'], [{ value: 'False' }], { value: false }, 0, '0', ' FALSE ', [[0]]]) {
    const said = JSON.stringify(value);
    for (const operation of [off(value), { op: 'replace', value: { active: value } }])
      assert.equal(await stateAfter(200, 'PATCH', () => patch(operation)), 'USER_STATE_INACTIVE', said);
    const put = await stateAfter(200, 'PUT', (user) => ({ ...user, active: value }));
    assert.equal(put, 'USER_STATE_INACTIVE', said);
  }
  assert.equal(
    await stateAfter(200, 'PATCH', () => patch({ op: 'replace', path: 'active.value', value: 'False' })),
    'USER_STATE_INACTIVE',
  );
  for (const value of ['{"active":false}', ' {"active":["False"]} ', '[{"active":"False"}]', [{ active: 0 }]])
    assert.equal(await stateAfter(200, 'PATCH', () => patch({ op: 'replace', value })), 'USER_STATE_INACTIVE');
});

test('a request that cannot be read deactivates when it would if the rest were readable, and only then', async () => {
  const leaves: readonly object[] = [
    patch(off('False'), MALFORMED),
    patch(MALFORMED, off(['False'])),
    patch(off(true), off(0), MALFORMED),
    patch({ op: 'replace', value: '{"active":false}' }, MALFORMED),
    patch({ op: 'replace', value: { active: { value: 'false' }, emails: true } }),
    patch({ op: 'add', value: { 'urn:ietf:params:scim:schemas:core:2.0:User': { active: false, title: true } } }),
    patch({ op: 'add', value: { 'urn:ietf:params:scim:schemas:core:2.0:User:active': false, title: true } }),
    patch(off(false, { path: ' URN:ietf:params:scim:schemas:core:2.0:User:ACTIVE ' }), MALFORMED),
    patch(off(false), { op: 'replace', path: 'emails[type eq "pigeon"].value', value: 'x@example.com' }),
    { ...patch(off(false)), schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'] },
  ];
  for (const body of leaves)
    assert.equal(await stateAfter(400, 'PATCH', () => body), 'USER_STATE_INACTIVE', JSON.stringify(body));
  const stays: readonly object[] = [
    patch({ op: 'replace', path: 'urn:acme:badge:active', value: 'False' }, MALFORMED),
    patch({ op: 'replace', path: 'emails.active', value: false }, MALFORMED),
    patch({ op: 'replace', path: 'active[value eq true]', value: false }),
    patch(off(false), off(true), MALFORMED),
    patch(off('False'), { op: 'replace', value: { active: 'True', emails: true } }),
    patch(off(false, { op: 'test' })),
    patch(off(false, { op: 'move' })),
    patch(off(false, { op: 'remove' }), MALFORMED),
    patch(off([false, false])),
    patch(off({ value: false, display: 'no' })),
    patch(off('no')),
    patch(off(2)),
    { ...patch(MALFORMED), active: false },
    { active: false, schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'] },
    patch({ op: 'replace', value: [{ active: false }, { active: false }] }),
    patch({ op: 'replace', value: { 'urn:acme:badge': { active: false }, title: true } }),
  ];
  for (const body of stays)
    assert.equal(await stateAfter(400, 'PATCH', () => body), 'USER_STATE_ACTIVE', JSON.stringify(body));
  const nested = (user: Json): object => ({ ...user, 'urn:acme:badge': { active: false }, title: true });
  assert.equal(await stateAfter(400, 'PUT', nested), 'USER_STATE_ACTIVE');
});

test('a refused edit of somebody who is out does not say that it put them out', async () => {
  const user = await answered(201, bridge.scim('POST', '/Users', ada({ active: false })));
  const { active: _active, ...rest } = user;
  await sandbox.reset();
  const long = 'x'.repeat(201);
  for (const asked of [
    bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'nickName', value: long })),
    bridge.scim('PUT', `/Users/${user.id}`, { ...rest, nickName: long }),
  ]) {
    const { detail } = await answered(400, asked);
    assert.doesNotMatch(detail, /deactivated/);
  }
  assert.deepEqual(await writes(sandbox), {});
});

test('PUT without userName is 400 and changes nothing', async () => {
  const user = await answered(201, bridge.scim('POST', '/Users', ada({ title: 'Countess' })));
  await sandbox.reset();
  const { userName: _userName, ...rest } = user;
  for (const body of [rest, { ...rest, userName: null, title: 'x' }, { schemas: rest.schemas }]) {
    const { detail, scimType } = await answered(400, bridge.scim('PUT', `/Users/${user.id}`, body));
    assert.equal(scimType, 'invalidValue');
    assert.match(detail, /^userName is required/);
  }
  assert.deepEqual(await writes(sandbox), {});
  assert.deepEqual(await answered(200, bridge.scim('GET', `/Users/${user.id}`)), user);
});

test('a replace by members none of whom is known is 400 and changes nothing, on a group that has members', async () => {
  const { scim } = bridge;
  const [one, two, three] = await createUsers(scim, 3);
  assert.ok(one && two && three);
  const inner = await createGroup(scim);
  const group = await createGroup(scim, {}, one, two);
  await sandbox.reset();
  const dead = valued('00000000-0000-0000-0000-00000000dead', 'nobody');
  const rename = { op: 'replace', path: 'displayName', value: 'Other' };
  for (const asked of [
    scim('PATCH', `/Groups/${group.id}`, patch(rename, { op: 'replace', path: 'members', value: dead })),
    scim('PATCH', `/Groups/${group.id}`, patch({ op: 'replace', value: { members: dead, displayName: 'Other' } })),
    scim('PUT', `/Groups/${group.id}`, team({ members: dead })),
    scim('PATCH', `/Groups/${group.id}`, patch(rename, { op: 'remove', path: 'members', value: null })),
  ]) {
    const { detail, scimType } = await answered(400, asked);
    assert.equal(scimType, 'invalidValue');
    assert.match(detail, /^members/);
  }
  assert.deepEqual(await writes(sandbox), {});
  assert.deepEqual(await getGroup(scim, group.id), group);
  assert.deepEqual(await keysOf(sandbox, one), [group.id]);
  // one that is known will do, whatever it is, and so does an empty list
  const replaced = async (...ids: readonly string[]): Promise<Json> =>
    answered(
      200,
      scim('PATCH', `/Groups/${group.id}`, patch({ op: 'replace', path: 'members', value: valued(...ids) })),
    );
  assert.deepEqual((await replaced('nobody', three)).members.length, 1);
  assert.deepEqual((await replaced('nobody', inner.id)).members.length, 1);
  assert.deepEqual((await replaced()).members, []);
  assert.deepEqual((await replaced('nobody')).members, []);
  assert.deepEqual(await keysOf(sandbox, one), []);
});

test('attributes that no schema has are named in the log and counted, their values are not', async () => {
  const user = await answered(
    201,
    bridge.scim('POST', '/Users', ada({ shoeSize: 'S3cret', name: { givenName: 'A', alias: 'S3cret' }, 'a@b.c': 1 })),
  );
  await answered(
    200,
    bridge.scim(
      'PATCH',
      `/Users/${user.id}`,
      patch(
        { op: 'add', path: 'urn:acme:hr:badge', value: 'S3cret' },
        { op: 'add', path: 'lockers[id eq "S3cret"].floor', value: 1 },
        { op: 'add', value: { emails: [{ value: 'n@example.com', verified: true }], shoeSize: 44 } },
      ),
    ),
  );
  await answered(201, bridge.scim('POST', '/Groups', team({ color: 'S3cret' })));
  const ignored = bridge.lines.flatMap((line) => {
    const { ignored: names } = JSON.parse(line) as { readonly ignored?: readonly string[] };
    return names === undefined ? [] : [names];
  });
  assert.deepEqual(ignored.slice(-3), [
    ['name.alias', 'shoeSize', 'other'],
    ['urn:acme:hr:badge', 'lockers', 'emails.verified', 'shoeSize'],
    ['color'],
  ]);
  assert.doesNotMatch(bridge.lines.join(''), /S3cret|a@b\.c/);
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x${index}`, 1]));
  for (let from = 0; from < 200; from += 20)
    await createUserWith(Object.fromEntries(Object.entries(many).slice(from, from + 20)));
  const counted = (await bridge.metrics())
    .split('\n')
    .filter((line) => line.startsWith('scim_bridge_ignored_attributes_total{'));
  assert.ok(counted.includes('scim_bridge_ignored_attributes_total{attribute="shoeSize"} 2'), counted.join('\n'));
  assert.ok(counted.length <= 101, `${counted.length} series`);
  assert.ok(counted.some((line) => line.includes('attribute="other"')));
});

async function createUserWith(over: object): Promise<void> {
  await answered(201, bridge.scim('POST', '/Users', ada(over)));
}

test('Content-Location beside Location where an answer shows one resource; 501 is a warning', async () => {
  const { scim, base } = bridge;
  const user = await createUser(scim);
  const group = await createGroup(scim, {}, user);
  const [one, other] = [`${base}/Users/${user}`, `${base}/Groups/${group.id}`];
  for (const [where, asked] of [
    [one, scim('GET', `/Users/${user}`)],
    [one, scim('PATCH', `/Users/${user}`, patch())],
    [one, scim('PUT', `/Users/${user}`, ada())],
    [other, scim('GET', `/Groups/${group.id}`)],
    [other, scim('PATCH', `/Groups/${group.id}`, patch())],
    [other, scim('PUT', `/Groups/${group.id}`, team())],
  ] as const) {
    const { status, headers } = await asked;
    assert.deepEqual([status, headers.get('location'), headers.get('content-location')], [200, where, where]);
  }
  for (const [path, body] of [
    ['/Users', ada()],
    ['/Groups', team()],
  ] as const) {
    const { status, headers, body: made } = await scim('POST', path, body);
    const where = `${base}${path}/${made.id}`;
    assert.deepEqual([status, headers.get('location'), headers.get('content-location')], [201, where, where]);
  }
  await answered(501, scim('POST', '/Bulk', {}));
  const line = JSON.parse(bridge.lines.findLast((each) => each.includes('/Bulk')) ?? '{}') as {
    readonly level: string;
  };
  assert.equal(line.level, 'warn');
});
