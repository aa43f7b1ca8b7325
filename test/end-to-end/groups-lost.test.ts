import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { answered, type Json } from './bridge.ts';
import {
  change,
  createSite,
  createUser,
  createUsers,
  definitions,
  keysOf,
  membersOf,
  sync,
  team,
  valued,
} from './groups.ts';
import { atZitadel, patch } from './people.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { isOnRedis } from './store.ts';

// Nothing but ZITADEL has to be kept: without DATA_DIR every group and member is back.
let sandbox: SandboxProcess;

beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.stop());

/** `npm run test:long` has thousands of users: on Redis always, else by groups-lost.long.test.ts. `npm test` has fewer. */
const isFull = isOnRedis || process.env['TEST_SIZE'] === 'full';
const USERS = isOnRedis ? 5_000 : isFull ? 2_000 : 200;
const GROUPS = isFull ? 200 : 15;
/** Of each group: more of them make the test longer, not another one. */
const MEMBERS = 10;

test(`DATA_DIR is lost: ${GROUPS} groups and ${USERS} users are back as they were, and rights stand`, async (t) => {
  const { project, organizations } = sandbox.seeds;
  await sandbox.post('/sandbox/fill', { users: USERS, prefix: 'many' });
  const rules = [{ match: { displayName: isFull ? 'Team 10*' : 'Team 1*' }, project, roles: ['viewer'] }];
  const site = await createSite(sandbox, { groups: { rules } }, { timing: { listLagMs: 0 } });
  t.after(() => site.end());
  const ids = (await stored(organizations.a)).filter(({ human }) => human !== undefined).map(({ id }) => id);
  assert.equal(ids.length, USERS);

  const first = await site.start();
  const numbers = Array.from({ length: GROUPS }, (_, n) => n).values();
  const client = async (): Promise<void> => {
    for (const n of numbers) {
      const members = valued(...ids.slice(n * MEMBERS, (n + 1) * MEMBERS));
      await answered(201, first.scim('POST', '/Groups', team({ externalId: `e${n}`, members })));
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  await settled(first);
  const [groups, rights] = [await shown(first.scim), await held(organizations.a)];
  assert.equal(groups.length, GROUPS);
  assert.equal(new Set(groups.flatMap(({ members }) => members)).size, GROUPS * MEMBERS);
  assert.ok(rights.length > 0);

  await site.lose();
  const second = await site.start();
  assert.deepEqual(await shown(second.scim), groups);
  await settled(second);
  assert.deepEqual(await held(organizations.a), rights);
  assert.equal(Object.keys(await definitions(sandbox)).length, GROUPS);
});

/** All groups with what is said of them, by displayName. */
async function shown(scim: (method: string, path: string) => Promise<Json>): Promise<readonly Json[]> {
  const { Resources } = await answered(200, scim('GET', '/Groups?count=1000'));
  return Resources.map(({ id, displayName, externalId, members }: Json) => ({
    id,
    displayName,
    externalId,
    members: members.map(({ value, display }: Json) => `${value} ${display}`).toSorted(),
  })).toSorted((a: Json, b: Json) => (a.id < b.id ? -1 : 1));
}

async function stored(organization: string): Promise<readonly Json[]> {
  const text = await (await fetch(`${sandbox.url}/sandbox/users?organization=${organization}`)).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line): Json => JSON.parse(line));
}

/** Who holds what in the project. */
async function held(organization: string): Promise<readonly string[]> {
  return (await stored(organization)).flatMap(({ id, grants }) =>
    grants.map(({ roles }: Json) => `${id} ${roles.join()}`),
  );
}

test('a user in 1,500 groups: each is read back, shown, left and joined', async (t) => {
  const site = await createSite(sandbox, {});
  t.after(() => site.end());
  const first = await site.start();
  const [user, other] = await createUsers(first.scim, 2);
  assert.ok(user && other);
  const metadata = Array.from({ length: 1_500 }, (_, n) => ({ key: `urn:zitadel:scim:group:g${n}`, value: btoa('1') }));
  const named = metadata.map(({ key }, n) => ({ key, value: btoa(JSON.stringify({ displayName: `Of 1500: ${n}` })) }));
  await answered(201, first.scim('POST', '/Groups', team())); // makes the holder
  await settled(first);
  await atZitadel(sandbox, 'SetUserMetadata', { userId: user, metadata });
  await atZitadel(sandbox, 'SetUserMetadata', {
    userId: `scim-groups-${sandbox.seeds.organizations.a}`,
    metadata: named,
  });
  await site.lose();
  const bridge = await site.start();
  const { scim } = bridge;
  const read = async (): Promise<Json> => answered(200, scim('GET', `/Users/${user}`));
  assert.equal((await read()).groups.length, 1_500);
  assert.equal((await answered(200, scim('GET', '/Groups?count=0'))).totalResults, 1_501);
  await change(scim, 'g1400', patch({ op: 'replace', path: 'members', value: valued(other) }));
  await change(scim, 'g1401', patch({ op: 'remove', path: 'members' }));
  await settled(bridge);
  const left = await keysOf(sandbox, user);
  assert.deepEqual([left.length, left.includes('g1400'), left.includes('g1401')], [1_498, false, false]);
  await sync(bridge);
  assert.equal((await read()).groups.length, 1_498);
  assert.deepEqual([await membersOf(scim, 'g1400'), await membersOf(scim, 'g1499')], [[other], [user]]);
  const late = await createUser(scim);
  await change(scim, 'g1499', patch({ op: 'add', path: 'members', value: valued(late) }));
  await settled(bridge);
  assert.deepEqual(await keysOf(sandbox, late), ['g1499']);
});
