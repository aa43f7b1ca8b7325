/** Dead letters: what was answered and then refused for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIMING } from '../../src/bridge/timing.ts';
import { REFUSED } from './fake-zitadel.ts';
import { patch, type Setting, settings, statusOf } from './setting.ts';

let now = 1_000_000;
const setUp = settings(() => now);
const TITLE = 'urn:zitadel:scim:title';

async function user({ tenant, ctx }: Setting, over: object = {}): Promise<string> {
  const { resource, ended } = await tenant.users.create(ctx, { user: { userName: 'ada', ...over }, hash: 'h' });
  ended(true);
  return resource.id;
}

/** Asks while ZITADEL is away, then lets it be delivered. */
async function inOutage(setting: Setting, ask: () => Promise<unknown>): Promise<void> {
  setting.zitadel.isDown = true;
  await ask();
  setting.zitadel.isDown = false;
  await setting.deliverAll();
}

test('a fact that was answered and is refused later: a dead letter, the view is back at known, the rest is applied', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  await inOutage(setting, () => tenant.users.edit(ctx, id, patch({ title: REFUSED, nickName: 'Countess' })));
  const shown = await tenant.users.get(ctx, id);
  assert.equal(shown.user['title'], undefined);
  assert.equal(shown.user['nickName'], 'Countess');
  assert.equal(zitadel.people.get(id)?.['nickName'], 'Countess');
  const [entry] = await tenant.operator.list('deadLetter', 10);
  assert.deepEqual([entry?.id, entry?.deadLetters[0]?.facts, entry?.deadLetters[0]?.cause], [id, [TITLE], 'refused']);
  assert.equal(entry?.dueAt, null);
  assert.equal((await tenant.operator.state()).counts.deadLetter, 1);
});

test('a retry asks only what was not written since', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  await inOutage(setting, () => tenant.users.edit(ctx, id, patch({ title: REFUSED })));
  await tenant.users.edit(ctx, id, patch({ title: 'newer' }));
  assert.deepEqual((await setting.row(id))?.deadLetters, [], 'overtaken');
  await assert.rejects(tenant.operator.retry(id), { status: 409 });
  assert.equal(zitadel.people.get(id)?.[TITLE], 'newer');
});

test('an answered create that is refused: 404, a dead letter with all that was asked since, delivered by a retry', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  zitadel.people.set('other', { username: 'ada', state: 'active' });
  let id = '';
  await inOutage(setting, async () => {
    id = await user(setting);
    await tenant.users.edit(ctx, id, patch({ title: 'Countess' }));
  });
  assert.equal(await tenant.users.get(ctx, id).then(() => 200, statusOf), 404);
  assert.equal((await tenant.users.list(ctx, { startIndex: 1, count: 10 })).total, 0);
  const shown = await tenant.operator.show(id);
  assert.deepEqual([shown.zitadel, shown.wish], ['gone', 'create']);
  zitadel.people.delete('other');
  assert.match((await tenant.operator.retry(id)).told, /settled/);
  assert.equal(zitadel.people.get(id)?.[TITLE], 'Countess');
  assert.equal((await tenant.users.get(ctx, id)).user['userName'], 'ada');
});

test('a dead create whose userName another row takes is closed', async () => {
  const setting = setUp();
  const { tenant, zitadel } = setting;
  zitadel.people.set('other', { username: 'ada', state: 'active' });
  let dead = '';
  await inOutage(setting, async () => {
    dead = await user(setting);
  });
  zitadel.people.delete('other');
  const id = await user(setting);
  assert.notEqual(id, dead);
  assert.equal(await setting.row(dead), undefined);
  await assert.rejects(tenant.operator.retry(dead), { status: 404 });
});

test('a dead create whose userName was taken by a user that is gone by now is no dead end', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const other = await user(setting);
  zitadel.people.set('thief', { username: 'eve', state: 'active' });
  let dead = '';
  await inOutage(setting, async () => {
    dead = (await tenant.users.create(ctx, { user: { userName: 'eve' }, hash: 'e' })).resource.id;
  });
  zitadel.people.delete('thief');
  zitadel.people.set(other, { ...zitadel.people.get(other), username: 'eve' });
  zitadel.move();
  await tenant.operator.sync({ acceptRemovals: false });
  await tenant.stop();
  zitadel.people.delete(other);
  now += 60_000;
  assert.match((await tenant.operator.retry(dead)).told, /settled/);
  assert.equal(zitadel.people.get(dead)?.['username'], 'eve');
  assert.equal((await setting.row(dead))?.dueAt, null);
});

test('dropped: the letter is forgotten, and so is it after DEAD_LETTER_RETENTION', async () => {
  const setting = setUp({ timing: { deadLetterRetentionMs: 1_000 } });
  const { tenant, ctx } = setting;
  const id = await user(setting);
  const die = () => inOutage(setting, () => tenant.users.edit(ctx, id, patch({ title: REFUSED })));
  await die();
  await tenant.operator.drop(id);
  assert.deepEqual((await setting.row(id))?.deadLetters, []);
  await die();
  await tenant.operator.sync({ acceptRemovals: false });
  assert.equal((await setting.row(id))?.deadLetters.length, 1);
  now += 2_000;
  await tenant.operator.sync({ acceptRemovals: false });
  assert.deepEqual((await setting.row(id))?.deadLetters, []);
  await tenant.stop();
});

test('the same answer 10 times over an hour, while another row succeeds: poisoned', async () => {
  const setting = setUp({ timing: { syncIntervalMs: 1 } });
  const { tenant, ctx, zitadel } = setting;
  const id = await user(setting);
  const other = (await tenant.users.create(ctx, { user: { userName: 'bob' }, hash: 'b' })).resource.id;
  zitadel.fates.push('failed');
  await tenant.users.edit(ctx, id, patch({ title: 'x' }));
  for (let n = 0; n < TIMING.repeatedlyFailingTimes; n += 1) {
    assert.deepEqual((await setting.row(id))?.deadLetters, []);
    now += TIMING.repeatedlyFailingAfterMs / TIMING.repeatedlyFailingTimes + 1;
    await tenant.users.edit(ctx, other, patch({ title: String(n) }));
    zitadel.fates.push('ok', 'failed');
    await setting.deliverAll();
  }
  const [letter] = (await setting.row(id))?.deadLetters ?? [];
  assert.equal(letter?.cause, 'poisoned');
  assert.deepEqual(letter?.facts, { [TITLE]: 'x' });
  await setting.deliverAll();
  assert.match((await tenant.operator.retry(id)).told, /settled/);
  assert.equal(zitadel.people.get(id)?.[TITLE], 'x');
});

test('no password is ever in a dead letter', async () => {
  const setting = setUp({ passwords: 'set' });
  const { tenant, ctx, zitadel, row } = setting;
  await tenant.operator.sync({ acceptRemovals: false });
  zitadel.people.set('other', { username: 'ada', state: 'active' });
  let id = '';
  await inOutage(setting, async () => {
    const made = await tenant.users.create(ctx, { user: { userName: 'ada' }, password: 'secret', hash: 'p' });
    id = made.resource.id;
    assert.ok(JSON.stringify(await row(id)).includes('$2b$'), 'a hash is owed');
  });
  assert.equal((await row(id))?.deadLetters.length, 1);
  await tenant.stop();
  assert.equal(JSON.stringify(await row(id)).includes('$2b$'), false);
});
