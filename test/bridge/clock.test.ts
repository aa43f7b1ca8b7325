/** The clock of the machine is set back while the bridge does not run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patch, settings } from './setting.ts';

const DAY = 86_400_000;
let now = 10 * DAY;
const setUp = settings(() => now);

test('what is due in a far future is due at once, and what was read then is not fresh for so long', async () => {
  const setting = setUp();
  const { tenant, ctx, zitadel } = setting;
  const ids: string[] = [];
  for (const userName of ['ada', 'bob']) {
    const { resource, ended } = await tenant.users.create(ctx, { user: { userName }, hash: userName });
    ended(true);
    ids.push(resource.id);
  }
  const [id = '', other = ''] = ids;
  zitadel.fates.push('lost');
  await tenant.users.edit(ctx, id, patch({ active: false }));
  assert.equal(zitadel.people.get(id)?.['state'], 'active');
  zitadel.people.set(other, { ...zitadel.people.get(other), nickName: 'Bobby' });

  now -= DAY;
  const next = setting.again({});
  await next.tenant.open();
  await next.drain();
  assert.equal(zitadel.people.get(id)?.['state'], 'inactive');
  const row = await next.row(id);
  assert.ok((row?.recheck?.at ?? 0) <= now + 60_000, 'a late call is looked for soon');
  assert.equal((await next.tenant.users.get(next.ctx, other)).user['nickName'], 'Bobby');
  await tenant.stop();
  await next.tenant.stop();
});
