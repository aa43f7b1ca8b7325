import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { Outcome } from '../../src/bridge/ports/zitadel.ts';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createWorld, creation, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
beforeEach(() => world.faults());

/** A tenth of a second for reads and writes in place of 5 and 15 s. */
const SHORT = { readMs: 100, writeMs: 100 };

type Retry = Extract<Outcome, { kind: 'retry' }>;

const retries = (outcome: Outcome | { kind: string }, definite: boolean, cause: Retry['cause']): void => {
  assert.equal(outcome.kind, 'retry', JSON.stringify(outcome));
  const retry = outcome as Retry;
  assert.deepEqual([retry.definite, retry.cause], [definite, cause], JSON.stringify(outcome));
};

test('an answer dropped after applying: retry, not definite, and the read finds it', async () => {
  const zitadel = world.zitadel();
  await world.faults({ method: 'CreateUser', dropAfter: true, times: 1 });
  retries(await zitadel.run('dropped', creation('dropped'), yes), false, 'away');
  assert.equal((await zitadel.read('dropped')).kind, 'found');
});

test('a create that was applied by an earlier try: replan, whichever way ZITADEL says it', async () => {
  const zitadel = world.zitadel();
  await world.faults({ method: 'CreateUser', dropAfter: true, times: 1 });
  retries(await zitadel.run('twice', creation('twice'), yes), false, 'away');
  assert.equal((await zitadel.run('twice', creation('twice'), yes)).kind, 'replan');
  await world.faults({
    mode: 'error',
    method: 'CreateUser',
    code: 'ALREADY_EXISTS',
    id: 'V3-DKcYh',
    message: 'User already exists',
  });
  assert.equal((await zitadel.run('twice', creation('twice'), yes)).kind, 'replan');
  assert.equal((await zitadel.run('other', creation('other'), yes)).kind, 'refused');
});

test('no answer: cut off after the deadline, not definite', async () => {
  await world.faults({ hang: true });
  const zitadel = world.zitadel({ limits: SHORT });
  const outcome = await zitadel.run('hangs', creation('hangs'), yes);
  retries(outcome, false, 'away');
  assert.match(outcome.kind === 'retry' ? outcome.reason : '', /no answer within 100 ms/);
  assert.equal((await zitadel.read('hangs')).kind, 'retry');
});

test('a proxy in front: its 502 and 503 are not definite, its 429 is', async () => {
  const zitadel = world.zitadel();
  for (const status of [500, 502, 503, 504]) {
    await world.faults({ mode: 'error', status, retryAfter: 3 });
    const outcome = await zitadel.run('proxied', creation('proxied'), yes);
    retries(outcome, false, status === 500 ? 'answer' : 'away');
    assert.equal(outcome.kind === 'retry' && outcome.retryAfter, 3);
  }
  await world.faults({ mode: 'error', status: 429, retryAfter: 2 });
  const limited = await zitadel.run('proxied', creation('proxied'), yes);
  retries(limited, true, 'limited');
  assert.equal(limited.kind === 'retry' && limited.retryAfter, 2);
  await world.faults({ mode: 'error', status: 404 });
  retries(await zitadel.read('proxied'), false, 'answer');
});

test('ZITADEL asks for fewer calls: definite, with Retry-After', async () => {
  await world.faults({ mode: 'error', code: 'RESOURCE_EXHAUSTED', retryAfter: 9 });
  const outcome = await world.zitadel().run('limited', creation('limited'), yes);
  retries(outcome, true, 'limited');
  assert.equal(outcome.kind === 'retry' && outcome.retryAfter, 9);
});

test('ZITADEL says that it cannot: an answer, of which nobody knows whether it was applied', async () => {
  for (const code of ['INTERNAL', 'UNKNOWN', 'UNAVAILABLE', 'DEADLINE_EXCEEDED']) {
    await world.faults({ mode: 'error', code, afterApply: true });
    retries(await world.zitadel().run(`fails-${code}`, creation(`fails-${code}`), yes), false, 'answer');
  }
});

test('the token endpoint: too many calls, away, an error of its own', async () => {
  const { id, secret } = world.sandbox.seeds.client;
  for (const [status, cause] of [
    [429, 'limited'],
    [503, 'away'],
    [500, 'answer'],
  ] as const) {
    await world.faults({ mode: 'error', method: 'token', status, retryAfter: 4 });
    const zitadel = world.zitadel({ credential: { kind: 'client', id, secret } });
    const outcome = await zitadel.run('untold', creation('untold'), yes);
    retries(outcome, true, cause);
    assert.equal(outcome.kind === 'retry' && outcome.retryAfter, 4);
  }
});

test('down: nothing was sent; up again: the next call goes through', async () => {
  const zitadel = world.zitadel();
  await world.faults({ mode: 'down' });
  const nowhere = createConnection({ url: 'http://127.0.0.1:9', maxInFlight: 1 });
  retries(await world.zitadel({ connection: nowhere }).run('down', creation('down'), yes), true, 'away');
  nowhere.close();
  assert.equal((await zitadel.run('down', creation('down'), yes)).kind, 'retry');
  assert.equal((await zitadel.read('down')).kind, 'retry');
  await assert.rejects(zitadel.metadata('down'), { name: 'BridgeError', status: 503 });
  await world.faults();
  assert.deepEqual(await zitadel.run('down', creation('down'), yes), { kind: 'done' });
});

test('an unknown name and TLS that is none: nothing was sent', async () => {
  for (const url of ['http://nowhere.invalid', world.sandbox.url.replace('http:', 'https:')]) {
    const connection = createConnection({ url, maxInFlight: 1 });
    retries(await world.zitadel({ connection }).run('lost', creation('lost'), yes), true, 'away');
    connection.close();
  }
});

test('metadata over one page is read whole', async () => {
  const zitadel = world.zitadel();
  await zitadel.run('rich', creation('rich'), yes);
  const keys = Array.from({ length: 1_001 }, (_, at) => [`urn:zitadel:scim:k${at}`, String(at)] as const);
  const set = Object.fromEntries(keys);
  assert.deepEqual(await zitadel.run('rich', { call: 'SetUserMetadata', set, names: [], after: set }, yes), {
    kind: 'done',
  });
  assert.deepEqual(await zitadel.metadata('rich'), set);
});

test('metadata that is not ours is not shown', async () => {
  const zitadel = world.zitadel();
  await zitadel.run('mixed', creation('mixed', { 'urn:zitadel:scim:title': 'T' }), yes);
  const { url, seeds } = world.sandbox;
  const response = await fetch(`${url}/zitadel.user.v2.UserService/SetUserMetadata`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seeds.tokens.managerA}`, 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'mixed', metadata: [{ key: 'theirs', value: 'eA==' }] }),
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await zitadel.metadata('mixed'), { 'urn:zitadel:scim:title': 'T' });
});

test('calls are counted by name and outcome', async () => {
  world.calls.length = 0;
  await world.zitadel().read('nobody');
  assert.deepEqual(world.calls.toSorted(), [
    'GetUserByID:QUERY-Dfbg2',
    'ListUserMetadata:ok',
    'UpdateUser:COMMAND-ugjs0upun6',
  ]);
  world.calls.length = 0;
  // nobody ever had this one: no command is asked
  await world.zitadel().read('stranger', true);
  assert.deepEqual(world.calls.toSorted(), ['GetUserByID:QUERY-Dfbg2', 'ListUserMetadata:ok']);
});
