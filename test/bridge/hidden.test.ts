/** Users that ZITADEL's reads have lost while its commands know them, and users that somebody really deleted there. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { patch, type Setting, settings, statusOf } from './setting.ts';

let now = 1_000_000;
const make = settings(() => now);
const used: Setting[] = [];
const setUp = (): Setting => {
  const setting = make();
  used.push(setting);
  return setting;
};
afterEach(async () => {
  for (const { tenant } of used.splice(0)) await tenant.stop();
});
const GROUP = 'urn:zitadel:scim:group:';

async function user({ tenant, ctx }: Setting, userName = 'ada'): Promise<string> {
  const { resource, ended } = await tenant.users.create(ctx, { user: { userName }, hash: userName });
  ended(true);
  return resource.id;
}

const shown = ({ tenant, ctx }: Setting, id: string): Promise<object | number> =>
  tenant.users.get(ctx, id).then(({ user: one }) => one, statusOf);

const named = ({ zitadel }: Setting, name: string): string[] =>
  [...zitadel.people].flatMap(([id, { username }]) => (username === name ? [id] : []));

test('sync removes nobody whom a command still knows, however few are missing', async () => {
  const setting = setUp();
  const { tenant, zitadel, store, ctx } = setting;
  const ids = [await user(setting, 'ann'), await user(setting, 'bob')];
  for (const id of ids) zitadel.lost.add(id);
  now += 1_000;
  const told = await tenant.operator.sync({ acceptRemovals: true });
  assert.equal(told.kind === 'finished' && told.removed, 0);
  assert.equal((await tenant.operator.state()).counts.hidden, 2);
  assert.equal((await store.page(ctx.tenant, 0, 9)).total, 2);
  // found again by a read, not only by a sweep
  zitadel.lost.clear();
  now += 60_000;
  for (const id of ids) assert.equal(typeof (await shown(setting, id)), 'object');
  assert.equal((await tenant.operator.state()).counts.hidden, 0);
});

test('a hidden user with several keys to take away: each by itself, for nobody can read which of them is there', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  await tenant.users.edit(ctx, id, patch({ title: 'a', userType: 'b' }));
  zitadel.lost.add(id);
  now += 60_000;
  await shown(setting, id);
  // somebody took one of them away meanwhile
  const { 'urn:zitadel:scim:title': _title, ...left } = zitadel.people.get(id) ?? {};
  zitadel.people.set(id, left);
  zitadel.sent.length = 0;
  await tenant.users.edit(ctx, id, patch({ title: undefined, userType: undefined }));
  const deletions = zitadel.sent.filter(({ step }) => step.call === 'DeleteUserMetadata');
  assert.deepEqual(
    deletions.map(({ step }) => Object.keys(step.set)),
    [['urn:zitadel:scim:title'], ['urn:zitadel:scim:userType']],
  );
  assert.equal((await setting.row(id))?.pending.length, 0);
});

test('rights of a hidden user: lists that lost it take nothing away from what is known', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel, store } = setting;
  const id = await user(setting);
  zitadel.lost.add(id);
  now += 1_000;
  await tenant.operator.sync({ acceptRemovals: true });
  await tenant.users.edit(ctx, id, patch({ active: false }));
  assert.equal(zitadel.people.get(id)?.['state'], 'inactive');
  assert.deepEqual(await store.withCondition(ctx.tenant, 'pending', 9), []);
});

test('what was answered of a user whom somebody deleted: dead letters, kept with the tombstone until they are dropped', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel, store } = setting;
  const id = await user(setting);
  zitadel.isDown = true;
  await tenant.users.edit(ctx, id, patch({ title: 'late' }));
  await tenant.users.edit(ctx, id, patch({ active: false }));
  zitadel.isDown = false;
  zitadel.people.delete(id);
  await setting.deliverAll();
  assert.equal(await shown(setting, id), 404);
  const dead = async (): Promise<readonly unknown[]> =>
    ((await setting.row(id))?.deadLetters ?? []).map(({ facts, reason }) => [Object.keys(facts), reason]);
  const both = [
    [['urn:zitadel:scim:title'], 'deleted in ZITADEL'],
    [['state'], 'deleted in ZITADEL'],
  ];
  assert.deepEqual(await dead(), both);
  assert.equal(setting.deliveries.at(-1)?.dead, 2);
  // a retry finds nobody either
  await tenant.operator.retry(id);
  assert.deepEqual(await dead(), both);
  // two sync intervals later too
  now += 2_000_000;
  await tenant.operator.sync({ acceptRemovals: true });
  assert.deepEqual(await dead(), both);
  await tenant.operator.drop(id);
  now += 2_000_000;
  await tenant.operator.sync({ acceptRemovals: true });
  assert.equal(await store.read({ tenant: ctx.tenant, id }), undefined);
});

test('a client that asked for the deletion is owed nothing of a user who was deleted already', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  zitadel.isDown = true;
  await tenant.users.edit(ctx, id, patch({ title: 'late' }));
  await tenant.users.remove(ctx, id);
  zitadel.isDown = false;
  zitadel.people.delete(id);
  await setting.deliverAll();
  assert.deepEqual((await setting.row(id))?.deadLetters, []);
});

test('user recreate, cut off at any operation: the user stands in ZITADEL once, or an operator is told', async () => {
  let operation = 1;
  for (let isOver = false; !isOver; operation += 1) {
    const setting = setUp();
    const { zitadel } = setting;
    const id = await user(setting);
    const row = await setting.row(id);
    assert.ok(row?.confirmed);
    zitadel.people.set(id, { ...zitadel.people.get(id), [`${GROUP}g`]: '1' });
    zitadel.lost.add(id);
    now += 60_000;
    await shown(setting, id);
    setting.life.dieAt(operation, operation % 2 === 0);
    isOver = (await setting.life.survive(setting.tenant.operator.recreate(id))) !== undefined;
    setting.life.die();
    void setting.tenant.stop();
    now += 60_000;
    const next = setting.again({});
    await next.tenant.open();
    for (let rounds = 0; rounds < 3; rounds += 1) {
      await next.deliverAll();
      now += 40_000;
    }
    const [holder, ...twins] = named(next, 'ada');
    assert.deepEqual(twins, []);
    assert.ok(holder !== undefined, `cut off at ${operation}: it is nowhere`);
    const list = await next.tenant.users.list(next.ctx, { startIndex: 1, count: 9 });
    assert.deepEqual(
      (await Array.fromAsync(list.resources)).map((each) => each.id),
      [holder],
      `cut off at ${operation}`,
    );
    if (holder === id) assert.equal((await next.tenant.operator.state()).counts.hidden, 1);
    else assert.equal(await shown(next, id), 404);
    await next.tenant.stop();
  }
  assert.ok(operation > 5, 'it was cut off several times');
});
