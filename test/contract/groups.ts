/** What groups need: the holder of their definitions, what rules can name, and what the token may do. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Outcome, Zitadel } from '../../src/bridge/ports/zitadel.ts';
import type { FactsChange } from '../../src/mapping/facts.ts';
import { groupKey } from '../../src/mapping/groups.ts';
import type { Bench } from './contract.ts';

const yes = (): Promise<boolean> => Promise.resolve(true);

export function groupsContract(ask: Bench['ask']): void {
  async function write(call: 'SetUserMetadata' | 'DeleteUserMetadata', set: FactsChange): Promise<Outcome> {
    return await (await ask()).zitadel.groupStore.run({ call, set, names: [], after: set }, yes);
  }

  async function definitions(): Promise<FactsChange> {
    const outcome = await (await ask()).zitadel.groupStore.read();
    return outcome.kind === 'found' ? outcome.facts : assert.fail(JSON.stringify(outcome));
  }

  test('holder: definitions are written, read at once, and taken away', async () => {
    const [one, two] = [groupKey(randomUUID()), groupKey(randomUUID())];
    assert.deepEqual(await write('SetUserMetadata', { [one]: '{"displayName":"Ünits"}' }), { kind: 'done' });
    assert.deepEqual(await write('SetUserMetadata', { [two]: 'x'.repeat(100_000) }), { kind: 'done' });
    assert.deepEqual(await write('SetUserMetadata', { [one]: '{"displayName":"Units"}' }), { kind: 'done' });
    const found = await definitions();
    assert.deepEqual([found[one], found[two]?.length], ['{"displayName":"Units"}', 100_000]);
    assert.deepEqual(await write('DeleteUserMetadata', { [one]: null }), { kind: 'done' });
    assert.deepEqual(await write('DeleteUserMetadata', { [one]: null }), { kind: 'already' });
    assert.deepEqual(await write('DeleteUserMetadata', { [two]: null }), { kind: 'done' });
    const left = await definitions();
    assert.deepEqual([left[one], left[two]], [undefined, undefined]);
  });

  test('holder: definitions written at once are all kept', async () => {
    const keys = Array.from({ length: 24 }, () => groupKey(randomUUID()));
    const outcomes = await Promise.all(keys.map((key) => write('SetUserMetadata', { [key]: key })));
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'done' });
    const found = await definitions();
    for (const key of keys) assert.equal(found[key], key);
    assert.deepEqual(await write('DeleteUserMetadata', Object.fromEntries(keys.map((key) => [key, null]))), {
      kind: 'done',
    });
  });

  test('holder: it is no SCIM user', async () => {
    const { zitadel } = await ask();
    await write('SetUserMetadata', { [groupKey('contract')]: 'x' });
    await write('DeleteUserMetadata', { [groupKey('contract')]: null });
    for await (const page of zitadel.users())
      for (const { facts } of page) assert.doesNotMatch(String(facts['username']), /^scim-groups-/);
    const id = `scim-groups-${await organizationOf(zitadel)}`;
    assert.deepEqual(await zitadel.read(id), { kind: 'gone' });
    assert.deepEqual(await zitadel.find('userName', id), []);
  });

  test('catalogue: what the token may do, the roles that rules can name, no project that is not there', async () => {
    const { zitadel, project } = await ask();
    const unknown = randomUUID();
    const { permissions, orgRoles, projects } = await zitadel.catalogue([unknown, ...(project ? [project] : [])]);
    assert.ok(permissions.includes('user.write'));
    assert.equal(orgRoles?.includes('ORG_OWNER_VIEWER'), permissions.includes('org.member.read') ? true : undefined);
    assert.equal(projects.get(unknown), undefined);
    if (project !== undefined) assert.ok((projects.get(project)?.length ?? 0) >= 2);
  });

  test('the token is able, and what is said of it holds', async () => {
    const { zitadel, self } = await ask();
    assert.deepEqual(await zitadel.standing(), { kind: 'able' });
    const { user, organization, permissions, problems, sees, clockSkew } = await zitadel.inspect();
    assert.deepEqual(problems, []);
    assert.equal(organization?.state, 'active');
    if (self !== undefined) assert.equal(user?.id, self);
    assert.deepEqual([...permissions].toSorted(), [...(await zitadel.catalogue([])).permissions].toSorted());
    assert.equal(sees.organizationRoles, permissions.includes('org.member.read'));
    assert.ok(Math.abs(clockSkew ?? Number.NaN) < 60_000);
  });
}

async function organizationOf(zitadel: Zitadel): Promise<string> {
  const { organization } = await zitadel.inspect();
  return organization?.id ?? assert.fail('the organization is not known');
}
