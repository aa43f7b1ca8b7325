/** What goes over the wire, seen by a server that answers nothing but the least; sometimes nothing at all. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  AuthorizationService,
  type CreateAuthorizationRequest,
  type ListAuthorizationsRequest,
} from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import {
  type CreateUserRequest,
  type UpdateUserRequest,
  UserService,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Message } from '@bufbuild/protobuf';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createZitadel, type ZitadelOptions } from '../../src/zitadel/zitadel.ts';
import type { FactsChange } from '../../src/mapping/facts.ts';
import type { StepCall } from '../../src/mapping/steps.ts';
import { person, yes } from './world.ts';

const seen: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
const sent: { create?: CreateUserRequest; update?: UpdateUserRequest; bodies: Message[] } = { bodies: [] };
/** services of this server beside UserService, by path prefix */
let served: readonly string[] = [];
/** it answers 200 and messages without content */
let isEmpty = false;

const adapter = connectNodeAdapter({
  routes: (router) =>
    router
      .rpc(UserService.method.createUser, (request) => {
        sent.create = request;
        return isEmpty ? {} : { id: request.userId ?? '', creationDate: { seconds: 1n } };
      })
      .rpc(UserService.method.updateUser, (request) => {
        sent.update = request;
        return isEmpty ? {} : { changeDate: { seconds: 1n } };
      })
      .rpc(UserService.method.getUserByID, (_request, { requestHeader }) => {
        if (requestHeader.has('authorization')) return {};
        throw new ConnectError('auth header missing', Code.Unauthenticated);
      })
      .rpc(UserService.method.listUserMetadata, () => (isEmpty ? {} : { pagination: { appliedLimit: 100n } }))
      .rpc(UserService.method.listUsers, () => (isEmpty ? {} : { details: { timestamp: { seconds: 1n } } }))
      .rpc(AuthService.method.getMyUser, () => ({ user: { id: 'me' } }))
      .rpc(AuthService.method.listMyZitadelPermissions, () => ({ result: ['user.grant.read', 'org.member.read'] }))
      .rpc(AuthorizationService.method.listAuthorizations, (request) => {
        sent.bodies.push(request);
        const of = { user: { id: 'ann' }, projectId: 'p', organizationId: 'ORG_A' };
        return {
          authorizations: [
            { ...of, id: 'by-grant', projectGrantId: 'g', roles: ['a'] },
            { ...of, id: 'own', roles: ['b', 'a'] },
            { ...of, id: 'later', roles: [] },
            { ...of, id: 'foreign', projectId: 'q', organizationId: 'ORG_B', roles: ['c'] },
          ],
        };
      })
      .rpc(AuthorizationService.method.createAuthorization, (request) => {
        sent.bodies.push(request);
        return { id: 'new' };
      })
      .rpc(InternalPermissionService.method.listAdministrators, (_request, { requestHeader }) => {
        if (requestHeader.has('authorization')) return isEmpty ? {} : { pagination: { appliedLimit: 100n } };
        throw new ConnectError('auth header missing', Code.Unauthenticated);
      }),
});

const server = createServer((request, response) => {
  const path = request.url;
  seen.push({ path, headers: request.headers });
  const moved = /internal_permission\.(v2|v2beta)\./.exec(path)?.[1];
  if (moved !== undefined && !served.includes(moved)) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"code":5,"message":"Not Found"}');
    return;
  }
  // the twins have the same messages
  request.url = path.replace('internal_permission.v2.', 'internal_permission.v2beta.');
  adapter(request, response);
});
const { promise: listening, resolve } = Promise.withResolvers<void>();
server.listen(0, '127.0.0.1', resolve);
await listening;
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const connections = [createConnection({ url, maxInFlight: 8 })];
after(() => {
  for (const each of connections) each.close();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
  served = ['v2', 'v2beta'];
  isEmpty = false;
});

function zitadel(options: Partial<ZitadelOptions> = {}) {
  const connection = createConnection({ url: `${url}/`, maxInFlight: 8 });
  connections.push(connection);
  return createZitadel({
    connection,
    organization: 'ORG_A',
    credential: { kind: 'token', token: 'secret' },
    emailVerified: true,
    phoneVerified: true,
    ...options,
  });
}

async function run(call: StepCall, set: FactsChange, options: Partial<ZitadelOptions> = {}): Promise<void> {
  const outcome = await zitadel(options).run('id-1', { call, set, names: [], after: set }, yes);
  assert.deepEqual(outcome, { kind: 'done' });
}

test('every call carries token and organization, and never a deadline for the server', async () => {
  const one = zitadel();
  await one.read('x');
  await one.find('userName', 'x');
  await one.protectedUsers();
  const calls = seen.filter(({ headers }) => headers.authorization !== undefined);
  assert.deepEqual(
    new Set(calls.map(({ path }) => path.split('/').at(-1))),
    new Set(['GetUserByID', 'ListUserMetadata', 'ListUsers', 'GetMyUser', 'ListAdministrators']),
  );
  for (const { path, headers } of calls) {
    assert.equal(headers.authorization, 'Bearer secret', path);
    assert.equal(headers['x-zitadel-orgid'], 'ORG_A', path);
  }
  for (const { path, headers } of seen)
    for (const name of ['connect-timeout-ms', 'grpc-timeout']) assert.equal(headers[name], undefined, path);
});

test('an empty answer makes nobody gone', async () => {
  assert.equal((await zitadel().read('x')).kind, 'retry');
});

test('a message without content settles no write and empties no list', async () => {
  isEmpty = true;
  const one = zitadel();
  for (const call of ['CreateUser', 'UpdateUser'] as const) {
    const outcome = await one.run('id-1', { call, set: person('ann'), names: [], after: {} }, yes);
    assert.deepEqual([outcome.kind, 'definite' in outcome && outcome.definite], ['retry', false], call);
  }
  const reads = [
    () => one.metadata('x'),
    () => one.protectedUsers(),
    () => one.allRights(),
    () => one.users()[Symbol.asyncIterator]().next(),
  ];
  for (const read of reads) await assert.rejects(read, { status: 503 });
});

test('create: organization, id, and addresses stored as verified', async () => {
  await run('CreateUser', person('ann', { phone: '+41791234567' }));
  const { create } = sent;
  assert.deepEqual([create?.organizationId, create?.userId, create?.username], ['ORG_A', 'id-1', 'ann']);
  const human = create?.userType.case === 'human' ? create.userType.value : undefined;
  assert.deepEqual(human?.email?.verification, { case: 'isVerified', value: true });
  assert.deepEqual(human?.phone?.verification, { case: 'isVerified', value: true });
});

test('nothing is ever mailed or texted: unverified addresses', async () => {
  const unverified = { emailVerified: false, phoneVerified: false };
  const human = () => {
    const { create, update } = sent;
    return [create, update].map((each) => (each?.userType.case === 'human' ? each.userType.value : undefined));
  };
  const facts = { email: 'a@example.test', phone: '+41791234567' };
  await run('CreateUser', { ...person('ann'), ...facts }, unverified);
  await run('UpdateUser', facts, unverified);
  const [created, updated] = human();
  assert.deepEqual(created?.email?.verification, { case: 'isVerified', value: false });
  assert.equal(created?.phone?.verification.case, 'returnCode');
  assert.equal(updated?.email?.verification.case, 'returnCode');
  assert.equal(updated?.phone?.verification.case, 'returnCode');
  // stand-in addresses are nobody's, whatever the setting says
  await run('CreateUser', person('ann', { email: 'id-1@users.invalid' }));
  await run('UpdateUser', { email: 'id-1@users.invalid' });
  const [madeUp, changed] = human();
  assert.deepEqual(madeUp?.email?.verification, { case: 'isVerified', value: false });
  assert.equal(changed?.email?.verification.case, 'returnCode');
});

test('update: only what is named; phone and language are taken away', async () => {
  await run('UpdateUser', { username: 'ann2' });
  assert.equal(sent.update?.username, 'ann2');
  assert.equal(sent.update?.userType.case, 'human');
  await run('UpdateUser', { phone: null, preferredLanguage: null, displayName: 'A' });
  const human = sent.update?.userType.case === 'human' ? sent.update.userType.value : undefined;
  assert.equal(sent.update?.username, undefined);
  assert.deepEqual([human?.phone?.phone, human?.phone?.verification.case], ['', undefined]);
  assert.deepEqual([human?.profile?.preferredLanguage, human?.profile?.displayName], ['und', 'A']);
  assert.deepEqual([human?.profile?.givenName, human?.email, human?.password], [undefined, undefined, undefined]);
});

for (const [has, expected] of [
  [['v2', 'v2beta'], 'v2'],
  [['v2'], 'v2'],
  [['v2beta'], 'v2beta'],
] as const) {
  test(`a server with ${has.join(' and ')} is asked by ${expected}`, async () => {
    served = has;
    const one = zitadel();
    await one.protectedUsers();
    await one.protectedUsers();
    const lists = seen.filter(({ path }) => path.endsWith('ListAdministrators'));
    const asked = lists.filter(({ headers }) => headers.authorization !== undefined);
    assert.equal(asked.length, 4);
    for (const { path } of asked) assert.match(path, new RegExp(`^/zitadel\\.internal_permission\\.${expected}\\.`));
    assert.equal(lists.length - asked.length, 1, 'probed once');
  });
}

test('a server that was upgraded is asked again', async () => {
  served = ['v2beta'];
  const one = zitadel();
  await one.protectedUsers();
  served = ['v2'];
  await assert.rejects(one.protectedUsers(), { status: 503 });
  assert.ok((await one.protectedUsers()).reasons.has('me'));
});

test('of several authorizations for one project that of no project grant counts; foreign ones do not', async () => {
  const expected = { 'right:project:p': '{"id":"own","roles":["b","a"]}' };
  assert.deepEqual(await zitadel().rights('ann'), { kind: 'found', facts: expected });
  assert.deepEqual(await zitadel().allRights(), new Map([['ann', expected]]));
});

test('authorizations: the organization is always named', async () => {
  sent.bodies.length = 0;
  const one = zitadel();
  await one.rights('ann');
  const right = { project: 'p', roles: ['r'] };
  const step = { call: 'CreateAuthorization', set: {}, right, names: [], after: {} } as const;
  const after = { 'right:project:p': '{"id":"new","roles":["r"]}' };
  assert.deepEqual(await one.run('ann', step, yes), { kind: 'done', after });
  const [list, create] = sent.bodies as [ListAuthorizationsRequest, CreateAuthorizationRequest];
  const filters = list.filters.map(({ filter }) => [filter.case, filter.value]);
  assert.partialDeepStrictEqual(filters, [
    ['organizationId', { id: 'ORG_A' }],
    ['userId', { id: 'ann' }],
  ]);
  assert.equal(list.pagination?.limit, 1_000);
  assert.deepEqual(
    [create.organizationId, create.userId, create.projectId, create.roleKeys],
    ['ORG_A', 'ann', 'p', ['r']],
  );
});

test('calls that come together ask once which services the server knows', async () => {
  const one = zitadel();
  await Promise.all([one.rights('ann'), one.rights('bob'), one.protectedUsers()]);
  const probes = seen.filter(({ path, headers }) => path.endsWith('ListAdministrators') && !headers.authorization);
  assert.equal(probes.length, 1);
});
