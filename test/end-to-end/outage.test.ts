import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, applied, inZitadel, metadata, named, patch } from './people.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// WHEN_DOWN=accept, the default: the client does not notice that ZITADEL is away.
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

const away = (): Promise<void> => sandbox.faults({ mode: 'down' });

async function create(over: object = {}): Promise<Json> {
  const { status, body } = await bridge.scim('POST', '/Users', ada(over));
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

const get = (id: string): Promise<Answer> => bridge.scim('GET', `/Users/${id}`);
const filtered = async (filter: string): Promise<string[]> =>
  (await answered(200, bridge.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`))).Resources.map(
    (each: Json) => each.id,
  );
const titled = (value: string): object => patch({ op: 'replace', path: 'title', value });

test('every request is answered as ever, and all of it arrives, once', async () => {
  const [put, patched, leaver, gone] = [
    await create({ title: 'Miss' }),
    await create(),
    await create(),
    await create(),
  ];
  const from = (await sandbox.log()).length;
  await away();

  const wish = ada({ externalId: '00u7' });
  const posted = await bridge.scim('POST', '/Users', wish);
  const made = await answered(201, Promise.resolve(posted));
  assert.equal(posted.headers.get('location'), made.meta.location);
  const { id: _id, meta: _meta, ...rest } = made;
  assert.deepEqual(rest, wish);
  assert.deepEqual(await answered(200, get(made.id)), made);

  const { title: _title, ...untitled } = put;
  const cleared = await answered(
    200,
    bridge.scim('PUT', `/Users/${put.id}`, { ...untitled, name: { givenName: 'Augusta', familyName: 'King' } }),
  );
  assert.deepEqual([cleared.title, cleared.name.givenName], [undefined, 'Augusta']);
  assert.deepEqual(await answered(200, get(put.id)), cleared);
  assert.equal(
    (await answered(200, bridge.scim('PATCH', `/Users/${patched.id}`, titled('Countess')))).title,
    'Countess',
  );
  const inactive = patch({ op: 'replace', path: 'active', value: false });
  assert.equal((await answered(200, bridge.scim('PATCH', `/Users/${leaver.id}`, inactive))).active, false);
  await answered(204, bridge.scim('DELETE', `/Users/${gone.id}`));
  await answered(404, get(gone.id));
  await answered(404, bridge.scim('PATCH', `/Users/${gone.id}`, titled('nobody')));

  assert.deepEqual(await filtered(`userName eq "${made.userName.toUpperCase()}"`), [made.id]);
  assert.deepEqual(await filtered(`emails.value eq "${made.userName}"`), [made.id]);
  assert.deepEqual(await filtered('externalId eq "00u7"'), [made.id]);
  assert.deepEqual(await filtered(`userName eq "${gone.userName}"`), []);
  assert.deepEqual(await filtered('active eq false'), [leaver.id]);
  assert.deepEqual(await filtered('userName eq "nobody"'), []);
  const { totalResults, Resources: listed } = await answered(200, bridge.scim('GET', '/Users'));
  assert.equal(totalResults, 4);
  assert.deepEqual(
    listed.map((each: Json) => each.id),
    [put.id, patched.id, leaver.id, made.id],
  );

  await sandbox.faults();
  await settled(bridge);
  const [there] = await named(sandbox, wish['userName']);
  assert.equal(there.userId, made.id);
  assert.equal((await metadata(sandbox, made.id))['externalId'], '00u7');
  assert.equal((await inZitadel(sandbox, put.id)).human.profile.givenName, 'Augusta');
  assert.equal((await metadata(sandbox, put.id))['title'], undefined);
  assert.equal((await metadata(sandbox, patched.id))['title'], 'Countess');
  assert.equal((await inZitadel(sandbox, leaver.id)).state, 'USER_STATE_INACTIVE');
  assert.deepEqual(await named(sandbox, gone.userName), []);
  assert.deepEqual(await applied(sandbox, made.id, from), ['CreateUser']);
  assert.deepEqual((await applied(sandbox, put.id, from)).toSorted(), ['DeleteUserMetadata', 'UpdateUser']);
  assert.deepEqual(await applied(sandbox, patched.id, from), ['SetUserMetadata']);
  assert.deepEqual(await applied(sandbox, leaver.id, from), ['DeactivateUser']);
  assert.deepEqual(await applied(sandbox, gone.id, from), ['DeleteUser']);
  assert.deepEqual(await answered(200, get(made.id)), made);
  assert.deepEqual(await answered(200, get(put.id)), cleared);
});

test('changes on top of a create, and a delete of it, are merged: ZITADEL sees what is left', async () => {
  await away();
  const [kept, dropped] = [await create(), await create()];
  await answered(200, bridge.scim('PATCH', `/Users/${kept.id}`, titled('Miss')));
  await answered(200, bridge.scim('PATCH', `/Users/${kept.id}`, titled('Countess')));
  await answered(200, bridge.scim('PUT', `/Users/${kept.id}`, { ...kept, title: 'Countess', active: false }));
  await answered(204, bridge.scim('DELETE', `/Users/${dropped.id}`));
  await answered(404, get(dropped.id));
  await sandbox.faults();
  await settled(bridge);
  assert.equal((await inZitadel(sandbox, kept.id)).state, 'USER_STATE_INACTIVE');
  assert.equal((await metadata(sandbox, kept.id))['title'], 'Countess');
  assert.deepEqual(await applied(sandbox, kept.id), ['CreateUser', 'DeactivateUser']);
  assert.deepEqual(await applied(sandbox, dropped.id), []);
  assert.deepEqual(await named(sandbox, dropped.userName), []);
});

test('a POST repeated in an outage is 409 once it was answered, and makes no twin', async () => {
  await away();
  const wish = ada();
  const made = await answered(201, bridge.scim('POST', '/Users', wish));
  await answered(409, bridge.scim('POST', '/Users', { ...wish, title: 'another' }));
  await sandbox.faults();
  await settled(bridge);
  assert.deepEqual(
    (await named(sandbox, wish['userName'])).map((each) => each.userId),
    [made.id],
  );
});

test('more than MAX_PENDING users owe something: 503 with Retry-After for another one, those that owe already go on', async (t) => {
  const small = await startBridge(sandbox, {
    env: { MAX_PENDING: '2' },
    timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 },
  });
  t.after(() => small.stop());
  const people: Json[] = [];
  for (let n = 0; n < 3; n += 1) people.push(await answered(201, small.scim('POST', '/Users', ada())));
  const [one, two, three] = people;
  await away();
  await answered(200, small.scim('PATCH', `/Users/${one.id}`, titled('1')));
  await answered(200, small.scim('PATCH', `/Users/${two.id}`, titled('2')));
  for (const asked of [
    small.scim('PATCH', `/Users/${three.id}`, titled('3')),
    small.scim('DELETE', `/Users/${three.id}`),
    small.scim('POST', '/Users', ada()),
  ]) {
    const { status, headers } = await asked;
    assert.equal(status, 503);
    assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  }
  assert.equal((await small.scim('GET', `/Users/${three.id}`)).body.title, undefined);
  await answered(200, small.scim('PATCH', `/Users/${one.id}`, titled('one')));
  await answered(204, small.scim('DELETE', `/Users/${two.id}`));
  assert.equal((await queue(small, 'pending')).length, 2);
  await sandbox.faults();
  await settled(small);
  assert.equal((await metadata(sandbox, one.id))['title'], 'one');
  assert.deepEqual(await named(sandbox, two.userName), []);
  assert.equal((await metadata(sandbox, three.id))['title'], undefined);
  await answered(200, small.scim('PATCH', `/Users/${three.id}`, titled('3')));
});

test('one line for each request and one for each delivery, joined by the transaction; no personal data in any', async () => {
  const lines = bridge.lines.map((line) => JSON.parse(line));
  const requests = lines.filter(({ kind }) => kind === 'request');
  const deliveries = lines.filter(({ kind }) => kind === 'delivery');
  const txns = requests.map(({ txn }) => txn);
  assert.equal(new Set(txns).size, txns.length);
  const writes = requests.filter(({ method, status }) => method !== 'GET' && status < 300);
  assert.ok(writes.length > 10);
  // a delivery for several requests names the others in txns
  const joined = deliveries.flatMap(({ txn, txns: others = [] }) => [txn, ...others]);
  const delivered = new Set(joined);
  assert.deepEqual(
    writes.filter(({ txn }) => !delivered.has(txn)).map(({ method, route, id }) => ({ method, route, id })),
    [],
  );
  const own = new Set(txns);
  assert.ok(joined.every((txn) => own.has(txn)));
  // every userName of these tests is an address
  assert.deepEqual(
    bridge.lines.filter((line) => /@|Lovelace|Augusta|King|Countess|00u7/.test(line)),
    [],
  );
});
