import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guarded } from '../../src/bridge/ports.ts';
import { settings, statusOf } from './setting.ts';

const setUp = settings();
const off = {
  method: 'PATCH',
  apply: (base: object) => ({ user: { ...base, active: false }, touched: ['active'] }),
} as const;

for (const at of ['one after the other', 'at once'] as const) {
  test(`two owners deactivated ${at}: the second one is the last and stays`, async () => {
    const owners = new Set<string>();
    const guarded = (): Guarded => ({
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

test('an owner who became the last one in ZITADEL itself stays', async () => {
  const owners = new Set<string>();
  const guarded = (): Guarded => ({
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
