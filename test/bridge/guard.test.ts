import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLock } from '../../src/bridge/delivery/exclusive.ts';
import { createProtectedUsers } from '../../src/bridge/delivery/protected-users.ts';
import { ALONE } from '../../src/bridge/ports/peers.ts';
import type { ProtectedByZitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Lease } from '../../src/bridge/ports/store.ts';
import type { Facts } from '../../src/mapping/facts.ts';
import type { Step } from '../../src/mapping/steps.ts';
import { createLeases } from '../../src/store/sqlite/leases.ts';
import { createFakeZitadel } from './fake-zitadel.ts';
import { patch, type Setting, settings, statusFrom, statusOf } from './setting.ts';

const setUp = settings();
const off = {
  method: 'PATCH',
  apply: (base: object) => ({ user: { ...base, active: false }, touched: ['active'] }),
} as const;

for (const at of ['one after the other', 'at once'] as const) {
  test(`two owners deactivated ${at}: the second one is the last and stays`, async () => {
    const owners = new Set<string>();
    const guarded = (): ProtectedByZitadel => ({
      reasons: new Map(),
      activeOwners: new Set([...owners].filter((id) => setting.zitadel.people.get(id)?.['state'] === 'active')),
    });
    const setting = setUp({ guarded });
    const { tenant, ctx } = setting;
    for (const userName of ['ann', 'bob'])
      owners.add((await tenant.users.create(ctx, { user: { userName }, hash: userName })).resource.id);
    const deactivate = (id: string): Promise<number> => tenant.users.edit(ctx, id, off).then(() => 200, statusOf);
    const [one = '', two = ''] = owners;
    const answers =
      at === 'at once'
        ? await Promise.all([deactivate(one), deactivate(two)])
        : [await deactivate(one), await deactivate(two)];
    assert.deepEqual(
      answers.toSorted((a, b) => a - b),
      [200, 403],
    );
    assert.equal(guarded().activeOwners.size, 1);
  });
}

test('two processes let go the last two owners at once: one is refused, although neither hears the other', async () => {
  const active = new Set(['ann', 'bob']);
  const guarded = async (): Promise<ProtectedByZitadel> => ({ reasons: new Map(), activeOwners: new Set(active) });
  const zitadel = { ...createFakeZitadel([]), protectedUsers: guarded };
  const leases = createLeases(Date.now);
  const store = {
    lease: async (key: Key, ms: number) => leases.take(key, ms),
    prove: async (lease: Lease, ms: number) => leases.renew(lease, ms),
    async release(lease: Lease) {
      leases.release(lease);
      return undefined;
    },
  };
  const step: Step = { call: 'DeactivateUser', set: {}, names: ['state'], after: { state: 'inactive' } };
  const letGo = (own: string, id: string) => {
    const peers = { ...ALONE, own };
    const lock = createLock(store, 20_000);
    const guard = createProtectedUsers({ tenant: 't', peers, lock, zitadel, protect: [], clock: Date.now });
    return guard.withOwnerLock(id, step, null, async () => {
      const barred = await guard.checkProtection(id, step, null);
      await nextTurn();
      if (barred === undefined) active.delete(id);
      return barred?.kind ?? 'done';
    });
  };
  const ended = await Promise.all([letGo('first', 'ann'), letGo('second', 'bob')]);
  assert.deepEqual(new Set(ended), new Set(['done', 'refused']));
  assert.equal(active.size, 1);
});

test('an owner who became the last one in ZITADEL itself stays', async () => {
  const owners = new Set<string>();
  const guarded = (): ProtectedByZitadel => ({
    reasons: new Map(),
    activeOwners: new Set([...owners].filter((id) => setting.zitadel.people.get(id)?.['state'] === 'active')),
  });
  const setting = setUp({ guarded });
  const { tenant, ctx, zitadel } = setting;
  for (const userName of ['ann', 'bob', 'cy'])
    owners.add((await tenant.users.create(ctx, { user: { userName }, hash: userName })).resource.id);
  const [ann = '', bob = '', cy = ''] = owners;
  const deactivate = (id: string): Promise<number> => tenant.users.edit(ctx, id, off).then(() => 200, statusOf);
  assert.equal(await deactivate(ann), 200);
  zitadel.people.set(bob, { ...zitadel.people.get(bob), state: 'inactive' });
  assert.equal(await deactivate(cy), 403);
});

/** Resolves once so many changes of a user wait. */
async function isAsked({ row }: Setting, id: string, count: number): Promise<void> {
  while ((await row(id))?.pending.length !== count) await nextTurn();
}

test('a DELETE that is refused takes no PATCH beside it with it', async () => {
  const reading = Promise.withResolvers<void>();
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const { id } = (await tenant.users.create(ctx, { user: { userName: 'eve' }, hash: 'eve' })).resource;
  Object.assign(zitadel, {
    async protectedUsers(): Promise<ProtectedByZitadel> {
      await reading.promise;
      return { reasons: new Map([[id, 'it holds an instance role']]), activeOwners: new Set() };
    },
  });
  const removed = tenant.users.remove(ctx, id).then(() => 204, statusOf);
  await isAsked(setting, id, 1);
  const edited = statusFrom(tenant.users.edit(ctx, id, patch({ title: 'Countess' })));
  await Promise.race([edited, isAsked(setting, id, 2)]);
  reading.resolve();
  assert.deepEqual([await removed, await edited], [403, 200]);
  assert.match(JSON.stringify(zitadel.people.get(id)), /Countess/);
});

test('a DELETE that is done takes the PATCH beside it with it', async () => {
  const reading = Promise.withResolvers<void>();
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const { id } = (await tenant.users.create(ctx, { user: { userName: 'eva' }, hash: 'eva' })).resource;
  Object.assign(zitadel, {
    protectedUsers: () =>
      reading.promise.then((): ProtectedByZitadel => ({ reasons: new Map(), activeOwners: new Set() })),
  });
  const removed = tenant.users.remove(ctx, id).then(() => 204, statusOf);
  await isAsked(setting, id, 1);
  const edited = statusFrom(tenant.users.edit(ctx, id, patch({ title: 'Countess' })));
  await Promise.race([edited, isAsked(setting, id, 2)]);
  reading.resolve();
  assert.deepEqual([await removed, await edited], [204, 404]);
  assert.equal(zitadel.people.get(id), undefined);
});

const OFF: Step = { call: 'DeactivateUser', set: {}, names: ['state'], after: { state: 'inactive' } };
const OWNER: Facts = { 'right:org': '["ORG_OWNER"]' };

/** A guard on its own, and who owns the organization. */
function alone(protect: readonly string[] = []) {
  const active = new Set<string>();
  const clock = { now: 1_000 };
  const guarded = async (): Promise<ProtectedByZitadel> => ({
    own: 'bridge',
    reasons: new Map(),
    activeOwners: new Set(active),
  });
  const leases = createLeases(Date.now);
  const store = {
    lease: async (key: Key, ms: number) => leases.take(key, ms),
    prove: async (lease: Lease, ms: number) => leases.renew(lease, ms),
    async release(lease: Lease) {
      leases.release(lease);
      return undefined;
    },
  };
  const guard = createProtectedUsers({
    tenant: 't',
    peers: ALONE,
    lock: createLock(store, 20_000),
    zitadel: { ...createFakeZitadel([]), protectedUsers: guarded },
    protect,
    clock: () => clock.now,
  });
  const checkProtection = async (id: string, step = OFF, confirmed: Facts | null = null): Promise<string> =>
    (await guard.checkProtection(id, step, confirmed))?.kind ?? 'passes';
  return { active, clock, guard, bar: checkProtection };
}

test('who became the last owner in the console is known within seconds, who became it by the bridge at once', async () => {
  const { active, clock, bar: checkProtection } = alone();
  active.add('ann');
  assert.equal(await checkProtection('bob'), 'passes');
  active.delete('ann');
  active.add('bob');
  assert.equal(await checkProtection('bob', OFF, OWNER), 'refused');
  assert.equal(await checkProtection('bob'), 'refused', 'it was read meanwhile');
  active.delete('bob');
  active.add('cy');
  clock.now += 1_001;
  assert.equal(await checkProtection('cy'), 'refused');
});

test('roles that were given a moment ago are not overwritten: they are read first', async () => {
  const { active, clock, bar: checkProtection } = alone();
  const step: Step = {
    call: 'UpdateAdministrator',
    set: {},
    right: { roles: ['ORG_USER_MANAGER'] },
    names: ['right:org'],
    after: { 'right:org': '["ORG_USER_MANAGER"]' },
  };
  const confirmed = { 'right:org': '["ORG_OWNER_VIEWER"]' };
  assert.equal(await checkProtection('ann', step, confirmed), 'passes');
  active.add('ann');
  clock.now += 1_001;
  assert.equal(await checkProtection('ann', step, confirmed), 'replan');
  assert.equal(await checkProtection('ann', step, OWNER), 'refused');
  active.add('bob');
  assert.equal(await checkProtection('ann', step, OWNER), 'passes');
  assert.equal(await checkProtection('bob', step, OWNER), 'refused', 'ann goes');
});

test('an owner whose call took long, or was left by an earlier process, still counts as gone after it', async () => {
  const { active, clock, guard, bar: checkProtection } = alone();
  for (const id of ['ann', 'bob']) active.add(id);
  await guard.withOwnerLock('ann', OFF, null, async () => {
    assert.equal(await checkProtection('ann'), 'passes');
    clock.now += 25_000;
  });
  clock.now += 25_000;
  assert.equal(await checkProtection('bob'), 'refused');
  clock.now += 10_000;
  assert.equal(await checkProtection('bob'), 'passes', 'ann is active all the same');
  const restarted = alone();
  for (const id of ['ann', 'bob']) restarted.active.add(id);
  restarted.guard.mayLeave('ann');
  assert.equal(await restarted.bar('bob'), 'refused');
});

test('no rule touches the rights of who is protected, or of the service user', async () => {
  const { guard, bar: checkProtection } = alone(['ann']);
  const right = { project: 'p', roles: ['editor'] };
  const step: Step = { call: 'CreateAuthorization', set: {}, right, names: ['right:project:p'], after: {} };
  assert.deepEqual(
    [await checkProtection('ann', step), await checkProtection('bridge', step), await checkProtection('bob', step)],
    ['refused', 'refused', 'passes'],
  );
  assert.deepEqual([guard.spares('ann'), guard.spares('bridge'), guard.spares('bob')], [true, true, false]);
});

test('a call that a dead process left on its way counts: the other owner stays until it is known how it ended', async () => {
  const owners = new Set<string>();
  const guarded = (): ProtectedByZitadel => ({
    reasons: new Map(),
    activeOwners: new Set([...owners].filter((id) => setting.zitadel.people.get(id)?.['state'] === 'active')),
  });
  const setting = setUp({ guarded });
  const { tenant, ctx, zitadel, life } = setting;
  for (const userName of ['ann', 'bob'])
    owners.add((await tenant.users.create(ctx, { user: { userName }, hash: userName })).resource.id);
  const [ann = '', bob = ''] = owners;
  zitadel.fates.push('waits');
  const asked = life.survive(statusFrom(tenant.users.edit(ctx, ann, off)));
  while ((await setting.row(ann))?.doubt !== true) await nextTurn();
  life.die();
  await asked;
  const next = setting.again({});
  await next.tenant.open();
  assert.equal(await statusFrom(next.tenant.users.edit(ctx, bob, off)), 403);
  assert.equal(zitadel.people.get(bob)?.['state'], 'active');
});

test('a protected user may be asked to be what it is: nothing is sent, and what ZITADEL has otherwise is refused', async () => {
  const clock = { now: Date.now() };
  let id = '';
  const guarded = (): ProtectedByZitadel => ({ reasons: new Map([[id, 'it is listed']]), activeOwners: new Set() });
  const { tenant, ctx, zitadel } = setUp({ guarded, clock: () => clock.now });
  id = (await tenant.users.create(ctx, { user: { userName: 'amy' }, hash: 'amy' })).resource.id;
  const sent = zitadel.sent.length;
  clock.now += 5_000;
  assert.equal(await statusFrom(tenant.users.edit(ctx, id, patch({ active: true }))), 200);
  clock.now += 5_000;
  assert.equal(await statusFrom(tenant.users.edit(ctx, id, patch({ userName: 'amy', active: true }))), 200);
  clock.now += 5_000;
  zitadel.people.set(id, { ...zitadel.people.get(id), state: 'inactive' });
  assert.equal(await statusFrom(tenant.users.edit(ctx, id, patch({ active: true }))), 403);
  assert.equal(zitadel.people.get(id)?.['state'], 'inactive');
  assert.equal(zitadel.sent.length, sent);
});
