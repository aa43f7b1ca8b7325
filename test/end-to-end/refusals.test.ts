import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, inZitadel, metadata, patch } from './people.ts';
import { operate, queue, settled, shown } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// ZITADEL takes a part of a request and refuses the rest: no refusal keeps a leaver active, and the answer says what was done.
let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 } });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});
afterEach(() => sandbox.faults());

/** Passes every check but ZITADEL's own. */
const REFUSED = 'ädä@example.com';
const PHONE = [{ value: '+12', type: 'work', primary: true }];

const create = (over: object = {}): Promise<Json> => answered(201, bridge.scim('POST', '/Users', ada(over)));
const get = (id: string): Promise<Json> => answered(200, bridge.scim('GET', `/Users/${id}`));
const put = (user: Json, over: object): Promise<Answer> =>
  bridge.scim('PUT', `/Users/${user.id}`, { ...user, ...over });
const leaving = { active: false, emails: [{ value: REFUSED, type: 'work', primary: true }] };

test('PUT with active=false and a refused e-mail: 400 that says so, and the user is inactive all the same', async () => {
  const user = await create();
  const { detail, scimType } = await answered(400, put(user, { ...leaving, title: 'Countess' }));
  assert.equal(scimType, 'invalidValue');
  assert.match(detail, /emails\.value/);
  assert.match(detail, /deactivated all the same/);
  const there = await inZitadel(sandbox, user.id);
  assert.deepEqual([there.state, there.human.email.email], ['USER_STATE_INACTIVE', user.userName]);
  const seen = await get(user.id);
  assert.deepEqual([seen.active, seen.emails], [false, user.emails]);
  assert.equal(seen.title, 'Countess');
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  await settled(bridge);
  assert.deepEqual((await shown(bridge, user.id)).conditions, []);
});

test('the same in an outage: 200, the user is inactive later, the e-mail is a dead letter and the old one is shown', async () => {
  const user = await create();
  await sandbox.faults({ mode: 'down' });
  const promised = await answered(200, put(user, { ...leaving, title: 'Countess' }));
  assert.deepEqual([promised.active, promised.emails[0].value], [false, REFUSED]);
  await sandbox.faults();
  await settled(bridge);
  const there = await inZitadel(sandbox, user.id);
  assert.deepEqual([there.state, there.human.email.email], ['USER_STATE_INACTIVE', user.userName]);
  const seen = await get(user.id);
  assert.deepEqual([seen.active, seen.emails, seen.title], [false, user.emails, 'Countess']);
  const byMail = (value: string): Promise<Answer> =>
    bridge.scim('GET', `/Users?filter=${encodeURIComponent(`emails.value eq "${value}"`)}`);
  assert.equal((await byMail(user.userName)).body.totalResults, 1);
  assert.equal((await byMail(REFUSED)).body.totalResults, 0);
  const detail = await shown(bridge, user.id);
  assert.deepEqual(detail.conditions, ['dead-letter']);
  assert.deepEqual(
    detail.deadLetters.map(({ facts }) => facts.includes('email')),
    [true],
  );
  assert.match(detail.deadLetters[0]?.reason ?? '', /emails\.value/);
  const mail = detail.differences.find(({ fact }) => fact === 'email');
  assert.deepEqual(mail, { fact: 'email', asked: REFUSED, known: user.userName, zitadel: user.userName });
});

test('no other refusal keeps a leaver active: phone, a step that is not permitted, a value the bridge refuses itself', async () => {
  const wishes: readonly (readonly [status: number, over: object])[] = [
    [400, { phoneNumbers: PHONE }],
    [400, { emails: [{ value: 'no address' }] }],
    [400, { emails: leaving.emails, phoneNumbers: PHONE }],
  ];
  for (const [status, over] of wishes) {
    const user = await create();
    const { detail } = await answered(status, put(user, { active: false, ...over }));
    const { state, username } = await inZitadel(sandbox, user.id);
    assert.deepEqual([state, username], ['USER_STATE_INACTIVE', user.userName], detail);
    assert.match(detail, /deactivated all the same/);
    assert.equal((await get(user.id)).active, false);
  }
  const user = await create();
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'SetUserMetadata' });
  await answered(200, put(user, { active: false, title: 'Countess' }));
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
  assert.deepEqual((await shown(bridge, user.id)).conditions, ['pending', 'blocked']);
  await sandbox.faults();
  await operate(bridge, 'queue retry', { id: user.id });
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
});

for (const [when, fault] of [
  ['while all is well', []],
  ['in an outage', [{ mode: 'down' }]],
] as const)
  test(`a userName that another user has keeps no leaver active (${when})`, async () => {
    const [user, taken] = [await create(), await create()];
    await sandbox.faults(...fault);
    const { detail } = await answered(409, put(user, { active: false, userName: taken.userName.toUpperCase() }));
    assert.match(detail, /deactivated all the same/);
    assert.equal((await get(user.id)).active, false);
    await sandbox.faults();
    await settled(bridge);
    const { state, username } = await inZitadel(sandbox, user.id);
    assert.deepEqual([state, username], ['USER_STATE_INACTIVE', user.userName]);
  });

test('a delete goes through whatever waits for the user: dead letters, blocked steps, refused values', async () => {
  const user = await create();
  await sandbox.faults({ mode: 'down' });
  await answered(200, put(user, leaving));
  await sandbox.faults();
  await settled(bridge);
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'SetUserMetadata' });
  const titled = patch({ op: 'replace', path: 'title', value: 'Countess' });
  await answered(200, bridge.scim('PATCH', `/Users/${user.id}`, titled));
  assert.deepEqual((await shown(bridge, user.id)).conditions.toSorted(), ['blocked', 'dead-letter', 'pending']);
  await answered(204, bridge.scim('DELETE', `/Users/${user.id}`));
  assert.equal((await bridge.scim('GET', `/Users/${user.id}`)).status, 404);
  const gone = (await sandbox.get(`/sandbox/users/${user.id}`)) as { readonly error?: string };
  assert.ok(gone.error !== undefined);
  for (const kind of ['dead-letter', 'pending', 'blocked'])
    assert.ok(!(await queue(bridge, kind)).some(({ id }) => id === user.id));
});

test('a refused e-mail that is mended by a newer request: the dead letter is overtaken', async () => {
  const user = await create();
  await sandbox.faults({ mode: 'down' });
  await answered(200, put(user, { emails: leaving.emails }));
  await sandbox.faults();
  await settled(bridge);
  const mended = [{ value: `new-${user.userName}`, type: 'work', primary: true }];
  const replaced = patch({ op: 'replace', path: 'emails', value: mended });
  await answered(200, bridge.scim('PATCH', `/Users/${user.id}`, replaced));
  await assert.rejects(operate(bridge, 'queue retry', { id: user.id }), /nothing to retry/);
  assert.deepEqual((await get(user.id)).emails, mended);
  assert.equal((await inZitadel(sandbox, user.id)).human.email.email, `new-${user.userName}`);
});

test('three requests for one user at once, one of them refused: each is answered for itself', async () => {
  const user = await create();
  await sandbox.faults({ mode: 'slow', ms: 50, times: 1 });
  const change = (path: string, value: unknown): Promise<Answer> =>
    bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path, value }));
  const answers = await Promise.all([
    change('title', 'Countess'),
    change('emails', leaving.emails),
    change('name.givenName', 'Augusta'),
    change('active', false),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400, 200, 200],
  );
  const there = await inZitadel(sandbox, user.id);
  assert.deepEqual(
    [there.state, there.human.profile.givenName, there.human.email.email],
    ['USER_STATE_INACTIVE', 'Augusta', user.userName],
  );
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  await settled(bridge);
});
