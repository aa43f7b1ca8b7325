import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { GroupStore, Outcome } from '../../src/bridge/ports/zitadel.ts';
import type { FactsChange } from '../../src/mapping/facts.ts';
import { groupKey } from '../../src/mapping/groups.ts';
import type { StepCall } from '../../src/mapping/steps.ts';
import type { ZitadelOptions } from '../../src/zitadel/zitadel.ts';
import { createWorld, creation, type World, yes } from './world.ts';

/** Each test has a ZITADEL without a holder. */
let world: World;
beforeEach(async () => {
  world = await createWorld();
});
const worlds: World[] = [];
beforeEach(() => void worlds.push(world));
after(() => Promise.all(worlds.map((each) => each.close())));

const idOf = ({ sandbox }: World): string => `scim-groups-${sandbox.seeds.organizations.a}`;
const set = (holder: GroupStore, facts: FactsChange, proceed = yes): Promise<Outcome> =>
  holder.run({ call: 'SetUserMetadata', set: facts, names: [], after: facts }, proceed);
const take = (holder: GroupStore, ...keys: readonly string[]): Promise<Outcome> => {
  const facts = Object.fromEntries(keys.map((key) => [key, null]));
  return holder.run({ call: 'DeleteUserMetadata', set: facts, names: [], after: facts }, yes);
};
const DESK = groupKey('desk');
const SALES = groupKey('sales');

/** A call as the owner of the instance. */
async function asInstance(method: string, body: object): Promise<void> {
  const { url, seeds } = world.sandbox;
  const response = await fetch(`${url}/zitadel.user.v2.UserService/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seeds.tokens.instanceOwner}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.text());
}

async function writesOf(): Promise<readonly Record<string, unknown>[]> {
  const text = await (await fetch(`${world.sandbox.url}/sandbox/log`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
}

test('made by the first write, by a manager; what is written is read', async () => {
  const { groupStore: holder } = world.zitadel();
  assert.deepEqual(await holder.read(), { kind: 'gone' });
  assert.deepEqual(await set(holder, { [DESK]: '{"displayName":"Desk"}' }), { kind: 'done' });
  assert.deepEqual(await set(holder, { [SALES]: '{"displayName":"Säles"}' }), { kind: 'done' });
  assert.deepEqual(await take(holder, DESK), { kind: 'done' });
  assert.deepEqual(await take(holder, DESK), { kind: 'already' });
  assert.equal((await take(holder, DESK, SALES)).kind, 'replan');
  assert.deepEqual(await holder.read(), { kind: 'found', facts: { [SALES]: '{"displayName":"Säles"}' } });
  const applied = (await writesOf()).filter(({ outcome }) => outcome === 'ok');
  const writes = applied.map(({ method, userId }) => `${String(method)} ${String(userId)}`);
  assert.deepEqual(writes.slice(0, 2), [`CreateUser ${idOf(world)}`, `SetUserMetadata ${idOf(world)}`]);
  assert.equal(writes.filter((each) => each.startsWith('CreateUser')).length, 1);
});

test('lost by the reads of ZITADEL: no group is gone, and none is made twice', async () => {
  const { groupStore: holder } = world.zitadel();
  await set(holder, { [DESK]: '{"displayName":"Desk"}' });
  const lose = (lost: boolean): Promise<Response> =>
    fetch(`${world.sandbox.url}/sandbox/users/${idOf(world)}/lost`, { method: 'POST', body: JSON.stringify({ lost }) });
  await lose(true);
  const fresh = world.zitadel().groupStore;
  const found = await fresh.read();
  assert.equal(found.kind === 'found' && found.facts[DESK], '{"displayName":"Desk"}');
  assert.deepEqual(await set(fresh, { [SALES]: '{"displayName":"Sales"}' }), { kind: 'done' });
  for (const key of Object.keys(found.kind === 'found' ? found.facts : {})) await take(fresh, key);
  await take(fresh, SALES);
  // nothing to be seen is no proof that nothing is there
  assert.equal((await fresh.read()).kind, 'retry');
  await lose(false);
  assert.equal((await fresh.read()).kind, 'found');
});

test('it is a machine without credentials, and no SCIM user', async () => {
  const zitadel = world.zitadel();
  await set(zitadel.groupStore, { [DESK]: 'x' });
  await zitadel.run('ann', creation('ann'), yes);
  const shown = (await world.control(`users/${idOf(world)}`)) as Record<string, unknown>;
  assert.deepEqual(
    [shown['username'], shown['machine'] !== undefined, shown['password']],
    [idOf(world), true, undefined],
  );
  assert.deepEqual(await zitadel.read(idOf(world)), { kind: 'gone' });
  assert.deepEqual(await zitadel.find('userName', idOf(world)), []);
  const listed: string[] = [];
  for await (const page of zitadel.users()) listed.push(...page.map(({ id }) => id));
  assert.deepEqual(listed, ['ann']);
});

test('more definitions than one page are read whole', async () => {
  const { groupStore: holder } = world.zitadel();
  const facts = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [groupKey(`g${at}`), String(at)]));
  await set(holder, facts);
  assert.deepEqual(await holder.read(), { kind: 'found', facts });
});

test('writes that come together: it is made once, and they go one at a time', async () => {
  const { groupStore: holder } = world.zitadel();
  const keys = Array.from({ length: 20 }, (_, at) => groupKey(`g${at}`));
  const outcomes = await Promise.all(keys.map((key) => set(holder, { [key]: 'x' })));
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'done' });
  const writes = await writesOf();
  assert.equal(writes.filter(({ method }) => method === 'CreateUser').length, 1);
  for (const { parallel } of writes) assert.equal(parallel, 1);
});

test('two processes make it at once: one does, both write', async () => {
  const [one, two] = [world.zitadel().groupStore, world.zitadel().groupStore];
  const outcomes = await Promise.all([set(one, { [DESK]: 'x' }), set(two, { [SALES]: 'y' })]);
  assert.deepEqual(outcomes, [{ kind: 'done' }, { kind: 'done' }]);
  assert.deepEqual(await one.read(), { kind: 'found', facts: { [DESK]: 'x', [SALES]: 'y' } });
});

for (const [id, code] of [
  ['COMMAND-k2una', 'FAILED_PRECONDITION'],
  ['V3-DKcYh', 'ALREADY_EXISTS'],
] as const) {
  test(`made by another process a moment ago (${id}): it is there`, async () => {
    const { groupStore: holder } = world.zitadel();
    const fault = { mode: 'error', method: 'CreateUser', code, id, message: 'User already exists' } as const;
    await world.faults({ ...fault, afterApply: true });
    assert.deepEqual(await set(holder, { [DESK]: 'x' }), { kind: 'done' });
  });
}

test('its create is never answered: nothing of the step was sent, and the next try finds it', async () => {
  const { groupStore: holder } = world.zitadel();
  await world.faults({ method: 'CreateUser', dropAfter: true, times: 1 });
  const outcome = await set(holder, { [DESK]: 'x' });
  assert.ok(outcome.kind === 'retry' && outcome.definite, JSON.stringify(outcome));
  assert.deepEqual(await set(holder, { [DESK]: 'x' }), { kind: 'done' });
});

test('deleted in ZITADEL: made again', async () => {
  const { groupStore: holder } = world.zitadel();
  await set(holder, { [DESK]: 'x' });
  await asInstance('DeleteUser', { userId: idOf(world) });
  assert.deepEqual(await holder.read(), { kind: 'gone' });
  assert.deepEqual(await set(holder, { [SALES]: 'y' }), { kind: 'done' });
  assert.deepEqual(await holder.read(), { kind: 'found', facts: { [SALES]: 'y' } });
});

test('its id, or its name, belongs to somebody else: blocked, and nothing is written there', async () => {
  const name = { givenName: 'Eve', familyName: 'E' };
  const human = { profile: name, email: { email: 'eve@example.test', isVerified: true } };
  const { a, b } = world.sandbox.seeds.organizations;
  const cases: readonly [object, Partial<ZitadelOptions>][] = [
    [{ organizationId: b, userId: idOf(world), username: 'eve', machine: { name: 'eve' } }, {}],
    [{ organizationId: a, userId: idOf(world), username: 'eve', human }, {}],
    [{ organizationId: a, userId: 'eve', username: idOf(world), human }, {}],
  ];
  const token = world.sandbox.seeds.tokens.instanceOwner;
  for (const [taken] of cases) {
    await asInstance('CreateUser', taken);
    const { groupStore: holder } = world.zitadel({ credential: { kind: 'token', token } });
    const outcome = await set(holder, { [DESK]: 'x' });
    assert.equal(outcome.kind, 'blocked', JSON.stringify(outcome));
    assert.match(outcome.kind === 'blocked' ? outcome.reason : '', /keep the groups/);
    const userId = 'userId' in taken ? String(taken.userId) : '';
    const shown = (await world.control(`users/${userId}`)) as { readonly metadata: object };
    assert.deepEqual(shown.metadata, {});
    await asInstance('DeleteUser', { userId });
  }
});

test('no permission: blocked; away: retry; a lost lease: not sent', async () => {
  const { viewerA } = world.sandbox.seeds.tokens;
  const viewer = world.zitadel({ credential: { kind: 'token', token: viewerA } }).groupStore;
  assert.equal((await set(viewer, { [DESK]: 'x' })).kind, 'blocked');
  const { groupStore: holder } = world.zitadel();
  const stopped = await set(holder, { [DESK]: 'x' }, () => Promise.resolve(false));
  assert.deepEqual(stopped, { kind: 'retry', definite: true, cause: 'away', reason: 'lease-lost' });
  assert.deepEqual(await holder.read(), { kind: 'found', facts: {} });
  await world.faults({ mode: 'error', status: 503 });
  assert.equal((await holder.read()).kind, 'retry');
  const outcome = await set(holder, { [DESK]: 'x' });
  assert.ok(outcome.kind === 'retry' && !outcome.definite, JSON.stringify(outcome));
});

test('other calls are not for the holder', async () => {
  const { groupStore: holder } = world.zitadel();
  const step = { call: 'DeleteUser' as StepCall, set: {}, names: [], after: null };
  await assert.rejects(holder.run(step, yes), /not for the holder/);
});
