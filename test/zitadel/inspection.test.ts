import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createWorld, creation, type World, yes } from './world.ts';

/** ZITADEL's clock is so much ahead, in ms. */
let ahead = 0;
const world = await createWorld({ clock: () => Date.now() + ahead });
after(() => world.close());
const { seeds } = world.sandbox;
const { a } = seeds.organizations;
const manager = { id: seeds.users['org-a-manager'] ?? '', name: 'org-a-manager' };
const credential = (token: string) => ({ kind: 'token', token }) as const;

afterEach(async () => {
  ahead = 0;
  await world.faults();
  await world.control('tokens', { token: seeds.tokens.managerA, revoked: false });
  await world.control(`organizations/${a}`, { state: 'active' });
});

const YEAR_9999 = Date.UTC(9999, 11, 31, 23, 59, 59);

test('all is well: who, where, what it may do, when it ends', async () => {
  const found = await world.zitadel().inspect();
  const { permissions, ...others } = found;
  assert.ok(['user.read', 'user.write', 'user.delete'].every((each) => permissions.includes(each)));
  assert.deepEqual(others, {
    user: manager,
    organization: { id: a, name: 'a', state: 'active' },
    clockSkew: 0,
    sees: { instanceRoles: false, organizationRoles: false },
    expires: YEAR_9999,
    problems: [],
  });
});

test('what is seen of roles', async () => {
  const seen = async (token: string) => (await world.zitadel({ credential: credential(token) }).inspect()).sees;
  assert.deepEqual(await seen(seeds.tokens.viewerA), { instanceRoles: false, organizationRoles: true });
  assert.deepEqual(await seen(seeds.tokens.instanceOwner), { instanceRoles: true, organizationRoles: true });
  assert.deepEqual(await seen(seeds.tokens.noRoleA), { instanceRoles: false, organizationRoles: false });
});

test('a token without a role: what cannot be had is a problem', async () => {
  const found = await world.zitadel({ credential: credential(seeds.tokens.noRoleA) }).inspect();
  assert.equal(found.user?.name, 'org-a-no-role');
  assert.deepEqual([found.organization, found.permissions], [undefined, []]);
  assert.equal(found.problems.length, 1);
  assert.match(found.problems[0] ?? '', /give it ORG_USER_MANAGER there \(AUTHZ-cdgFk\)/);
});

test('a clock that is wrong, either way', async () => {
  for (const wrong of [-90_000, 90_000]) {
    ahead = wrong;
    const { clockSkew = 0 } = await world.zitadel().inspect();
    assert.ok(Math.abs(clockSkew - wrong) <= 1_000, String(clockSkew));
  }
});

test('an organization that is deactivated or removed', async () => {
  for (const state of ['inactive', 'removed'] as const) {
    await world.control(`organizations/${a}`, { state });
    // the token of an organization that is removed is refused: one of the instance is needed to see it
    const token = state === 'removed' ? await visitor(world) : seeds.tokens.managerA;
    const found = await world.zitadel({ credential: credential(token) }).inspect();
    assert.equal(found.organization?.state, state);
  }
});

/** The token of an instance owner who is at home in organization B. */
async function visitor({ control }: World): Promise<string> {
  const userId = seeds.users['org-b-owner'] ?? '';
  await control('members', { userId, organization: '', roles: ['IAM_OWNER'] });
  return seeds.tokens.ownerB;
}

test('a personal access token that ends; of several nobody knows which it is', async () => {
  const expires = Date.UTC(2100, 0, 1);
  await world.control('tokens', { token: 'ends', userId: seeds.users['org-b-manager'], expires });
  const { tokens, organizations } = seeds;
  const of = { organization: organizations.b, credential: credential('ends') };
  assert.equal((await world.zitadel(of).inspect()).expires, undefined, 'two tokens');
  await world.control('tokens', { token: tokens.managerB, revoked: true });
  assert.equal((await world.zitadel(of).inspect()).expires, expires);
  await world.control('tokens', { token: tokens.managerB, revoked: false, expires: Date.now() - 1 });
  assert.equal((await world.zitadel(of).inspect()).expires, expires, 'the other one has ended');
});

test('a key that ends; a client secret does not say', async () => {
  const key = { ...seeds.key, expirationDate: '2100-01-01T00:00:00Z' };
  const byKey = await world.zitadel({ credential: { kind: 'key', key } }).inspect();
  assert.deepEqual([byKey.user, byKey.expires], [manager, Date.UTC(2100, 0, 1)]);
  assert.equal((await world.zitadel({ credential: { kind: 'key', key: seeds.key } }).inspect()).expires, undefined);
  const byClient = await world.zitadel({ credential: { kind: 'client', ...seeds.client } }).inspect();
  assert.deepEqual([byClient.user, byClient.expires, byClient.problems], [manager, undefined, []]);
});

const NOTHING = { permissions: [], sees: { instanceRoles: false, organizationRoles: false } };

test('a token that is refused, an organization or a host name that nobody knows: one line that says what to do', async () => {
  await world.control('tokens', { token: seeds.tokens.managerA, revoked: true });
  const refused = await world.zitadel().inspect();
  assert.deepEqual(refused, { ...NOTHING, problems: refused.problems });
  assert.equal(refused.problems.length, 1);
  assert.match(refused.problems[0] ?? '', /^ZITADEL refused the token: .*Give the bridge a new one \(AUTH-7fs1e\)$/);

  const owner = { credential: credential(seeds.tokens.instanceOwner), organization: '999' };
  const lost = await world.zitadel(owner).inspect();
  assert.deepEqual(lost.problems, ['ZITADEL does not know the organization: check ZITADEL_ORG_ID (AUTH-Bs7Ds)']);

  const other = await createWorld({ externalDomain: 'auth.example.test' });
  const { problems } = await other.zitadel().inspect();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /ZITADEL_URL must be its external domain \(NOT_FOUND\)$/);
  await other.close();
});

test('away: one line, and nothing more is asked; also past an open breaker', async () => {
  const connection = createConnection({ url: world.sandbox.url, maxInFlight: 1, breaker: { probeMs: 3_600_000 } });
  const zitadel = world.zitadel({ connection });
  await world.faults({ mode: 'down' });
  world.calls.length = 0;
  const down = await zitadel.inspect();
  assert.equal(world.calls.length, 1);
  assert.deepEqual(down, { ...NOTHING, problems: down.problems });
  assert.match(
    down.problems.join('\n'),
    /^ZITADEL gave no answer at http:\/\/127\.0\.0\.1:\d+ \(.+\): check ZITADEL_URL/,
  );
  for (const id of ['a', 'b', 'c', 'd', 'e']) await zitadel.run(id, creation(id), yes);
  assert.notEqual(zitadel.away(), undefined);
  await world.faults();
  assert.deepEqual((await zitadel.inspect()).user, manager);
  assert.equal(zitadel.away(), undefined, 'the answer showed that it is back');
  connection.close();
});

test('an error of ZITADEL: said, with where to look', async () => {
  await world.faults({
    mode: 'error',
    code: 'INTERNAL',
    id: 'SQL-KyeAx',
    message: 'Errors.Internal',
    method: 'GetMyOrg',
  });
  const { problems, user } = await world.zitadel().inspect();
  assert.deepEqual(user, manager);
  assert.deepEqual(problems, [
    "GetMyOrg: SQL-KyeAx ZITADEL answered SQL-KyeAx: Errors.Internal: look at ZITADEL's own log",
  ]);
});
