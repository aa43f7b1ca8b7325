import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { connectTransport } from '../../src/zitadel/transport.ts';
import { createWorld, creation, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
const { seeds, url } = world.sandbox;
const { a, b } = seeds.organizations;
const credential = (token: string) => ({ kind: 'token', token }) as const;
const id = (name: string): string => seeds.users[name] ?? assert.fail(`no seed ${name}`);

const SELF = 'it is the service user of the bridge';

/** Gives a role in an organization, or on the instance, as the instance owner may. */
async function give(userId: string, role: string, organization?: string): Promise<void> {
  const client = createClient(
    InternalPermissionService,
    connectTransport(url, world.connection.session, (service) => service),
  );
  const headers = { authorization: `Bearer ${seeds.tokens.instanceOwner}` };
  const resource =
    organization === undefined
      ? ({ case: 'instance', value: true } as const)
      : ({ case: 'organizationId', value: organization } as const);
  await client.createAdministrator({ userId, resource: { resource }, roles: [role] }, { headers });
}

test('a manager sees itself only', async () => {
  const { reasons } = await world.zitadel().protectedUsers();
  assert.deepEqual([...reasons], [[id('org-a-manager'), SELF]]);
});

test('a viewer sees the active owners who are people', async () => {
  const viewer = world.zitadel({ credential: credential(seeds.tokens.viewerA) });
  const { reasons, activeOwners } = await viewer.protectedUsers();
  assert.deepEqual([...activeOwners], [], 'the owner in the seed is a machine');
  assert.equal(reasons.get(id('org-a-viewer')), SELF);

  const zitadel = world.zitadel();
  await zitadel.run('second', creation('second'), yes);
  await give('second', 'ORG_OWNER', a);
  assert.deepEqual([...(await viewer.protectedUsers()).activeOwners], ['second']);

  const step = { call: 'DeactivateUser', set: {}, names: [], after: {} } as const;
  await zitadel.run('second', step, yes);
  assert.deepEqual([...(await viewer.protectedUsers()).activeOwners], [], 'an inactive owner does not count');
});

test('a token of the instance sees the holders of instance roles', async () => {
  const zitadel = world.zitadel({ credential: credential(seeds.tokens.instanceOwner) });
  await zitadel.run('admin', creation('admin'), yes);
  await give('admin', 'IAM_OWNER_VIEWER');
  const { reasons } = await zitadel.protectedUsers();
  assert.equal(reasons.get('admin'), 'it holds the instance role IAM_OWNER_VIEWER');
  assert.equal(reasons.get(id('instance-owner')), SELF);
});

test('a user of another organization is gone, for a token of either kind', async () => {
  const other = world.zitadel({ organization: b, credential: credential(seeds.tokens.managerB) });
  await other.run('of-b', creation('of-b'), yes);
  for (const token of [seeds.tokens.managerA, seeds.tokens.viewerA, seeds.tokens.instanceOwner])
    assert.deepEqual(await world.zitadel({ credential: credential(token) }).read('of-b'), { kind: 'gone' }, token);
});

test('a token without its role is blocked, and nobody is gone for it', async () => {
  await world.zitadel().run('stays', creation('stays'), yes);
  const noRole = world.zitadel({ credential: credential(seeds.tokens.noRoleA) });
  assert.equal((await noRole.read('stays')).kind, 'blocked');
  assert.equal((await noRole.run('stays2', creation('stays2'), yes)).kind, 'blocked');
  assert.deepEqual(await noRole.find('userName', 'stays'), []);
  const { reasons } = await noRole.protectedUsers();
  assert.deepEqual([...reasons.keys()], [id('org-a-no-role')]);
});

test('a header with an unknown organization is blocked', async () => {
  const lost = world.zitadel({ organization: '999', credential: credential(seeds.tokens.instanceOwner) });
  assert.equal((await lost.read('x')).kind, 'blocked');
  await assert.rejects(lost.passwordRules(), { status: 503 });
});

test('v2 or v2beta, whichever the server has', async () => {
  for (const services of ['v2', 'v2beta'] as const) {
    const one = await createWorld({ services });
    const owner = one.zitadel({ credential: credential(one.sandbox.seeds.tokens.ownerA) });
    assert.equal((await owner.protectedUsers()).reasons.size, 1, services);
    await one.close();
  }
});

test('an unknown host name is blocked, and says so', async () => {
  const one = await createWorld({ externalDomain: 'auth.example.test' });
  const outcome = await one.zitadel().read('x');
  assert.equal(outcome.kind, 'blocked');
  assert.match(outcome.kind === 'blocked' ? outcome.reason : '', /external domain/);
  await one.close();
});
