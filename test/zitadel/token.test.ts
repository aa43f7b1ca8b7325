import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTokens } from '../../src/zitadel/token.ts';
import { createWorld, creation, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
const { seeds, url } = world.sandbox;

const { id, secret } = seeds.client;
const CREDENTIALS = [
  { kind: 'token', token: seeds.tokens.managerA },
  { kind: 'client', id, secret },
  { kind: 'key', key: seeds.key },
] as const;

for (const credential of CREDENTIALS) {
  test(`credential ${credential.kind}: a call is let in`, async () => {
    const zitadel = world.zitadel({ credential });
    assert.deepEqual(await zitadel.run(`by-${credential.kind}`, creation(`by-${credential.kind}`), yes), {
      kind: 'done',
    });
  });
}

test('many calls at once make one fetch, and the token is kept', async () => {
  const tokens = createTokens(url, { kind: 'client', id, secret }, 1_000);
  const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => tokens.get()));
  assert.equal(first?.kind, 'token');
  for (const each of [...others, await tokens.get()]) assert.deepEqual(each, first);
});

test('a token is renewed early; while that fails the old one serves to its end', async (context) => {
  const hour = 3_600_000;
  const from = Date.now();
  context.mock.timers.enable({ apis: ['Date'], now: from });
  const tokens = createTokens(url, { kind: 'client', id, secret }, 1_000);
  const first = await tokens.get();
  context.mock.timers.setTime(from + 10 * hour);
  assert.deepEqual(await tokens.get(), first);
  context.mock.timers.setTime(from + 11 * hour);
  const second = await tokens.get();
  assert.notDeepEqual(second, first);
  context.mock.timers.setTime(from + 22.5 * hour);
  context.mock.method(globalThis, 'fetch', () => Promise.reject(new TypeError('fetch failed')));
  assert.deepEqual(await tokens.get(), second);
  context.mock.timers.setTime(from + 23.5 * hour);
  const ended = await tokens.get();
  assert.equal(ended.kind === 'failed' && ended.failure.fate, 'never');
});

test('a refused token is replaced by a fresh one', async () => {
  const tokens = createTokens(url, { kind: 'client', id, secret }, 1_000);
  const first = await tokens.get();
  assert.equal(first.kind === 'token' && tokens.refused(first.token), true);
  assert.notDeepEqual(await tokens.get(), first);
  assert.equal(createTokens(url, { kind: 'token', token: 'x' }, 1_000).refused('x'), false);
});

test('UNAUTHENTICATED: the call is made once more with a fresh token, and once only', async () => {
  const credential = { kind: 'client', id, secret } as const;
  const zitadel = world.zitadel({ credential });
  assert.equal((await zitadel.read('nobody')).kind, 'gone');
  const refusal = { mode: 'error', method: 'CreateUser', code: 'UNAUTHENTICATED', id: 'AUTH-7fs1e' } as const;
  await world.faults({ ...refusal, times: 1 });
  let asked = 0;
  const proceed = (): Promise<boolean> => {
    asked += 1;
    return Promise.resolve(true);
  };
  assert.deepEqual(await zitadel.run('again', creation('again'), proceed), { kind: 'done' });
  assert.equal(asked, 2, 'the lease is proved before every call');
  await world.faults(refusal);
  world.calls.length = 0;
  assert.equal((await zitadel.run('never', creation('never'), yes)).kind, 'blocked');
  assert.equal(world.calls.length, 2);
  await world.faults();
});

test('a wrong secret is blocked, and says so', async () => {
  const outcome = await world
    .zitadel({ credential: { kind: 'client', id, secret: 'wrong' } })
    .run('x', creation('x'), yes);
  assert.equal(outcome.kind, 'blocked');
  assert.match(outcome.kind === 'blocked' ? outcome.reason : '', /invalid_client/);
});

test('a key that is none is blocked, and says so', async () => {
  const key = { ...seeds.key, key: 'no PEM' };
  const outcome = await world.zitadel({ credential: { kind: 'key', key } }).read('x');
  assert.match(outcome.kind === 'blocked' ? outcome.reason : outcome.kind, /not a PEM private key/);
});

test('a personal access token that is wrong is blocked', async () => {
  const outcome = await world.zitadel({ credential: { kind: 'token', token: 'wrong' } }).read('x');
  assert.equal(outcome.kind, 'blocked');
});

test('no token endpoint: nothing was sent', async () => {
  const nowhere = createTokens('http://127.0.0.1:9', { kind: 'client', id, secret }, 1_000);
  const result = await nowhere.get();
  assert.deepEqual(result.kind === 'failed' && [result.failure.fate, result.failure.code], ['never', 'UNAVAILABLE']);
});
