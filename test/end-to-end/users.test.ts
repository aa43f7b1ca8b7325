import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ENTERPRISE_URN, USER_URN } from '../../src/mapping/schema.ts';
import { type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, atZitadel, human, inZitadel, patch, writes } from './people.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

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
beforeEach(() => sandbox.faults());

async function create(over: object = {}): Promise<Json> {
  const { status, body } = await bridge.scim('POST', '/Users', ada(over));
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

test('a user appears in ZITADEL by one call and reads back as sent', async () => {
  await sandbox.reset();
  const made = await create();
  assert.deepEqual(await writes(sandbox), { CreateUser: 1 });
  const user = await inZitadel(sandbox, made.id);
  assert.equal(user.username, made.userName);
  assert.equal(user.human.email.email, made.userName);
  assert.equal(user.human.email.isVerified, true);
  const read = await bridge.scim('GET', `/Users/${made.id}`);
  assert.deepEqual(read.body, made);
  assert.equal(read.headers.get('location'), made.meta.location);
  assert.equal(read.headers.get('etag'), made.meta.version);
});

test('every attribute makes the round trip, types, display and primary included', async () => {
  const plural = (value: string): object[] => [
    { value, display: 'first', type: 'work', primary: true },
    { value: `${value}2`, type: 'home' },
  ];
  const sent = ada({
    externalId: '00u1',
    name: {
      formatted: 'Ms. Ada K Lovelace III',
      familyName: 'Lovelace',
      givenName: 'Ada',
      middleName: 'K',
      honorificPrefix: 'Ms.',
      honorificSuffix: 'III',
    },
    nickName: 'Ace',
    profileUrl: 'https://example.com/ada',
    title: 'Countess',
    userType: 'Contractor',
    preferredLanguage: 'en_US',
    locale: 'en-GB',
    timezone: 'Europe/London',
    phoneNumbers: [
      { value: '+41 79 123 45 67', type: 'mobile', primary: true },
      { value: '020 7946 0000', type: 'work' },
    ],
    ims: plural('ada'),
    photos: plural('https://example.com/ada.png'),
    addresses: [
      {
        formatted: '1 St James\nLondon',
        streetAddress: '1 St James',
        locality: 'London',
        region: 'LND',
        postalCode: 'SW1Y',
        country: 'GB',
        type: 'work',
        primary: true,
      },
    ],
    entitlements: plural('e'),
    roles: plural('r'),
    x509Certificates: [{ value: 'MIIB', type: 'x' }],
    [ENTERPRISE_URN]: {
      employeeNumber: '1',
      costCenter: 'c',
      organization: 'o',
      division: 'd',
      department: 'dep',
      manager: { value: 'm1', $ref: '../Users/m1', displayName: 'Boss' },
    },
  });
  sent['schemas'] = [USER_URN, ENTERPRISE_URN];
  const { status, body } = await bridge.scim('POST', '/Users', sent);
  assert.equal(status, 201, JSON.stringify(body));
  const { id: _id, meta: _meta, ...rest } = body;
  assert.deepEqual(rest, sent);
  const { id } = body;
  const second = await startBridge(sandbox); // a bridge that has nothing but ZITADEL to read from
  const { id: _again, meta: _fresh, ...rebuilt } = (await second.scim('GET', `/Users/${id}`)).body;
  await second.stop();
  assert.deepEqual(rebuilt, sent);
});

test('only what is needed is called', async () => {
  const user = await create();
  await sandbox.reset();
  await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { active: false } }));
  // who must not be locked out may be read again first: administrators that were read a second ago are not sure enough
  const { ListAdministrators: _list, GetMyUser: _own, ...calls } = await sandbox.calls();
  assert.deepEqual(calls, { DeactivateUser: 1 });
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');

  await sandbox.reset();
  const put = { ...user, active: false };
  assert.equal((await bridge.scim('PUT', `/Users/${user.id}`, put)).status, 200);
  assert.deepEqual(await writes(sandbox), {});

  await sandbox.reset();
  await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'add', path: 'title', value: 'Countess' }));
  assert.deepEqual(await sandbox.calls(), { SetUserMetadata: 1 });

  await sandbox.reset();
  const leaver = await create({ active: false });
  assert.deepEqual(await writes(sandbox), { CreateUser: 1, DeactivateUser: 1 });
  assert.equal(leaver.active, false);
});

test('lastModified and ETag move only when something changed', async () => {
  const user = await create({ title: 'Countess' });
  const same = await bridge.scim(
    'PATCH',
    `/Users/${user.id}`,
    patch({ op: 'replace', path: 'title', value: 'Countess' }),
  );
  assert.deepEqual(same.body.meta, user.meta);
  const other = await bridge.scim(
    'PATCH',
    `/Users/${user.id}`,
    patch({ op: 'replace', path: 'title', value: 'Duchess' }),
  );
  assert.notEqual(other.body.meta.version, user.meta.version);
  assert.ok(other.body.meta.lastModified > user.meta.lastModified);
});

test('If-Match and If-None-Match (RFC 7644 §3.14)', async () => {
  const user = await create();
  const change = patch({ op: 'replace', path: 'title', value: 'x' });
  assert.equal((await bridge.scim('PATCH', `/Users/${user.id}`, change, { 'if-match': 'W/"old"' })).status, 412);
  assert.equal((await bridge.scim('DELETE', `/Users/${user.id}`, undefined, { 'if-match': 'W/"old"' })).status, 412);
  assert.equal(
    (await bridge.scim('PATCH', `/Users/${user.id}`, change, { 'if-match': user.meta.version })).status,
    200,
  );
  const now = (await bridge.scim('GET', `/Users/${user.id}`)).body.meta.version;
  assert.equal((await bridge.scim('GET', `/Users/${user.id}`, undefined, { 'if-none-match': now })).status, 304);
});

test('a taken userName is 409 uniqueness, in any case, also when only ZITADEL knows or it is in another organization', async () => {
  const user = await create();
  const clash = async (userName: string): Promise<void> => {
    const { status, body } = await bridge.scim('POST', '/Users', ada({ userName, title: 'another' }));
    assert.equal(status, 409);
    assert.equal(body.scimType, 'uniqueness');
    assert.match(body.detail, /userName/);
  };
  await clash(user.userName);
  await clash(user.userName.toUpperCase());
  await atZitadel(sandbox, 'CreateUser', human('console-made', sandbox.seeds.organizations.a));
  await clash('Console-Made');
  await atZitadel(sandbox, 'CreateUser', human('of-another', sandbox.seeds.organizations.b));
  await clash('of-another');
  const other = await create();
  const renamed = await bridge.scim(
    'PATCH',
    `/Users/${other.id}`,
    patch({ op: 'replace', path: 'userName', value: user.userName }),
  );
  assert.equal(renamed.status, 409);
});

test('a user made in the console is found by userName, by e-mail and by id', async () => {
  const { id } = await atZitadel(sandbox, 'CreateUser', human('by-hand', sandbox.seeds.organizations.a));
  const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "BY-HAND"')}`);
  assert.equal(body.totalResults, 1);
  assert.equal(body.Resources[0].id, id);
  assert.equal((await bridge.scim('GET', `/Users/${id}`)).body.userName, 'by-hand');
  const other = await atZitadel(sandbox, 'CreateUser', human('by-id', sandbox.seeds.organizations.a));
  assert.equal((await bridge.scim('GET', `/Users/${other.id}`)).body.userName, 'by-id');
});

test('of two simultaneous creates of one userName one is 201, the other 409', async () => {
  const one = ada();
  const answers = await Promise.all([
    bridge.scim('POST', '/Users', one),
    bridge.scim('POST', '/Users', { ...one, title: 'other' }),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((one, two) => one - two),
    [201, 409],
  );
});

test('a refused first create leaves the name to the second', async () => {
  const one = ada();
  await sandbox.reset();
  await sandbox.faults({ mode: 'slow', ms: 200, method: 'CreateUser' });
  const refused = bridge.scim('POST', '/Users', { ...one, emails: [{ value: 'ädä@exämple..com', primary: true }] });
  await until(async () => (await sandbox.calls())['CreateUser'] !== undefined);
  const second = bridge.scim('POST', '/Users', one);
  const [first, made] = await Promise.all([refused, second]);
  assert.equal(first.status, 400);
  assert.match(first.body.detail, /e-?mail/i);
  assert.equal(made.status, 201, JSON.stringify(made.body));
});

test('DELETE then POST of the same userName works at once', async () => {
  for (let round = 0; round < 3; round += 1) {
    const user = await create({ userName: 'phoenix@example.com' });
    assert.equal((await bridge.scim('DELETE', `/Users/${user.id}`)).status, 204);
    assert.equal((await bridge.scim('GET', `/Users/${user.id}`)).status, 404);
    assert.equal((await bridge.scim('DELETE', `/Users/${user.id}`)).status, 404);
  }
});

test('a locked user counts as active and is never unlocked; deactivated and activated again it is locked again', async () => {
  const user = await create();
  await atZitadel(sandbox, 'LockUser', { userId: user.id });
  const again = await startBridge(sandbox);
  const set = (active: boolean): Promise<Json> =>
    again.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: active }));
  const state = async (): Promise<string> => (await inZitadel(sandbox, user.id)).state;
  assert.equal((await again.scim('GET', `/Users/${user.id}`)).body.active, true);
  assert.equal((await set(true)).status, 200);
  assert.equal(await state(), 'USER_STATE_LOCKED');
  assert.equal((await set(false)).body.active, false);
  assert.equal(await state(), 'USER_STATE_INACTIVE');
  assert.equal((await set(true)).body.active, true);
  assert.equal(await state(), 'USER_STATE_LOCKED');
  await again.stop();
});

test('a user that was never activated is locked instead of deactivated, and reads as inactive', async () => {
  const user = await create();
  await sandbox.post(`/sandbox/users/${user.id}/state`, { state: 'initial' });
  const again = await startBridge(sandbox);
  const off = await again.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: 'False' }));
  assert.equal(off.status, 200, JSON.stringify(off.body));
  assert.equal(off.body.active, false);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_LOCKED');
  const third = await startBridge(sandbox);
  assert.equal((await third.scim('GET', `/Users/${user.id}`)).body.active, false);
  assert.equal(
    (await third.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: true }))).body.active,
    true,
  );
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_ACTIVE');
  await again.stop();
  await third.stop();
});

test('an initial user that the view still takes for active is found out', async () => {
  const user = await create();
  await sandbox.post(`/sandbox/users/${user.id}/state`, { state: 'initial' });
  const off = await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: false }));
  assert.equal(off.status, 200, JSON.stringify(off.body));
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_LOCKED');
});

test('clearing: null, "" and [] take attributes away, a nickname too', async () => {
  const user = await create({
    nickName: 'Ace',
    title: 'Countess',
    phoneNumbers: [{ value: '+41791234567', primary: true }],
    preferredLanguage: 'de',
  });
  const { body } = await bridge.scim(
    'PATCH',
    `/Users/${user.id}`,
    patch(
      { op: 'replace', value: { nickName: '', title: null, phoneNumbers: [] } },
      { op: 'remove', path: 'preferredLanguage' },
    ),
  );
  for (const gone of ['nickName', 'title', 'phoneNumbers', 'preferredLanguage'])
    assert.equal(body[gone], undefined, gone);
  const { human: now } = await inZitadel(sandbox, user.id);
  assert.equal(now.profile.nickName ?? '', '');
  assert.equal(now.phone?.phone ?? '', '');
  assert.equal(now.profile.givenName, 'Ada');
});

test('a PUT clears what is absent, but not active', async () => {
  const user = await create({ title: 'Countess', active: false });
  const { body } = await bridge.scim('PUT', `/Users/${user.id}`, { schemas: [USER_URN], userName: user.userName });
  assert.equal(body.active, false);
  assert.equal(body.title, undefined);
  assert.equal(body.displayName, undefined);
  assert.equal(body.emails, undefined);
});

test('a refused e-mail does not keep a leaver active', async () => {
  const user = await create();
  const { status, body } = await bridge.scim('PUT', `/Users/${user.id}`, {
    ...user,
    active: false,
    emails: [{ value: '"Ada" <a@b>', primary: true }],
  });
  assert.equal(status, 400);
  assert.match(body.detail, /deactivated all the same/);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
  const later = await create();
  const bad = await bridge.scim('PUT', `/Users/${later.id}`, {
    ...later,
    active: false,
    emails: [{ value: 'ädä@exämple..com', primary: true }],
  });
  assert.equal(bad.status, 400, JSON.stringify(bad.body));
  assert.equal((await inZitadel(sandbox, later.id)).state, 'USER_STATE_INACTIVE');
});

test('two PATCHes adding different e-mails to one user at once: both are there', async () => {
  const user = await create();
  const add = (value: string): Promise<Json> =>
    bridge.scim(
      'PATCH',
      `/Users/${user.id}`,
      patch({ op: 'add', path: 'emails', value: [{ value, type: value.slice(0, 4) }] }),
    );
  const answers = await Promise.all([add('home@example.com'), add('othe@example.com')]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  const { body } = await bridge.scim('GET', `/Users/${user.id}`);
  assert.equal(body.emails.length, 3, JSON.stringify(body.emails));
});

test('deleted in ZITADEL: 404, and the name is free', async () => {
  const user = await create();
  await atZitadel(sandbox, 'DeleteUser', { userId: user.id });
  const patched = await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'title', value: 'x' }));
  assert.equal(patched.status, 404);
  assert.equal((await bridge.scim('POST', '/Users', ada({ userName: user.userName }))).status, 201);
});

test('the log says what happened without a word about whom', async () => {
  const user = await create({ title: 'Countess of Nowhere' });
  const text = bridge.lines.join('');
  assert.ok(text.includes(user.id));
  for (const secret of [user.userName, 'Lovelace', 'Countess', 'test-token']) assert.ok(!text.includes(secret), secret);
});

test('of simultaneous creates with the same content one is 201: its answer reached the client', async () => {
  for (let round = 0; round < 5; round += 1) {
    const one = ada();
    const answers = await Promise.all(Array.from({ length: 4 }, () => bridge.scim('POST', '/Users', one)));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409, 409, 409],
    );
  }
});

test('of simultaneous writes with one ETag one is carried out (RFC 7644 §3.14)', async () => {
  const user = await create();
  const writes = Array.from({ length: 6 }, (_, n) =>
    bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'title', value: `t${n}` }), {
      'if-match': user.meta.version,
    }),
  );
  const statuses = (await Promise.all(writes)).map(({ status }) => status);
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 412, 412, 412, 412, 412],
  );
});

test('a userName with blanks around it is echoed as sent and found with and without them', async () => {
  const user = await create({ userName: ' Blank@Example.com ' });
  assert.equal(user.userName, ' Blank@Example.com ');
  for (const name of [' Blank@Example.com ', 'blank@example.com']) {
    const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`);
    assert.equal(body.totalResults, 1, name);
  }
});

test('filters on schemas and meta.location', async () => {
  const user = await create({ [ENTERPRISE_URN]: { department: 'd' }, schemas: [USER_URN, ENTERPRISE_URN] });
  const total = async (filter: string): Promise<number> =>
    (await bridge.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults;
  assert.equal(await total(`meta.location eq "${user.meta.location}"`), 1);
  assert.ok((await total(`schemas eq "${ENTERPRISE_URN}"`)) >= 1);
});

test('an id that ZITADEL cannot have is 404, and matches nothing', async () => {
  const long = 'x'.repeat(201);
  for (const [method, body] of [
    ['GET', undefined],
    ['PUT', ada()],
    ['PATCH', patch({ op: 'replace', path: 'title', value: 'x' })],
    ['DELETE', undefined],
  ] as const)
    assert.equal((await bridge.scim(method, `/Users/${long}`, body)).status, 404, method);
  for (const id of ['', long])
    assert.equal(
      (await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`id eq "${id}"`)}`)).body.totalResults,
      0,
    );
});
