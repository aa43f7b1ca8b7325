import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { GROUP_URN } from '../../src/mapping/schema.ts';
import { ada, atZitadel, named, patch } from './people.ts';
import { operate, queue, settled, shown } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// Seen on a real ZITADEL: its projection passes a user by, GetUserByID and lists lose it for good while commands go on working.
let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, {
    timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50, viewMaxAgeMs: 1_000 },
  });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});
afterEach(() => sandbox.faults());

const post = (user: object): Promise<Answer> => bridge.scim('POST', '/Users', user);
const get = (id: string): Promise<Answer> => bridge.scim('GET', `/Users/${id}`);
const change = (id: string, ...operations: object[]): Promise<Answer> =>
  bridge.scim('PATCH', `/Users/${id}`, patch(...operations));
const replace = (path: string, value: unknown): object => ({ op: 'replace', path, value });
const listed = async (): Promise<string[]> =>
  (await bridge.scim('GET', '/Users?count=100')).body.Resources.map(({ id }: Json) => id);
const sync = (): Promise<unknown> => operate(bridge, 'sync');

/** What commands know, reads or not. */
const stored = async (id: string): Promise<Json> => sandbox.get(`/sandbox/users/${id}`);

async function standing(id: string): Promise<Json> {
  const { state, metadata } = await stored(id);
  return [state, metadata['urn:zitadel:scim:title']];
}

async function holdersOf(userName: string): Promise<string[]> {
  const text = await (await fetch(`${sandbox.url}/sandbox/users`)).text();
  const users = text.split('\n').flatMap((line): Json[] => (line === '' ? [] : [JSON.parse(line)]));
  return users.filter(({ username }) => username === userName).map(({ id }) => id);
}

async function gaugeOf(name: string): Promise<number> {
  const line = (await bridge.metrics()).split('\n').find((each) => each.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1));
}

async function doctorOn(check: string): Promise<string> {
  const { lines } = await operate(bridge, 'doctor');
  const at = lines.findIndex((line) => new RegExp(`\\b${check}\\b`).test(line));
  return lines.slice(at, at + 2).join('\n');
}

test('reads of ZITADEL lose a user: it is served, delivered to, named everywhere, and repaired', async () => {
  const group = await answered(201, bridge.scim('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Desk' }));
  // lost at once, by the very create
  await sandbox.faults({ mode: 'lose', method: 'CreateUser', times: 1 });
  const wish = ada({ userName: 'lost@example.test', title: 'Countess', active: true });
  const { id } = await answered(201, post(wish));
  await answered(200, change(id, replace('active', false)));
  assert.equal((await answered(200, get(id))).active, false);
  await sync();
  assert.equal((await answered(200, get(id))).title, 'Countess');
  assert.ok((await listed()).includes(id));

  // deliveries go on, whatever they need
  await answered(200, change(id, replace('title', 'Enchantress'), replace('nickName', 'Ada')));
  await answered(200, change(id, replace('active', true)));
  await answered(200, change(id, replace('active', false)));
  await answered(
    200,
    bridge.scim('PATCH', `/Groups/${group.id}`, patch({ op: 'add', path: 'members', value: [{ value: id }] })),
  );
  await answered(200, bridge.scim('PUT', `/Users/${id}`, { ...wish, title: 'Analyst', active: false }));
  assert.deepEqual(await standing(id), ['inactive', 'Analyst']);
  assert.deepEqual(
    (await answered(200, get(id))).groups.map(({ value }: Json) => value),
    [group.id],
  );
  const twice = await answered(409, post(wish));
  assert.equal(twice.scimType, 'uniqueness');

  // named
  const [entry] = await queue(bridge, 'hidden');
  assert.deepEqual([entry?.id, entry?.conditions], [id, ['hidden']]);
  assert.equal((await shown(bridge, id)).zitadel, 'hidden');
  assert.equal(await gaugeOf('scim_bridge_hidden_rows'), 1);
  assert.ok(bridge.lines.some((line) => line.includes('ZITADEL does not show users that its commands know')));
  assert.match(
    await doctorOn('hidden'),
    /1 row that ZITADEL's commands know and its reads do not show[\s\S]*user recreate/,
  );

  // repaired by the operator
  const { lines } = await operate(bridge, 'user recreate', { id });
  const [, made = ''] = /under the new id ([\w-]+):/.exec(lines.join(' ')) ?? [];
  await answered(404, get(id));
  const again = await answered(200, get(made));
  assert.deepEqual([again.userName, again.title, again.active], [wish['userName'], 'Analyst', false]);
  assert.deepEqual(
    again.groups.map(({ value }: Json) => value),
    [group.id],
  );
  assert.deepEqual(await standing(made), ['inactive', 'Analyst']);
  assert.deepEqual(
    (await named(sandbox, 'lost@example.test')).map(({ userId }) => userId),
    [made],
  );
  await assert.rejects(operate(bridge, 'user recreate', { id: made }), /is not hidden/);
  assert.deepEqual(await queue(bridge, 'hidden'), []);
  assert.equal(await gaugeOf('scim_bridge_hidden_rows'), 0);
});

test('in doubt and lost: what was sent is sent again, and settles; seen again, it is hidden no more', async () => {
  const wish = ada({ userName: 'doubt@example.test', title: 'a' });
  const put = (title: string): Promise<Answer> => bridge.scim('PUT', `/Users/${id}`, { ...wish, title });
  const { id } = await answered(201, post(wish));
  await sandbox.post(`/sandbox/users/${id}/lost`);
  // not even the reads that would say what became of it are answered
  await sandbox.faults(
    { method: 'SetUserMetadata', dropAfter: true, times: 1 },
    { mode: 'error', method: 'GetUserByID' },
  );
  await answered(200, put('b'));
  await answered(200, put('a'));
  assert.deepEqual(await standing(id), ['active', 'b']);
  await sandbox.faults();
  await settled(bridge);
  assert.deepEqual(await standing(id), ['active', 'a']);
  assert.deepEqual(
    (await queue(bridge, 'hidden')).map((each) => each.id),
    [id],
  );
  await sandbox.post(`/sandbox/users/${id}/lost`, { lost: false });
  await sync();
  assert.deepEqual(await queue(bridge, 'hidden'), []);
  assert.equal((await answered(200, get(id))).title, 'a');
});

test('a create that is never answered, and lost: made once, its changes are delivered', async () => {
  await sandbox.faults(
    { mode: 'lose', method: 'CreateUser', times: 1 },
    { method: 'CreateUser', dropAfter: true, times: 1 },
  );
  const { id } = await answered(201, post(ada({ userName: 'unsure@example.test' })));
  await answered(200, change(id, replace('active', false)));
  await settled(bridge);
  assert.equal((await stored(id)).state, 'inactive');
  assert.deepEqual(await holdersOf('unsure@example.test'), [id]);
  await answered(204, bridge.scim('DELETE', `/Users/${id}`));
  await answered(404, get(id));
  assert.deepEqual(await holdersOf('unsure@example.test'), []);
});

test('a create answered without content is not settled: it is read back', async () => {
  await sandbox.faults({ mode: 'empty', method: 'CreateUser', times: 1 });
  const { id } = await answered(201, post(ada({ userName: 'empty@example.test' })));
  await settled(bridge);
  assert.equal((await stored(id)).username, 'empty@example.test');
});

test('a user that somebody deleted in ZITADEL: what was answered of it is a dead letter', async () => {
  const { id } = await answered(201, post(ada({ userName: 'deleted@example.test' })));
  await sandbox.faults({ mode: 'error', code: 'UNAVAILABLE' });
  await answered(200, change(id, replace('title', 'late')));
  await answered(200, change(id, replace('active', false)));
  await sandbox.faults();
  await atZitadel(sandbox, 'DeleteUser', { userId: id });
  await settled(bridge);
  await answered(404, get(id));
  const { deadLetters: dead } = await shown(bridge, id);
  assert.ok(dead.every(({ reason }) => reason === 'deleted in ZITADEL'));
  assert.deepEqual(dead.flatMap(({ facts }) => facts).toSorted(), ['state', 'urn:zitadel:scim:title']);
  await operate(bridge, 'queue drop', { id });
});
