import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLock } from '../../src/bridge/delivery/exclusive.ts';
import { createProtectedUsers } from '../../src/bridge/delivery/protected-users.ts';
import { ALONE } from '../../src/bridge/ports/peers.ts';
import type { ProtectedByZitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Key } from '../../src/bridge/row/types.ts';
import type { Lease } from '../../src/bridge/ports/store.ts';
import type { Step } from '../../src/mapping/steps.ts';
import { createLeases } from '../../src/store/sqlite/leases.ts';
import { createFakeZitadel } from './fake-zitadel.ts';
import { settings, statusOf } from './setting.ts';

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
  const zitadel = { ...createFakeZitadel([]), guarded };
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
    const guard = createProtectedUsers({
      tenant: 't',
      peers,
      lock,
      zitadel,
      protect: [],
      clock: Date.now,
      maxAge: 60_000,
    });
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
