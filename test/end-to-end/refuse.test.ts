import assert from 'node:assert/strict';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { type Answer, type BridgeOptions, type Client, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { createDoor, type Door } from './door.ts';
import { ada, applied, inZitadel, metadata, named, patch } from './people.ts';
import { operate, queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// WHEN_DOWN=refuse: the client repeats what was refused; what may have been applied is finished all the same.
let sandbox: SandboxProcess;
let door: Door;

before(async () => {
  sandbox = await startSandbox();
  door = await createDoor(sandbox);
});
after(async () => {
  await door.shut();
  await sandbox.stop();
});
beforeEach(() => sandbox.faults());

async function refusing(t: TestContext, { env = {}, timing = {} }: BridgeOptions = {}): Promise<RunningBridge> {
  const bridge = await startBridge(sandbox, {
    env: { WHEN_DOWN: 'refuse', ZITADEL_URL: door.url, ...env },
    timing: { backoffFirstMs: 20, backoffMaxMs: 100, probeMs: 50, ...timing },
  });
  t.after(() => bridge.stop());
  return bridge;
}

async function create(scim: Client): Promise<Json> {
  const { status, body } = await scim('POST', '/Users', ada());
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

function isRefused({ status, headers, body }: Answer): void {
  assert.equal(status, 503, JSON.stringify(body));
  assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
}

const deactivate = patch({ op: 'replace', path: 'active', value: false });
const titled = (value: string): object => patch({ op: 'replace', path: 'title', value });

test('nobody listens at ZITADEL: 503 with whole-second Retry-After, nothing is kept, and reading goes on', async (t) => {
  const bridge = await refusing(t);
  const user = await create(bridge.scim);
  const other = ada();
  await door.shut();
  isRefused(await bridge.scim('PATCH', `/Users/${user.id}`, deactivate));
  isRefused(await bridge.scim('PUT', `/Users/${user.id}`, { ...user, title: 'Countess' }));
  isRefused(await bridge.scim('DELETE', `/Users/${user.id}`));
  isRefused(await bridge.scim('POST', '/Users', other));
  const { body: seen } = await bridge.scim('GET', `/Users/${user.id}`);
  assert.deepEqual([seen.active, seen.title], [true, undefined]);
  assert.deepEqual(
    (await bridge.scim('GET', '/Users')).body.Resources.map((each: Json) => each.id),
    [user.id],
  );
  assert.deepEqual(await queue(bridge, 'pending'), []);
  await door.open();
  await until(async () => (await bridge.scim('PATCH', `/Users/${user.id}`, deactivate)).status === 200);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
  assert.equal((await metadata(sandbox, user.id))['title'], undefined);
  assert.equal((await bridge.scim('POST', '/Users', other)).status, 201);
  assert.equal((await named(sandbox, other['userName'])).length, 1);
});

test('a call whose answer is lost may have been applied: it is finished and answered 2xx', async (t) => {
  const bridge = await refusing(t);
  const user = await create(bridge.scim);
  await sandbox.faults({ mode: 'error', dropAfter: true, times: 2 });
  const made = await bridge.scim('POST', '/Users', ada());
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const patched = await bridge.scim('PATCH', `/Users/${user.id}`, titled('Countess'));
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
  await settled(bridge);
  assert.deepEqual(await applied(sandbox, made.body.id), ['CreateUser']);
  assert.equal((await named(sandbox, made.body.userName)).length, 1);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
});

test('the first of two steps was applied before ZITADEL went away: the second one is finished', async (t) => {
  const bridge = await refusing(t);
  const user = await create(bridge.scim);
  await sandbox.faults({
    mode: 'error',
    code: 'RESOURCE_EXHAUSTED',
    retryAfter: 1,
    method: 'SetUserMetadata',
    times: 1,
  });
  const both = patch({ op: 'replace', value: { active: false, title: 'Countess' } });
  assert.equal((await bridge.scim('PATCH', `/Users/${user.id}`, both)).status, 200);
  await settled(bridge);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
});

test('a 429 of ZITADEL hands its Retry-After on', async (t) => {
  const bridge = await refusing(t);
  const user = ada();
  await sandbox.faults({ mode: 'error', code: 'RESOURCE_EXHAUSTED', retryAfter: 7, method: 'CreateUser' });
  const answer = await bridge.scim('POST', '/Users', user);
  isRefused(answer);
  assert.equal(answer.headers.get('retry-after'), '7');
  assert.deepEqual(await queue(bridge, 'pending'), []);
  assert.deepEqual(await named(sandbox, user['userName']), []);
});

test('a token that ZITADEL refuses: the answer says that somebody has to mend it', async (t) => {
  const bridge = await refusing(t);
  const user = await create(bridge.scim);
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'SetUserMetadata' });
  const answer = await bridge.scim('PATCH', `/Users/${user.id}`, titled('Countess'));
  isRefused(answer);
  assert.match(answer.body.detail, /token or the roles/);
  assert.equal((await bridge.scim('GET', `/Users/${user.id}`)).body.title, undefined);
  await until(() => bridge.lines.some((line) => line.includes('"outcome":"blocked"') && line.includes('AUTH-AWfge')));
});

test('ZITADEL hangs: what was sent is finished and answered 2xx, what got no turn is 503 and never sent', async (t) => {
  const bridge = await refusing(t, {
    env: { ZITADEL_MAX_IN_FLIGHT: '1' },
    timing: { answerWithinMs: 300, readCallMs: 1_000, writeCallMs: 1_000, leaseMs: 2_000, horizonMs: 100 },
  });
  await operate(bridge, 'sync'); // from then on the slot is free for requests
  const [sent, waiting] = [await create(bridge.scim), await create(bridge.scim)];
  await sandbox.reset();
  await sandbox.faults({ mode: 'error', hang: true, times: 1 });
  const first = bridge.scim('PATCH', `/Users/${sent.id}`, titled('Countess'));
  await until(async () => (await sandbox.calls())['SetUserMetadata'] !== undefined);
  isRefused(await bridge.scim('PATCH', `/Users/${waiting.id}`, titled('Duchess')));
  assert.equal((await first).status, 200);
  await settled(bridge);
  assert.equal((await metadata(sandbox, sent.id))['title'], 'Countess');
  assert.equal((await metadata(sandbox, waiting.id))['title'], undefined);
  assert.equal((await bridge.scim('GET', `/Users/${waiting.id}`)).body.title, undefined);
});
