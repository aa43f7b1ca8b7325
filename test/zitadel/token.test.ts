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

test('a personal access token that is wrong is blocked', async () => {
  const outcome = await world.zitadel({ credential: { kind: 'token', token: 'wrong' } }).read('x');
  assert.equal(outcome.kind, 'blocked');
});

test('no token endpoint: nothing was sent', async () => {
  const nowhere = createTokens('http://127.0.0.1:9', { kind: 'client', id, secret }, 1_000);
  const result = await nowhere.get();
  assert.deepEqual(result.kind === 'failed' && [result.failure.fate, result.failure.code], ['never', 'UNAVAILABLE']);
});
