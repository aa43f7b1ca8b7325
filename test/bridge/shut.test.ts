/** When nothing is sent, or not everything: blocked tokens, pauses, backlogs, long sleeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../end-to-end/until.ts';
import { patch, type Setting, settings, statusOf } from './setting.ts';

let now = 1_000_000;
const setUp = settings(() => now);
const TITLE = 'urn:zitadel:scim:title';

async function user({ tenant, ctx }: Setting, userName = 'ada'): Promise<string> {
  const { resource, ended } = await tenant.users.create(ctx, { user: { userName }, hash: userName });
  ended(true);
  return resource.id;
}

test('the token is refused: requests are answered, deliveries pause, nothing is dead; given back, all is delivered', async () => {
  const setting = setUp({ timing: { tokenCheckMs: 5 } });
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  zitadel.standingNow = { kind: 'barred', reason: 'the token is refused' };
  zitadel.fates.push('barred');
  await tenant.users.edit(ctx, id, patch({ title: 'a' }));
  const { unavailable } = await tenant.operator.state();
  assert.deepEqual([unavailable?.kind, unavailable?.reason], ['suspended', 'the token is refused']);
  const sent = zitadel.sent.length;
  assert.equal((await tenant.users.edit(ctx, id, patch({ title: 'b' }))).user['title'], 'b');
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'bob' }, hash: 'b' });
  await tenant.users.remove(ctx, resource.id);
  assert.equal(zitadel.sent.length, sent, 'nothing is sent');
  zitadel.standingNow = { kind: 'able' };
  await until(async () => (await tenant.operator.state()).unavailable === undefined);
  await setting.deliverAll();
  assert.equal(zitadel.people.get(id)?.[TITLE], 'b');
  const { counts } = await tenant.operator.state();
  assert.deepEqual([counts.pending, counts.deadLetter, counts.blocked], [0, 0, 0]);
  await tenant.stop();
});

test('one call is not permitted: only that step of that row is blocked, the others go on', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  zitadel.fates.push('barred');
  await tenant.users.edit(ctx, id, patch({ nickName: 'x', title: 'y' }));
  assert.equal(zitadel.people.get(id)?.[TITLE], 'y');
  const row = await setting.row(id);
  assert.deepEqual(
    row?.pending.map(({ facts }) => facts),
    [{ nickName: 'x' }],
  );
  assert.equal(row?.blocked, 'PERMISSION_DENIED');
  assert.equal((await tenant.users.get(ctx, id)).user['nickName'], 'x', 'it was answered');
  await user(setting, 'bob');
  assert.equal((await tenant.operator.state()).counts.blocked, 1);
  await setting.deliverAll();
  assert.equal(zitadel.people.get(id)?.['nickName'], 'x');
  assert.equal((await setting.row(id))?.blocked, null);
});

test('too many calls: the tenant pauses, requests are answered', async () => {
  const setting = setUp({ timing: { backoffFirstMs: 30_000, backoffMaxMs: 60_000 } });
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  zitadel.fates.push('limited');
  await tenant.users.edit(ctx, id, patch({ title: 'a' }));
  assert.equal((await tenant.operator.state()).unavailable?.kind, 'rateLimited');
  const sent = zitadel.sent.length;
  await tenant.users.edit(ctx, id, patch({ title: 'b' }));
  assert.equal(zitadel.sent.length, sent);
  now += 60_000;
  assert.equal((await tenant.operator.state()).unavailable, undefined);
  await setting.deliverAll();
  assert.equal(zitadel.people.get(id)?.[TITLE], 'b');
  await tenant.stop();
});

test('MAX_PENDING: 503 for a row that owes nothing yet, rows that owe go on', async () => {
  const setting = setUp({ maxPending: 1 });
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  const other = await user(setting, 'bob');
  zitadel.isDown = true;
  await tenant.users.edit(ctx, id, patch({ title: 'a' }));
  await tenant.users.edit(ctx, id, patch({ title: 'b' }));
  assert.equal(await tenant.users.edit(ctx, other, patch({ title: 'a' })).then(() => 200, statusOf), 503);
  await setting.drain();
  await tenant.users.edit(ctx, other, patch({ title: 'a' }));
  assert.equal(zitadel.people.get(id)?.[TITLE], 'b');
});

/** The next process, after a long sleep. */
async function afterSleep(setting: Setting): Promise<Setting> {
  setting.life.die();
  now += 7_200_000;
  const next = setting.again({});
  await next.tenant.hold();
  next.zitadel.isDown = false;
  return next;
}

test('held: nothing is sent by itself; a new request sends its own facts; released, the rest is sent', async () => {
  const setting = setUp();
  const id = await user(setting);
  setting.zitadel.isDown = true;
  await setting.tenant.users.edit(setting.ctx, id, patch({ title: 'old', nickName: 'old' }));
  const next = await afterSleep(setting);
  const { tenant, ctx, zitadel } = next;
  const sent = zitadel.sent.length;
  await next.deliverAll();
  assert.equal(zitadel.sent.length, sent, 'nothing is sent');
  assert.equal((await tenant.operator.state()).counts.onHold, 1);
  await tenant.users.edit(ctx, id, patch({ title: 'new' }));
  assert.equal(zitadel.people.get(id)?.[TITLE], 'new');
  assert.equal(zitadel.people.get(id)?.['nickName'], undefined);
  const { differences, pending: changes } = await tenant.operator.show(id);
  assert.deepEqual(differences, [{ fact: 'nickName', asked: 'old', known: null, zitadel: null }]);
  assert.deepEqual(
    changes.map(({ facts, onHold: held }) => [facts, held]),
    [[['nickName'], true]],
  );
  assert.match((await tenant.operator.release(id)).told, /settled/);
  assert.equal(zitadel.people.get(id)?.['nickName'], 'old');
});

test('a held create is released by any write to that user, a held delete by none', async () => {
  const setting = setUp();
  const leaver = await user(setting, 'leaver');
  setting.zitadel.isDown = true;
  const joiner = await user(setting, 'joiner');
  await setting.tenant.users.remove(setting.ctx, leaver);
  const next = await afterSleep(setting);
  const { tenant, ctx, zitadel } = next;
  await tenant.users.edit(ctx, joiner, patch({ title: 'x' }));
  assert.equal(zitadel.people.get(joiner)?.[TITLE], 'x');
  assert.equal(await tenant.users.edit(ctx, leaver, patch({ title: 'x' })).then(() => 200, statusOf), 404);
  assert.ok(zitadel.people.has(leaver));
  await tenant.operator.drop(leaver);
  assert.equal(
    await tenant.users.get(ctx, leaver).then(() => 200, statusOf),
    200,
    'dropped: the user is as in ZITADEL',
  );
});

test('two rows swap their names: one takes a name of its own for the time being', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const [ann, bob] = [await user(setting, 'ann'), await user(setting, 'bob')];
  zitadel.isDown = true;
  for (const [id, userName] of [
    [ann, 'tmp'],
    [bob, 'ann'],
    [ann, 'bob'],
  ] as const)
    await tenant.users.edit(ctx, id, patch({ userName }));
  zitadel.isDown = false;
  await setting.deliverAll();
  await setting.drain();
  assert.deepEqual([zitadel.people.get(ann)?.['username'], zitadel.people.get(bob)?.['username']], ['bob', 'ann']);
  assert.ok(zitadel.sent.some(({ step }) => step.set['username']?.startsWith('scim-swap-')));
  assert.equal((await tenant.operator.state()).counts.deadLetter, 0);
});

test('a userName that a deleted user frees is given again while ZITADEL is away', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const old = await user(setting, 'ann');
  zitadel.isDown = true;
  await tenant.users.remove(ctx, old);
  const id = await user(setting, 'ann');
  assert.notEqual(id, old);
  assert.equal(await tenant.users.create(ctx, { user: { userName: 'ANN' }, hash: 'x' }).then(() => 201, statusOf), 409);
  zitadel.isDown = false;
  await setting.deliverAll();
  await setting.drain();
  assert.deepEqual([...zitadel.people.keys()], [id]);
});

test('metadata changed in ZITADEL moves no sequence: a rolling pass finds it', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  await tenant.operator.sync({ acceptRemovals: false });
  zitadel.people.set(id, { ...zitadel.people.get(id), [TITLE]: 'changed' });
  await tenant.operator.sync({ acceptRemovals: false });
  assert.equal((await setting.row(id))?.confirmed?.[TITLE], 'changed');
  const { resources } = await tenant.users.list(ctx, { startIndex: 1, count: 1 });
  assert.equal((await Array.fromAsync(resources))[0]?.user['title'], 'changed');
  await tenant.stop();
});

test('users missing in great number are removed when an operator says so', async () => {
  const setting = setUp();
  const { tenant, zitadel } = setting;
  for (let n = 0; n < 12; n += 1) await user(setting, `u${n}`);
  await tenant.operator.sync({ acceptRemovals: false });
  zitadel.people.clear();
  now += 1;
  const kept = await tenant.operator.sync({ acceptRemovals: false });
  assert.deepEqual([kept.kind === 'finished' && kept.kept, (await tenant.operator.state()).counts.rows], [12, 12]);
  const removed = await tenant.operator.sync({ acceptRemovals: true });
  assert.deepEqual(
    [removed.kind === 'finished' && removed.removed, (await tenant.operator.state()).counts.rows],
    [12, 0],
  );
  await tenant.stop();
});
