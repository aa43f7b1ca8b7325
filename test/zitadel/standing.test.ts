import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import type { Standing } from '../../src/bridge/ports/zitadel.ts';
import { createWorld, creation, until, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
const { seeds } = world.sandbox;
const { a } = seeds.organizations;
const manager = seeds.users['org-a-manager'] ?? '';
const credential = (token: string) => ({ kind: 'token', token }) as const;
const NAME = 'ListMyZitadelPermissions';
const asked = (): number => world.calls.filter((call) => call.startsWith(NAME)).length;

const token = (revoked: boolean) => world.control('tokens', { token: seeds.tokens.managerA, revoked });
const roles = (...given: string[]) => world.control('members', { userId: manager, organization: a, roles: given });

afterEach(async () => {
  await world.faults();
  await token(false);
  await roles('ORG_USER_MANAGER');
  world.calls.length = 0;
});

const barred = (standing: Standing, reason: RegExp): void => {
  assert.equal(standing.kind, 'barred', JSON.stringify(standing));
  assert.match(standing.kind === 'barred' ? standing.reason : '', reason);
};

test('able: asked once for many at once, and kept', async () => {
  const zitadel = world.zitadel();
  const all = await Promise.all(Array.from({ length: 20 }, () => zitadel.standing()));
  for (const each of [...all, await zitadel.standing()]) assert.deepEqual(each, { kind: 'able' });
  assert.equal(asked(), 1);
});

test('asked again when the answer is old', async () => {
  const zitadel = world.zitadel({ standingMs: 1 });
  await zitadel.standing();
  await roles('ORG_OWNER_VIEWER');
  await until(async () => (await zitadel.standing()).kind === 'barred');
});

test('the token is refused: what is kept is forgotten once a call was refused, and the reason says what to do', async () => {
  const zitadel = world.zitadel();
  assert.equal((await zitadel.standing()).kind, 'able');
  await token(true);
  assert.equal((await zitadel.run('x', creation('x'), yes)).kind, 'blocked');
  barred(await zitadel.standing(), /AUTH-7fs1e ZITADEL refused the token.*Give the bridge a new one/);
  assert.equal(asked(), 2);
  // another refusal says nothing new
  await zitadel.run('x', creation('x'), yes);
  await zitadel.standing();
  assert.equal(asked(), 2);
});

test('an answer that was under way when a call was refused is not believed', async () => {
  const zitadel = world.zitadel();
  await world.faults({ mode: 'slow', ms: 50, method: NAME });
  const early = zitadel.standing();
  await until(async () => ((await world.control('calls')) as Record<string, number>)[NAME] !== undefined);
  // looked up before: the role still counts for the call under way
  await world.faults();
  await token(true);
  assert.equal((await zitadel.read('x')).kind, 'blocked');
  const late = zitadel.standing();
  await early;
  barred(await late, /AUTH-7fs1e/);
  barred(await zitadel.standing(), /AUTH-7fs1e/);
});

test('rights that are gone are named', async () => {
  await roles('ORG_OWNER_VIEWER');
  barred(
    await world.zitadel().standing(),
    new RegExp(`lacks user\\.write in organization ${a}: give it the role ORG_USER_MANAGER`),
  );
  await roles();
  barred(await world.zitadel().standing(), new RegExp(`has no role in organization ${a}: give it`));
  await roles('ORG_SETTINGS_MANAGER');
  barred(await world.zitadel().standing(), /lacks user\.read, user\.write in/);
});

test('an organization that nobody knows, a host name that nobody knows', async () => {
  barred(await world.zitadel({ organization: '999' }).standing(), /AUTH-Bs7Ds .*check ZITADEL_ORG_ID/);
  const one = await createWorld({ externalDomain: 'auth.example.test' });
  barred(await one.zitadel().standing(), /NOT_FOUND .*ZITADEL_URL must be its external domain/);
  const client = { kind: 'client', ...seeds.client } as const;
  barred(await one.zitadel({ credential: client }).standing(), /NOT_FOUND .*ZITADEL_URL must be its external domain/);
  await one.close();
});

test('a credential that gets no token', async () => {
  const client = { kind: 'client', id: seeds.client.id, secret: 'wrong' } as const;
  barred(await world.zitadel({ credential: client }).standing(), /refused the token: .*invalid_client/);
});

test('an outage says nothing about the token, and is not kept', async () => {
  const zitadel = world.zitadel();
  await world.faults({ mode: 'error', code: 'INTERNAL', method: NAME });
  const standing = await zitadel.standing();
  assert.deepEqual([standing.kind, 'cause' in standing && standing.cause], ['retry', 'answer']);
  await world.faults();
  assert.deepEqual(await zitadel.standing(), { kind: 'able' });
});

test('each tenant has its own', async () => {
  await roles('ORG_OWNER_VIEWER');
  const owner = world.zitadel({ credential: credential(seeds.tokens.ownerA) });
  assert.deepEqual(await owner.standing(), { kind: 'able' });
  assert.equal((await world.zitadel().standing()).kind, 'barred');
});
