/** Rights in deliveries: lists that lag, keys that others wrote, wishes that take away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, Row } from '../../src/bridge/row/types.ts';
import { stillVouched, withRights } from '../../src/bridge/delivery/rights.ts';
import { isSameChange, emptyRow } from '../../src/bridge/row/views.ts';
import { TIMING } from '../../src/bridge/timing.ts';
import { groupKey, MEMBER } from '../../src/mapping/groups.ts';
import { ORG_RIGHT } from '../../src/mapping/rights.ts';
import { MISSING_ROLE } from './fake-rights.ts';
import { settings } from './setting.ts';

const setUp = settings();

const user = (over: Partial<Row>): Row =>
  emptyRow({ tenant: 't', id: 'u' }, 0, { confirmed: { username: 'ann', state: 'active' }, ...over });

const edit = (facts: Change['facts']): Change => ({
  revision: 1,
  kind: 'edit',
  facts,
  named: [],
  acknowledged: true,
  who: 'okta',
  txn: 't',
  at: 0,
});

test('a list that may be older than our own last call is not believed when it says otherwise', () => {
  const held = { [ORG_RIGHT]: '["ORG_USER_MANAGER"]' };
  const row = user({ confirmed: { state: 'active', ...held }, rights: { at: 10_000, sent: 10_000 } });
  assert.equal(withRights(row, {}, 10_000 + TIMING.listLagMs - 1, TIMING), undefined, 'the list lags');
  assert.deepEqual(withRights(row, {}, 10_000 + TIMING.listLagMs, TIMING)?.confirmed, { state: 'active' });
  const same = withRights(row, held, 10_000, TIMING);
  assert.deepEqual(same?.confirmed, row.confirmed);
  assert.ok(same !== undefined && same.rights.at > same.rights.sent, 'it was read since');
});

test('a membership is vouched for as long as it is there or asked for', () => {
  const key = groupKey('g');
  const there = user({ confirmed: { [key]: MEMBER }, trusted: ['g'] });
  assert.deepEqual(stillVouched(there).trusted, ['g']);
  assert.deepEqual(stillVouched(user({ pending: [edit({ [key]: MEMBER })], trusted: ['g'] })).trusted, ['g']);
  assert.deepEqual(stillVouched(user({ trusted: ['g'] })).trusted, []);
  assert.deepEqual(stillVouched(user({ confirmed: { [key]: 'forged' }, trusted: ['g'] })).trusted, []);
});

test('two wishes that take different facts away are not one wish', () => {
  assert.ok(!isSameChange(edit({ [groupKey('a')]: null }), edit({ [groupKey('b')]: null })));
  assert.ok(isSameChange(edit({ title: null, nickName: 'x' }), edit({ nickName: 'x', title: null })));
});

test('removed from two groups while ZITADEL is away: neither key is left', async () => {
  const { tenant, ctx, zitadel, drain } = setUp();
  await tenant.open();
  const made = await tenant.users.create(ctx, { user: { userName: 'ann' }, hash: 'ann' });
  made.ended(true);
  const { id } = made.resource;
  const groups: string[] = [];
  for (const displayName of ['a', 'b'])
    groups.push((await tenant.groups.create(ctx, { displayName, members: [id], hash: displayName })).resource.id);
  zitadel.isDown = true;
  for (const group of groups)
    await tenant.groups.edit(ctx, group, { members: [{ kind: 'remove', ids: [id] }] }, { members: false });
  await drain();
  const keys = Object.keys(zitadel.people.get(id) ?? {}).filter((key) => key.includes(':group:'));
  assert.deepEqual(keys, []);
  await tenant.stop();
});

test('a role that ZITADEL refuses keeps no other from being given, and none from being taken away', async () => {
  const rule = {
    by: 'displayName',
    pattern: '*',
    orgRoles: [],
    project: 'p1',
    roles: ['{displayName}'],
    createRoles: false,
    allowPrivileged: false,
  } as const;
  const { tenant, ctx, zitadel } = setUp({ groups: { rules: [rule] } });
  await tenant.open();
  assert.equal((await tenant.operator.sync({ acceptRemovals: false })).kind, 'finished');
  const made = await tenant.users.create(ctx, { user: { userName: 'ann' }, hash: 'ann' });
  made.ended(true);
  const { id } = made.resource;
  const groups = new Map<string, string>();
  for (const displayName of ['reader', MISSING_ROLE, 'editor'])
    groups.set(
      displayName,
      (await tenant.groups.create(ctx, { displayName, members: [id], hash: displayName })).resource.id,
    );
  const held = (): readonly string[] | undefined => zitadel.rightsHeld.grants.get(id)?.get('p1')?.roles;
  assert.deepEqual(held()?.toSorted(), ['editor', 'reader']);
  const leave = (name: string) =>
    tenant.groups.edit(ctx, groups.get(name) ?? '', { members: [{ kind: 'remove', ids: [id] }] }, { members: false });
  await leave('reader');
  assert.deepEqual(held(), ['editor']);
  await leave('editor');
  assert.equal(held(), undefined);
  const { rights } = await tenant.operator.groups.explain(id);
  assert.deepEqual(
    rights.map(({ role, standing }) => [role, standing]),
    [[MISSING_ROLE, 'dead-letter']],
  );
  await tenant.stop();
});
