/** Rights: roles in the organization and in projects. What the token may not do must be said to be blocked. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Outcome, Zitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Facts } from '../../src/mapping/facts.ts';
import { ORG_RIGHT, projectRight } from '../../src/mapping/rights.ts';
import type { RightCall, RightSet } from '../../src/mapping/steps.ts';
import type { Bench } from './contract.ts';
import { until } from './until.ts';

const yes = (): Promise<boolean> => Promise.resolve(true);

export function rightsContract({ ask, created }: Bench): void {
  async function change(id: string, call: RightCall, right: RightSet): Promise<Outcome> {
    return await (await ask()).zitadel.run(id, { call, set: {}, right, names: [], after: {} }, yes);
  }

  /** Waits until a user is seen to hold just this; lists lag. */
  async function holds(id: string, facts: Facts): Promise<void> {
    const { zitadel } = await ask();
    await until(async () => {
      const outcome = await zitadel.rights(id);
      if (outcome.kind !== 'found') assert.fail(JSON.stringify(outcome));
      return same(outcome.facts, facts) ? true : undefined;
    });
    await until(async () => (same((await zitadel.allRights()).get(id) ?? {}, facts) ? true : undefined));
  }

  async function roles(context: TestContext): Promise<{ project: string; one: string; two: string } | undefined> {
    const { zitadel, project } = await ask();
    const keys = project === undefined ? [] : ((await zitadel.catalogue([project])).projects.get(project) ?? []);
    const [one, two] = keys;
    if (project !== undefined && one !== undefined && two !== undefined) return { project, one, two };
    context.skip('no project with two roles');
    return undefined;
  }

  test('roles in the organization: given, replaced, taken away', async (context) => {
    const { zitadel } = await ask();
    const { id } = await created();
    if (!(await may(zitadel, 'org.member.write'))) {
      assert.equal((await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] })).kind, 'blocked');
      return context.diagnostic('the token may not give roles in the organization');
    }
    assert.equal((await change(id, 'UpdateAdministrator', { roles: ['ORG_OWNER_VIEWER'] })).kind, 'replan');
    assert.deepEqual(await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] }), { kind: 'done' });
    assert.equal((await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] })).kind, 'replan');
    await holds(id, { [ORG_RIGHT]: '["ORG_OWNER_VIEWER"]' });
    const both = ['ORG_USER_PERMISSION_EDITOR', 'ORG_OWNER_VIEWER'];
    for (let times = 0; times < 2; times += 1)
      assert.deepEqual(await change(id, 'UpdateAdministrator', { roles: both }), { kind: 'done' });
    await holds(id, { [ORG_RIGHT]: JSON.stringify(both) });
    assert.equal((await change(id, 'UpdateAdministrator', { roles: ['ORG_NOPE'] })).kind, 'refused');
    assert.deepEqual(await change(id, 'DeleteAdministrator', { roles: [] }), { kind: 'done' });
    // the answer is empty then: it does not say that anything was done
    assert.equal((await change(id, 'DeleteAdministrator', { roles: [] })).kind, 'replan');
    await holds(id, {});
    assert.equal((await change(id, 'CreateAdministrator', { roles: ['ORG_NOPE'] })).kind, 'refused');
    const nobody = randomUUID();
    assert.deepEqual(await change(nobody, 'CreateAdministrator', { roles: both }), { kind: 'gone' });
  });

  test('members of one organization at once: all are', async () => {
    const { zitadel } = await ask();
    if (!(await may(zitadel, 'org.member.write'))) return;
    const users = await Promise.all(Array.from({ length: 24 }, () => created()));
    const outcomes = await Promise.all(
      users.map(({ id }) => change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] })),
    );
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'done' });
  });

  test('roles in a project: given, replaced, taken away', async (context) => {
    const confirmed = await roles(context);
    if (confirmed === undefined) return;
    const { project, one, two } = confirmed;
    const { id } = await created();
    const given = await change(id, 'CreateAuthorization', { project, roles: [one] });
    const fact = given.kind === 'done' ? given.after?.[projectRight(project)] : undefined;
    const { id: authorization } = JSON.parse(fact ?? assert.fail(JSON.stringify(given))) as { id: string };
    assert.match(authorization, /\S/);
    assert.equal((await change(id, 'CreateAuthorization', { project, roles: [two] })).kind, 'replan');
    await holds(id, { [projectRight(project)]: JSON.stringify({ id: authorization, roles: [one] }) });
    const right = { project, authorization, roles: [two, one] };
    for (let times = 0; times < 2; times += 1)
      assert.deepEqual(await change(id, 'UpdateAuthorization', right), { kind: 'done' });
    await holds(id, { [projectRight(project)]: JSON.stringify({ id: authorization, roles: [two, one] }) });
    const unknown = { ...right, roles: [`nope-${id}`] };
    assert.equal((await change(id, 'UpdateAuthorization', unknown)).kind, 'refused');
    for (let times = 0; times < 2; times += 1)
      assert.deepEqual(await change(id, 'DeleteAuthorization', { ...right, roles: [] }), { kind: 'done' });
    await holds(id, {});
    assert.equal((await change(id, 'UpdateAuthorization', right)).kind, 'replan');
    assert.equal((await change(id, 'CreateAuthorization', unknown)).kind, 'refused');
    assert.equal((await change(id, 'CreateAuthorization', { project: randomUUID(), roles: [one] })).kind, 'refused');
    assert.deepEqual(await change(randomUUID(), 'CreateAuthorization', { project, roles: [one] }), { kind: 'gone' });
  });

  test('roles that a project does not have are added to it, or it is said why not', async (context) => {
    const { zitadel, disposable, project } = await ask();
    if (disposable === undefined || project === undefined) return context.skip('they would stay behind');
    const { id } = await created();
    const role = `Röle ${id}`;
    const outcome = await change(id, 'CreateAuthorization', { project, roles: [role], creates: [role] });
    if (!(await may(zitadel, 'project.role.write'))) return assert.equal(outcome.kind, 'blocked');
    assert.equal(outcome.kind, 'done', JSON.stringify(outcome));
    assert.ok((await zitadel.catalogue([project])).projects.get(project)?.includes(role));
  });

  test('a user that is deleted takes its rights along', async (context) => {
    const confirmed = await roles(context);
    if (confirmed === undefined) return;
    const { zitadel } = await ask();
    const { id } = await created();
    await change(id, 'CreateAuthorization', { project: confirmed.project, roles: [confirmed.one] });
    await zitadel.run(id, { call: 'DeleteUser', set: {}, names: [], after: null }, yes);
    await holds(id, {});
  });
}

async function may(zitadel: Zitadel, permission: string): Promise<boolean> {
  return (await zitadel.catalogue([])).permissions.includes(permission);
}

const same = (a: Facts, b: Facts): boolean => JSON.stringify(a) === JSON.stringify(b);
