import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../end-to-end/until.ts';
import { BridgeError } from '../../src/errors.ts';
import { TIMING } from '../../src/bridge/timing.ts';
import { patch, settings, statusOf } from './setting.ts';

let now = 1_000_000;
const setUp = settings(() => now);

test('a leaver whose create was cut short before it was deactivated ends inactive, and the repeat says so', async () => {
  const { tenant, ctx, zitadel, fates, drain } = setUp();
  const input = { user: { userName: 'ada', active: false }, hash: 'h' };
  fates.push('ok', 'unsent');
  const { resource, ended } = await tenant.users.create(ctx, input);
  assert.equal(zitadel.people.get(resource.id)?.['state'], 'active');
  ended(false);
  assert.equal((await tenant.users.create(ctx, input)).resource.id, resource.id);
  assert.equal(resource.user['active'], false);
  await drain();
  assert.equal(zitadel.people.get(resource.id)?.['state'], 'inactive');
});

test('WHEN_DOWN=refuse: what certainly never left is dropped with the 503', async () => {
  const { tenant, ctx, fates, row, drain, zitadel } = setUp({ whenDown: 'refuse' });
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('unsent');
  assert.equal(await tenant.users.edit(ctx, resource.id, patch({ title: 'x' })).then(() => 200, statusOf), 503);
  assert.deepEqual((await row(resource.id))?.pending, []);
  await drain();
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:title'], undefined);
});

test('WHEN_DOWN=refuse: what may have been applied is answered and finished', async () => {
  const { tenant, ctx, fates, drain, zitadel } = setUp({ whenDown: 'refuse' });
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('lost', 'unsent');
  assert.equal((await tenant.users.edit(ctx, resource.id, patch({ title: 'x' }))).user['title'], 'x');
  await drain();
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:title'], 'x');
});

test('a delivery that cannot even ask is reported', async () => {
  const { tenant, ctx, fates, deliveries } = setUp();
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('lost', 'unsent');
  for (let n = 0; n < 2; n += 1) await tenant.users.edit(ctx, resource.id, patch({ title: 'x' })).catch(statusOf);
  assert.deepEqual(
    deliveries.map(({ outcome }) => outcome),
    ['done', 'retry', 'retry'],
  );
});

test('a POST repeated after the user was changed is no repeat', async () => {
  const { tenant, ctx } = setUp();
  const input = { user: { userName: 'ada' }, hash: 'h' };
  const { resource, ended } = await tenant.users.create(ctx, input);
  ended(false);
  const again = await tenant.users.create(ctx, input);
  assert.equal(again.resource.id, resource.id);
  again.ended(false);
  await tenant.users.edit(ctx, resource.id, patch({ title: 'x' }));
  assert.equal(await tenant.users.create(ctx, input).then(() => 201, statusOf), 409);
});

test('one bad value of one request does not refuse another that went out in the same call', async () => {
  const { tenant, ctx, zitadel } = setUp();
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  const answers = await Promise.all(
    [{ title: 'a' }, { title: 'refused' }, { timezone: 'Europe/Zurich' }].map((change) =>
      tenant.users.edit(ctx, resource.id, patch(change)).then(() => 200, statusOf),
    ),
  );
  assert.deepEqual(answers, [200, 400, 200]);
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:title'], 'a');
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:timezone'], 'Europe/Zurich');
});

test('a holder that lost its lease while it waited for a slot sends nothing', async () => {
  const setting = setUp({ timing: { answerWithinMs: 50 } });
  const { tenant, ctx, zitadel, fates, row } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('waits');
  assert.equal(
    (await tenant.users.edit(ctx, resource.id, patch({ title: 'old' }))).user['title'],
    'old',
    'late: answered',
  );
  const sent = zitadel.sent.length;
  now += TIMING.leaseMs + 1;
  await tenant.users.edit(ctx, resource.id, patch({ title: 'new' }));
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:title'], 'new');
  zitadel.freeSlots();
  await setting.deliverAll();
  const titles = zitadel.sent.slice(sent).map(({ step }) => step.set['urn:zitadel:scim:title']);
  // by whoever took the lease over, in order; by the one who lost it not once more
  assert.deepEqual(titles, ['old', 'new']);
  assert.deepEqual((await row(resource.id))?.pending, []);
});

test('what a PATCH names is sent although known says the same: known may be old', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada', title: 'a' }, hash: 'h' });
  await tenant.users.edit(ctx, resource.id, patch({ active: false }));
  // somebody activates it in ZITADEL itself
  zitadel.people.set(resource.id, { ...zitadel.people.get(resource.id), state: 'active' });
  now += 2_000;
  await tenant.users.edit(ctx, resource.id, patch({ active: false }));
  assert.equal(zitadel.people.get(resource.id)?.['state'], 'inactive');
});

test('no refusal keeps a leaver active: a taken userName, a password against the rules', async () => {
  const setting = setUp({ passwords: 'set' });
  const { tenant, ctx, zitadel } = setting;
  await tenant.operator.sync({ acceptRemovals: false });
  await tenant.users.create(ctx, { user: { userName: 'bob' }, hash: 'b' });
  for (const [userName, wish] of [
    ['ada', { ...patch({ active: false, userName: 'bob' }) }],
    ['cy', { ...patch({ active: false }), password: 'x'.repeat(80) }],
  ] as const) {
    const { resource } = await tenant.users.create(ctx, { user: { userName }, hash: userName });
    await assert.rejects(tenant.users.edit(ctx, resource.id, wish), /deactivated all the same/);
    assert.equal(zitadel.people.get(resource.id)?.['state'], 'inactive');
  }
  await tenant.stop();
});

test('a refusal that comes while the answer is being written is no refusal to the client, but a dead letter', async () => {
  const setting = setUp({ timing: { answerWithinMs: 20 } });
  const { tenant, ctx, zitadel, fates, row } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('waits');
  const answer = tenant.users.edit(ctx, resource.id, patch({ title: 'refused' }));
  await until(async () => (await row(resource.id))?.pending[0]?.acknowledged === true);
  zitadel.freeSlots();
  await answer; // not rejected
  await until(async () => (await row(resource.id))?.deadLetters.length === 1);
});

test('an answered create that waits for a stalled name holds no other change up', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel, fates, deliveries } = setting;
  const { resource: first } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  fates.push('barred');
  await tenant.users.edit(ctx, first.id, patch({ userName: 'bob' }));
  zitadel.isDown = true;
  assert.equal(await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'i' }).then(() => 201, statusOf), 409);
  zitadel.isDown = false;
  const count = deliveries.length;
  await tenant.users.edit(ctx, first.id, patch({ title: 'x' }));
  assert.ok(deliveries.length - count < 5);
});

test('equal changes of one user in an outage are kept once, different ones up to a limit', async () => {
  const { tenant, ctx, zitadel, row } = setUp();
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  zitadel.isDown = true;
  for (let n = 0; n < 20; n += 1) await tenant.users.edit(ctx, resource.id, patch({ title: 'x' }));
  assert.equal((await row(resource.id))?.pending.length, 1);
  const status = async (n: number) =>
    tenant.users.edit(ctx, resource.id, patch({ title: `${n}` })).then(() => 200, statusOf);
  for (let n = 1; n < 200; n += 1) assert.equal(await status(n), 200);
  assert.equal(await status(200), 503);
});

test('a PUT that could not be compared with ZITADEL sends all that it says', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada', title: 'A' }, hash: 'h' });
  zitadel.people.set(resource.id, { ...zitadel.people.get(resource.id), 'urn:zitadel:scim:title': 'B' });
  now += TIMING.viewMaxAgeMs + 1;
  zitadel.isDown = true;
  await tenant.users.edit(ctx, resource.id, { method: 'PUT', apply: (base) => ({ user: base, touched: [] }) });
  await setting.drain();
  assert.equal(zitadel.people.get(resource.id)?.['urn:zitadel:scim:title'], 'A');
});

test('of a request that cannot be read whole the deactivation is carried out', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  const apply = (): never => {
    throw new BridgeError(400, 'title must be a string');
  };
  await assert.rejects(
    tenant.users.edit(ctx, resource.id, { method: 'PUT', apply, leaves: () => true }),
    /all the same/,
  );
  assert.equal(zitadel.people.get(resource.id)?.['state'], 'inactive');
});

test('one user alone opens no breaker: it is found out when ZITADEL is back', async () => {
  let opened = 0;
  const setting = setUp({ timing: { probeMs: 5 }, onAvailable: () => (opened += 1) });
  const { tenant, ctx, zitadel, fates } = setting;
  const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
  zitadel.standingNow = { kind: 'retry', definite: true, cause: 'away', reason: 'ECONNREFUSED' };
  fates.push('unsent');
  await tenant.users.edit(ctx, resource.id, patch({ title: 'x' }));
  await until(() => zitadel.asked() > 0);
  assert.equal(opened, 0);
  zitadel.standingNow = { kind: 'able' };
  await until(() => opened === 1);
  await tenant.stop();
});
