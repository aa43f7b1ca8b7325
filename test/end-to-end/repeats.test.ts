import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import type { Timing } from '../../src/bridge/timing.ts';
import { type RunningBridge, startBridge, TOKEN } from './bridge.ts';
import { ada, applied, atZitadel, human, metadata, named, patch } from './people.ts';
import { type BridgeProcess, startProcess } from './process.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { isOnRedis } from './store.ts';
import { until } from './until.ts';

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { timing: { backoffFirstMs: 20, backoffMaxMs: 100 } });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});
beforeEach(() => sandbox.faults());

/** Starts processes on one DATA_DIR; what still runs at the end of the test is killed. */
async function processes(
  t: TestContext,
): Promise<(at: SandboxProcess | undefined, timing?: Partial<Timing>) => Promise<BridgeProcess>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const started: BridgeProcess[] = [];
  t.after(async () => {
    for (const each of started) await each.kill();
    await rm(dataDir, { recursive: true });
  });
  return async (at, timing) => {
    const made = await startProcess(at, dataDir, {}, timing);
    started.push(made);
    return made;
  };
}

/** Sends a POST and hangs up once ZITADEL has been asked, before the answer. */
async function hangUp(user: object): Promise<void> {
  const { hostname, port } = new URL(bridge.base);
  const body = JSON.stringify(user);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /scim/v2/Users HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/scim+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await until(async () => (await sandbox.calls())['CreateUser'] !== undefined);
  socket.destroy();
}

test('a POST repeated because the answer never reached the client is 201 with the same resource, once', async () => {
  const user = ada();
  await sandbox.reset();
  await sandbox.faults({ mode: 'slow', ms: 100, method: 'CreateUser' });
  await hangUp(user);
  const again = await bridge.scim('POST', '/Users', user);
  assert.equal(again.status, 201, JSON.stringify(again.body));
  assert.equal((await named(sandbox, user['userName'])).length, 1);
  assert.equal((await named(sandbox, user['userName']))[0].userId, again.body.id);
  await until(async () => (await bridge.scim('POST', '/Users', user)).status === 409);
});

test('any other repeat is 409', async () => {
  const user = ada();
  assert.equal((await bridge.scim('POST', '/Users', user)).status, 201);
  await until(async () => (await bridge.scim('POST', '/Users', user)).status === 409);
  await sandbox.reset();
  const hung = ada();
  await hangUp(hung);
  assert.equal((await bridge.scim('POST', '/Users', { ...hung, title: 'other content' })).status, 409);
});

test('killed after ZITADEL applied the create and before the answer: the repeat is 201, no twin', async (t) => {
  const start = await processes(t);
  const first = await start(sandbox);
  const user = ada();
  await sandbox.reset();
  await sandbox.faults({ mode: 'error', hang: true, hangMs: 50, method: 'CreateUser' });
  const lost = first.scim('POST', '/Users', user).then(
    () => 'answered',
    () => 'lost',
  );
  await until(async () => (await named(sandbox, user['userName'])).length === 1);
  await first.kill();
  assert.equal(await lost, 'lost');
  await sandbox.faults();
  const second = await start(sandbox);
  const again = await second.scim('POST', '/Users', user);
  assert.equal(again.status, 201, JSON.stringify(again.body));
  assert.deepEqual(
    (await named(sandbox, user['userName'])).map((each) => each.userId),
    [again.body.id],
  );
});

test('killed while ZITADEL does not answer: the start delivers what was durable', async (t) => {
  const start = await processes(t);
  // on Redis the lease of one that was killed lasts
  const first = await start(sandbox, isOnRedis ? { leaseMs: 2_000 } : undefined);
  const { body: user } = await first.scim('POST', '/Users', ada());
  await sandbox.faults({ mode: 'error', hang: true, method: 'SetUserMetadata' });
  await sandbox.reset();
  const lost = first
    .scim('PATCH', `/Users/${user.id}`, patch({ op: 'add', path: 'title', value: 'Countess' }))
    .catch(() => 'lost');
  await until(async () => (await sandbox.calls())['SetUserMetadata'] !== undefined);
  await first.kill();
  assert.equal(await lost, 'lost');
  await sandbox.faults();
  const second = await start(sandbox);
  await until(async () => (await second.scim('GET', `/Users/${user.id}`)).body.title === 'Countess');
  await settled(second);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  assert.equal(await second.kill('SIGTERM'), 0);
});

test('an answer of ZITADEL that is lost on the way: 201, settled in the background, no twin', async () => {
  const user = ada();
  await sandbox.faults({ mode: 'error', dropAfter: true, method: 'CreateUser', times: 1 });
  const first = await bridge.scim('POST', '/Users', user);
  assert.equal(first.status, 201, JSON.stringify(first.body));
  await settled(bridge);
  assert.deepEqual(
    (await named(sandbox, user['userName'])).map((each) => each.userId),
    [first.body.id],
  );
  await until(async () => (await bridge.scim('POST', '/Users', user)).status === 409);
  assert.deepEqual(await applied(sandbox, first.body.id), ['CreateUser']);
});

test('a second process on one DATA_DIR is refused with a clear line', async (t) => {
  const start = await processes(t);
  const first = await start(sandbox);
  await assert.rejects(start(sandbox), /in use|already|another process/);
  await first.kill();
  await start(sandbox);
});

test('a restart serves at once when a first sync was ever finished, and finds what was made meanwhile', async (t) => {
  const start = await processes(t);
  const first = await start(sandbox);
  const { body: user } = await first.scim('POST', '/Users', ada());
  await first.kill();
  const { id } = await atZitadel(sandbox, 'CreateUser', human('made-meanwhile', sandbox.seeds.organizations.a));
  const second = await start(sandbox);
  assert.equal((await second.scim('GET', `/Users/${user.id}`)).body.userName, user.userName);
  await until(async () =>
    (await second.scim('GET', '/Users?count=1000')).body.Resources.some((each: { id: string }) => each.id === id),
  );
});

test('npm start with nothing set keeps its sandbox over kill -9', async (t) => {
  const start = await processes(t);
  const first = await start(undefined);
  const { status, body: user } = await first.scim('POST', '/Users', ada());
  assert.equal(status, 201, JSON.stringify(user));
  await first.kill();
  const second = await start(undefined);
  const patched = await second.scim(
    'PATCH',
    `/Users/${user.id}`,
    patch({ op: 'add', path: 'title', value: 'Countess' }),
  );
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
  assert.match(second.output(), /curl -i http.*scim\/v2\/Users/);
});

test('ZITADEL hangs: nobody waits longer than ANSWER_WITHIN, reading goes on, and what was answered is delivered', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const started: RunningBridge[] = [];
  t.after(async () => {
    for (const each of started) await each.stop();
    await rm(dataDir, { recursive: true });
  });
  // its calls end long after this test: nothing but ANSWER_WITHIN lets these requests be answered
  const timing = { answerWithinMs: 300, viewMaxAgeMs: 0, readCallMs: 120_000, writeCallMs: 120_000, leaseMs: 130_000 };
  const hung = await startBridge(sandbox, { dataDir, timing });
  const { body: user } = await hung.scim('POST', '/Users', ada());
  await sandbox.faults({ mode: 'error', hang: true });
  const answers = await Promise.all([
    ...Array.from({ length: 12 }, () => hung.scim('GET', `/Users/${user.id}`)),
    hung.scim('PUT', `/Users/${user.id}`, { ...user, title: 'x' }),
    hung.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "nobody"')}`),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    Array.from({ length: 14 }, () => 200),
  );
  assert.equal((await hung.scim('GET', `/Users/${user.id}`)).body.title, 'x');
  await sandbox.faults();
  await hung.stop();
  const next = await startBridge(sandbox, { dataDir, timing });
  started.push(next);
  await settled(next);
  assert.equal((await metadata(sandbox, user.id))['title'], 'x');
});
