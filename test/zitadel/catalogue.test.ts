import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createWorld } from './world.ts';

const world = await createWorld();
after(() => world.close());
beforeEach(() => world.faults());
const { project, tokens, organizations } = world.sandbox.seeds;
const credential = (token: string) => ({ kind: 'token', token }) as const;

/** A call to the service of projects as the owner of the instance. */
async function make(method: string, body: object): Promise<string> {
  const response = await fetch(`${world.sandbox.url}/zitadel.project.v2beta.ProjectService/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.instanceOwner}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { readonly id?: string };
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.id ?? '';
}

test('an owner sees the roles of members; a manager does not, both see the roles of projects', async () => {
  const owner = await world.zitadel({ credential: credential(tokens.ownerA) }).catalogue([project]);
  assert.ok(owner.orgRoles?.includes('ORG_OWNER_VIEWER'));
  assert.ok(owner.permissions.includes('org.member.write'));
  const manager = await world.zitadel().catalogue([project, project]);
  assert.equal(manager.orgRoles, undefined);
  assert.ok(!manager.permissions.includes('org.member.write'));
  for (const { projects } of [owner, manager])
    assert.deepEqual([...projects], [[project, ['viewer', 'editor', 'admin']]]);
});

test('a project that is not there, of another organization, or without roles', async () => {
  const foreign = await make('CreateProject', { organizationId: organizations.b, name: 'foreign' });
  await make('AddProjectRole', { projectId: foreign, roleKey: 'r', displayName: 'r' });
  const empty = await make('CreateProject', { organizationId: organizations.a, name: 'empty' });
  const { projects } = await world.zitadel().catalogue(['nope', foreign, empty]);
  assert.deepEqual(
    [...projects],
    [
      ['nope', undefined],
      [foreign, undefined],
      [empty, []],
    ],
  );
  assert.equal((await world.zitadel().catalogue([])).projects.size, 0);
});

test('more roles than one page', async () => {
  const large = await make('CreateProject', { organizationId: organizations.a, name: 'large' });
  const keys = Array.from({ length: 1_001 }, (_, at) => `role-${at}`);
  // one after the other on one project, side by side they might collide
  for (const roleKey of keys) await make('AddProjectRole', { projectId: large, roleKey, displayName: roleKey });
  assert.deepEqual((await world.zitadel().catalogue([large])).projects.get(large), keys);
});

test('by v2 and by v2beta', async (context) => {
  for (const services of ['v2', 'v2beta'] as const) {
    const one = await createWorld({ services });
    context.after(() => one.close());
    const { projects } = await one.zitadel().catalogue([one.sandbox.seeds.project, 'nope']);
    assert.deepEqual([...projects.values()], [['viewer', 'editor', 'admin'], undefined], services);
  }
});

test('a token without a role sees nothing; away: 503', async () => {
  const none = await world.zitadel({ credential: credential(tokens.noRoleA) }).catalogue([project]);
  assert.deepEqual([none.permissions, none.orgRoles, none.projects.get(project)], [[], undefined, undefined]);
  await world.faults({ mode: 'error', method: 'ListProjectRoles', status: 503 });
  await assert.rejects(world.zitadel().catalogue([project]), { name: 'BridgeError', status: 503 });
});
