import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Facts } from '../../src/mapping/facts.ts';
import { toFacts } from '../../src/mapping/users.ts';
import { until } from '../end-to-end/until.ts';
import { type Setting, settings, statusOf } from './setting.ts';

const setUp = settings();
const facts = (userName: string, over: Facts = {}): Facts => ({ ...toFacts({ userName }, userName), ...over });

/** Starts the tenant and waits for its first sync. */
async function synced(setting: Setting): Promise<void> {
  await setting.tenant.open();
  setting.tenant.start();
  await until(() => setting.syncs.some(({ kind }) => kind === 'finished' || kind === 'failed'));
  await setting.tenant.stop();
}

const total = async ({ tenant, ctx }: Setting): Promise<number> =>
  (await tenant.users.list(ctx, { startIndex: 1, count: 0 })).total;

test('metadata that anybody may have written keeps nobody out', async () => {
  const setting = setUp();
  for (const [n, emails] of ['[null]', '[{"value":"a@b.c"},{"value":5}]', '{"a":', '7', '[[]]', '"x"'].entries())
    setting.zitadel.people.set(
      `u${n}`,
      facts(`u${n}`, { 'urn:zitadel:scim:emails': emails, 'urn:zitadel:scim:roles': emails }),
    );
  await synced(setting);
  assert.equal(setting.tenant.ready(), true);
  assert.equal(await total(setting), 6);
  for (let n = 0; n < 6; n += 1) await setting.tenant.users.get(setting.ctx, `u${n}`);
});

test('users made, changed and removed in ZITADEL: the next sync follows', async () => {
  const setting = setUp();
  for (const id of ['ann', 'bob', 'cy']) setting.zitadel.people.set(id, facts(id));
  await synced(setting);
  setting.zitadel.people.delete('ann');
  setting.zitadel.people.set('bob', facts('bob2'));
  setting.zitadel.people.set('dot', facts('dot'));
  setting.zitadel.move();
  const next = setting.again({});
  await synced(next);
  const { resources } = await next.tenant.users.list(next.ctx, { startIndex: 1, count: 10 });
  assert.deepEqual(
    (await Array.fromAsync(resources)).map(({ user }) => String(user['userName'])).toSorted((a, b) => (a < b ? -1 : 1)),
    ['bob2', 'cy', 'dot'],
  );
  assert.equal(await next.tenant.users.get(next.ctx, 'ann').then(() => 200, statusOf), 404);
});

test('when more than ten users and 5 % are missing at once, none is removed', async () => {
  const setting = setUp();
  for (let n = 0; n < 12; n += 1) setting.zitadel.people.set(`u${n}`, facts(`u${n}`));
  await synced(setting);
  setting.zitadel.people.clear();
  const next = setting.again({});
  await synced(next);
  assert.equal(await total(next), 12);
  const finished = next.syncs.find((event) => event.kind === 'finished');
  assert.deepEqual([finished?.removed, finished?.kept], [0, 12]);
});

test('names that were swapped in ZITADEL are taken over', async () => {
  const setting = setUp();
  setting.zitadel.people.set('1', facts('ann'));
  setting.zitadel.people.set('2', facts('bob'));
  await synced(setting);
  setting.zitadel.people.set('1', facts('bob'));
  setting.zitadel.people.set('2', facts('ann'));
  setting.zitadel.move();
  const next = setting.again({});
  await synced(next);
  assert.equal((await next.tenant.users.get(next.ctx, '1')).user['userName'], 'bob');
  assert.equal((await next.tenant.users.get(next.ctx, '2')).user['userName'], 'ann');
});

test('the rows of another organization are not mixed in: the start is refused with a line that says what to do', async () => {
  const setting = setUp();
  setting.zitadel.people.set('ann', facts('ann'));
  await synced(setting);
  await assert.rejects(
    setting.again({ organization: 'another' }).tenant.open(),
    /use another one \(DATA_DIR, or REDIS_URL\)/,
  );
});

test('uniqueExternalId switched on later counts for the users that are there', async () => {
  const setting = setUp();
  const { resource } = await setting.tenant.users.create(setting.ctx, {
    user: { userName: 'ann', externalId: 'x' },
    hash: 'a',
  });
  await synced(setting);
  const strict = setting.again({ uniqueExternalId: true });
  await synced(strict);
  const input = { user: { userName: 'bob', externalId: 'x' }, hash: 'b' };
  assert.equal(await strict.tenant.users.create(strict.ctx, input).then(() => 201, statusOf), 409);
  await strict.tenant.users.remove(strict.ctx, resource.id);
  assert.equal(await strict.tenant.users.create(strict.ctx, input).then(() => 201, statusOf), 201);
});

test('a list page that is older than a write does not overwrite it', async () => {
  const setting = setUp();
  setting.zitadel.people.set('ann', facts('ann'));
  await synced(setting);
  const next = setting.again({});
  setting.zitadel.lag(); // lists go on showing what they show now
  const off = {
    method: 'PATCH',
    apply: (base: object) => ({ user: { ...base, active: false }, touched: ['active'] }),
  } as const;
  await setting.tenant.users.edit(setting.ctx, 'ann', off);
  await synced(next);
  assert.equal((await next.tenant.users.get(next.ctx, 'ann')).user['active'], false);
  assert.equal((await next.row('ann'))?.confirmed?.['state'], 'inactive');
});
