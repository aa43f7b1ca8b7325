import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { createSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { SERVICES, answered, call, control } from './stage.ts';
import type { Json, Outcome } from './stage.ts';

describe('rights in the sandbox', () => {
  let sandbox: Sandbox;
  let time = 1_800_000_000_000;
  let count = 0;
  /** Lists show what is 40 ms old; nothing moves the clock but a test. */
  before(async () => {
    sandbox = await createSandbox({ lag: { idle: 40, max: 40 }, clock: () => time });
  });
  after(() => sandbox.close());

  const send = (service: keyof typeof SERVICES, method: string, request: Json, token?: string): Promise<Outcome> =>
    call(sandbox, SERVICES[service], method, request, { token: token ?? sandbox.seeds.tokens.ownerA });

  async function fails(outcome: Promise<Outcome>, code: string, id: string): Promise<void> {
    const { error } = await outcome;
    assert.deepEqual([error?.code, error?.id], [code, id]);
  }

  async function machine(userId: string, token?: string): Promise<Outcome> {
    const machineUser = { name: 'Machine', description: 'of a test' };
    const organizationId = sandbox.seeds.organizations.a;
    return await send('user', 'CreateUser', { organizationId, userId, username: userId, machine: machineUser }, token);
  }

  async function fresh(): Promise<string> {
    count += 1;
    return String(answered(await machine(`machine-${count}`)).id);
  }

  it('machine users: a manager makes them with a chosen id and writes their metadata, a viewer does not', async () => {
    const { managerA, viewerA } = sandbox.seeds.tokens;
    assert.equal(answered(await machine('holder', managerA)).id, 'holder');
    await fails(machine('holder', managerA), 'FAILED_PRECONDITION', 'COMMAND-k2una');
    await fails(machine('other', viewerA), 'PERMISSION_DENIED', 'AUTH-AWfge');
    const write = { userId: 'holder', metadata: [{ key: 'k', value: 'djE=' }] };
    answered(await send('user', 'SetUserMetadata', write, managerA));
    await fails(send('user', 'SetUserMetadata', write, viewerA), 'PERMISSION_DENIED', 'AUTH-AWfge');
    const { metadata } = answered(await send('user', 'ListUserMetadata', { userId: 'holder' }, viewerA));
    assert.deepEqual(
      (metadata as Json[]).map(({ key, value }) => [key, value]),
      [['k', 'djE=']],
    );
    time += 41;
    const queries = [{ inUserIdsQuery: { userIds: ['holder'] } }];
    const human = [...queries, { typeQuery: { type: 'TYPE_HUMAN' } }];
    assert.equal((answered(await send('user', 'ListUsers', { queries })).result as Json[]).length, 1);
    assert.equal(answered(await send('user', 'ListUsers', { queries: human })).result, undefined);
  });

  it('project roles: added by an owner, each once, and listed', async () => {
    const { project: projectId, tokens } = sandbox.seeds;
    const add = (request: Json, token?: string): Promise<Outcome> =>
      send('project', 'AddProjectRole', { projectId, displayName: 'x', ...request }, token);
    answered(await add({ roleKey: 'added', group: 'g' }));
    await fails(add({ roleKey: 'added' }), 'ALREADY_EXISTS', 'V3-DKcYh');
    await fails(add({ roleKey: 'denied' }, tokens.managerA), 'PERMISSION_DENIED', 'AUTH-AWfge');
    await fails(add({ roleKey: 'r', projectId: 'nope' }), 'FAILED_PRECONDITION', 'COMMAND-EbFMN');
    const keys = async (request: Json): Promise<unknown[]> => {
      const { projectRoles = [] } = answered(await send('project', 'ListProjectRoles', request, tokens.managerA));
      return (projectRoles as Json[]).map(({ key }) => key);
    };
    assert.deepEqual(await keys({ projectId }), ['viewer', 'editor', 'admin', 'added']);
    assert.deepEqual(await keys({ projectId, pagination: { offset: '2', limit: 1 } }), ['admin']);
    assert.deepEqual(await keys({ projectId: 'nope' }), []);
  });

  it('roles of members by v1: for those who may see members', async () => {
    const { result } = answered(await send('management', 'ListOrgMemberRoles', {}));
    assert.ok((result as string[]).includes('ORG_OWNER'));
    const { managerA } = sandbox.seeds.tokens;
    await fails(send('management', 'ListOrgMemberRoles', {}, managerA), 'PERMISSION_DENIED', 'AUTH-5mWD2');
  });

  it('lists of administrators and authorizations lag, and are narrowed by their filters', async () => {
    const { project: projectId, organizations } = sandbox.seeds;
    const [one, two] = [await fresh(), await fresh()];
    const resource = { organizationId: organizations.a };
    for (const userId of [one, two]) {
      answered(await send('administrator', 'CreateAdministrator', { userId, resource, roles: ['ORG_OWNER_VIEWER'] }));
      answered(
        await send('authorization', 'CreateAuthorization', { userId, projectId, organizationId: organizations.a }),
      );
    }
    const members = async (filters: Json[]): Promise<unknown[]> => {
      const { administrators = [] } = answered(await send('administrator', 'ListAdministrators', { filters }));
      return (administrators as { user: Json }[]).map(({ user }) => user.id);
    };
    const grants = async (filters: Json[]): Promise<string[]> => {
      const { authorizations = [] } = answered(await send('authorization', 'ListAuthorizations', { filters }));
      return (authorizations as { user: Json }[]).map(({ user }) => String(user.id));
    };
    const user = { inUserIdsFilter: { ids: [one] } };
    assert.deepEqual([await members([user]), await grants([{ userId: { id: one } }])], [[], []]);
    time += 41;
    assert.deepEqual(await members([user, { resource: { organizationId: organizations.a } }]), [one]);
    assert.deepEqual(await members([user, { resource: { organizationId: organizations.b } }]), []);
    assert.deepEqual(await grants([{ userId: { id: one } }]), [one]);
    assert.deepEqual((await grants([{ projectId: { id: projectId } }])).toSorted(), [one, two].toSorted());
    assert.deepEqual(await grants([{ userId: { id: one } }, { organizationId: { id: organizations.b } }]), []);
    assert.deepEqual(await grants([{ projectId: { id: 'nope' } }]), []);
  });

  it('fails some of many parallel writes on the administrators of one organization, and none of eight', async () => {
    const client = createClient(
      InternalPermissionService,
      createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }),
    );
    const headers = { authorization: `Bearer ${sandbox.seeds.tokens.ownerA}` };
    const resource = { resource: { case: 'organizationId', value: sandbox.seeds.organizations.a } } as const;
    const ids = await Promise.all(Array.from({ length: 400 }, () => fresh()));
    const give = (userId: string): Promise<unknown> =>
      client.createAdministrator({ userId, resource, roles: ['ORG_OWNER_VIEWER'] }, { headers });
    await Promise.all(ids.slice(0, 8).map(give));
    let failed = 0;
    for (let at = 8; at < ids.length; at += 28) {
      for (const { status, ...rest } of await Promise.allSettled(ids.slice(at, at + 28).map(give))) {
        if (status === 'fulfilled') continue;
        const error = ConnectError.from('reason' in rest ? rest.reason : undefined);
        assert.match(error.message, /integrity violation/);
        assert.deepEqual([error.code, error.details], [Code.Unknown, []]);
        failed += 1;
      }
    }
    assert.ok(failed > 0 && failed < 50, `${failed} of 392`);
  });

  it('roles in a project are changed behind everyone, as in the console', async () => {
    const { project } = sandbox.seeds;
    const userId = await fresh();
    const grants = async (): Promise<unknown[]> =>
      ((await control(sandbox, `users/${userId}`)).grants as Json[]).map(({ id, roles }) => [id, roles]);
    await control(sandbox, 'grants', { userId, project, roles: ['viewer'] });
    const [[id]] = (await grants()) as [[string]];
    await control(sandbox, 'grants', { userId, project, roles: ['editor', 'admin'] });
    assert.deepEqual(await grants(), [[id, ['editor', 'admin']]]);
    await control(sandbox, 'grants', { userId, project, roles: [] });
    assert.deepEqual(await grants(), []);
  });
});
