import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { SignJWT } from 'jose';
import { createSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { answered, call, control, post } from './stage.ts';
import type { Json } from './stage.ts';

const USER = 'zitadel.user.v2.UserService';
const SCOPE = 'openid urn:zitadel:iam:org:project:id:zitadel:aud';

describe('ways into the sandbox', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox({ lag: false });
  });
  after(() => sandbox.close());

  async function token(form: Record<string, string>, authorization?: string): Promise<{ status: number; body: Json }> {
    const answer = await fetch(`${sandbox.url}/oauth/v2/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: authorization ? { authorization } : {},
    });
    return { status: answer.status, body: (await answer.json()) as Json };
  }

  async function works(accessToken: unknown): Promise<boolean> {
    const userId = sandbox.seeds.users['org-a-manager'] ?? '';
    const { response } = await call(sandbox, USER, 'GetUserByID', { userId }, { token: String(accessToken) });
    return response !== undefined;
  }

  const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

  it('client credentials', async () => {
    const { id, secret } = sandbox.seeds.client;
    const form = { grant_type: 'client_credentials', scope: SCOPE };
    const { status, body } = await token(form, basic(id, secret));
    assert.equal(status, 200);
    assert.equal(body.expires_in, 43199);
    assert.equal(await works(body.access_token), true);
    assert.equal((await token(form, basic(id, 'wrong'))).status, 401);
    const narrow = await token({ ...form, scope: 'openid' }, basic(id, secret));
    assert.equal(await works(narrow.body.access_token), false);
  });

  it('private-key JWT, RFC 7523 §2.1', async () => {
    const { key, keyId, userId } = sandbox.seeds.key;
    assert.match(key, /BEGIN RSA PRIVATE KEY/);
    const assertion = (audience: string): Promise<string> =>
      new SignJWT({ iss: userId, sub: userId, aud: audience })
        .setProtectedHeader({ alg: 'RS256', kid: keyId })
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(createPrivateKey(key));
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', scope: SCOPE };
    const good = await token({ ...form, assertion: await assertion(sandbox.url) });
    assert.equal(good.status, 200);
    assert.equal(await works(good.body.access_token), true);
    assert.equal((await token({ ...form, assertion: await assertion('http://elsewhere.test') })).status, 400);
  });

  it('health', async () => {
    for (const path of ['/debug/healthz', '/debug/ready']) {
      assert.deepEqual(pick(await post(sandbox, path)), [200, 'ok']);
    }
  });

  it('a method without a token: 401 when it is there, 404 when not', async () => {
    const status = async (path: string): Promise<number> => (await post(sandbox, path, {})).status;
    assert.equal(await status(`/${USER}/ListUsers`), 401);
    assert.equal(await status(`/${USER}/NoSuchMethod`), 404);
    const absent = await post(sandbox, '/zitadel.group.v2.GroupService/ListGroups', {});
    assert.deepEqual(pick(absent), [404, '{"code":5,"message":"Not Found"}']);
    const v1 = await post(sandbox, '/zitadel.auth.v1.AuthService/GetMyUser', {});
    assert.deepEqual(pick(v1), [404, '{"code":5,"message":"Not Found"}']);
  });

  it('serves the twin services it is told to', async () => {
    const probe = async (one: Sandbox, version: string): Promise<number[]> => {
      const names = [
        `internal_permission.${version}.InternalPermissionService/ListAdministrators`,
        `authorization.${version}.AuthorizationService/ListAuthorizations`,
        `project.${version}.ProjectService/ListProjectRoles`,
      ];
      const answers = await Promise.all(names.map((name) => post(one, `/zitadel.${name}`, {})));
      return answers.map(({ status }) => status);
    };
    const old = await createSandbox({ services: 'v2beta' });
    const young = await createSandbox({ services: 'v2' });
    try {
      assert.deepEqual(await probe(sandbox, 'v2'), [401, 401, 401]);
      assert.deepEqual(await probe(sandbox, 'v2beta'), [401, 401, 401]);
      assert.deepEqual(
        [await probe(old, 'v2'), await probe(old, 'v2beta')],
        [
          [404, 404, 404],
          [401, 401, 401],
        ],
      );
      assert.deepEqual(
        [await probe(young, 'v2'), await probe(young, 'v2beta')],
        [
          [401, 401, 401],
          [404, 404, 404],
        ],
      );
    } finally {
      await Promise.all([old.close(), young.close()]);
    }
  });

  it('ListAuthorizations of v2 answers in its own message', async () => {
    const { tokens, organizations, project, users } = sandbox.seeds;
    const options = { token: tokens.managerA };
    const service = 'zitadel.authorization.v2.AuthorizationService';
    const userId = users['org-a-no-role'] ?? '';
    const grant = { userId, projectId: project, organizationId: organizations.a, roleKeys: ['editor'] };
    const made = answered(await call(sandbox, service, 'CreateAuthorization', grant, options));
    const filters = [{ inUserIds: { ids: [userId] } }, { organizationId: { id: organizations.a } }];
    const listed = answered(await call(sandbox, service, 'ListAuthorizations', { filters }, options));
    const [row] = listed.authorizations as Json[];
    assert.equal(row?.id, made.id);
    assert.deepEqual(row?.project, { id: project, name: 'intranet', organizationId: organizations.a });
    assert.deepEqual(row?.organization, { id: organizations.a, name: 'a' });
    assert.deepEqual(row?.roles, [{ key: 'editor', displayName: 'editor' }]);
    const { organizationId: _, ...without } = grant;
    const refused = await call(sandbox, service, 'CreateAuthorization', without, options);
    assert.equal(refused.error?.code, 'INVALID_ARGUMENT');
  });

  it('x-zitadel-instance-host repairs an unknown host', async () => {
    const strict = await createSandbox({ externalDomain: 'zitadel.test' });
    try {
      const path = `/${USER}/ListUsers`;
      const authorization = `Bearer ${strict.seeds.tokens.managerA}`;
      assert.equal((await post(strict, path, {}, { authorization })).status, 404);
      const host = { 'x-zitadel-instance-host': 'zitadel.test' };
      assert.equal((await post(strict, path, {}, { authorization, ...host })).status, 200);
      assert.equal((await post(strict, path, {}, { authorization, host: 'zitadel.test:8080' })).status, 200);
    } finally {
      await strict.close();
    }
  });

  it('an unknown host is said by gRPC as by Connect', async () => {
    const strict = await createSandbox({ externalDomain: 'zitadel.test' });
    try {
      const token = strict.seeds.tokens.managerA;
      const byGrpc = await call(strict, 'zitadel.auth.v1.AuthService', 'GetMyUser', {}, { token });
      assert.deepEqual([byGrpc.error?.code, byGrpc.error?.id], ['NOT_FOUND', null]);
      assert.match(byGrpc.error?.message ?? '', /^unable to set instance using origin/);
    } finally {
      await strict.close();
    }
  });

  it('personal access tokens: the own ones, and those of users one may read', async () => {
    const { tokens, users, organizations } = sandbox.seeds;
    const userId = users['org-b-manager'] ?? '';
    const expires = Date.UTC(2100, 0, 1);
    await control(sandbox, 'tokens', { token: 'another', userId, expires });
    const list = async (token: string): Promise<Json> =>
      answered(
        await call(
          sandbox,
          USER,
          'ListPersonalAccessTokens',
          { filters: [{ userIdFilter: { id: userId } }] },
          { token },
        ),
      );
    const ends = ({ result }: Json): unknown[] =>
      ((result ?? []) as Json[]).map(({ expirationDate }) => expirationDate);
    assert.deepEqual(ends(await list('another')), ['9999-12-31T23:59:59Z', '2100-01-01T00:00:00Z']);
    assert.equal(ends(await list(tokens.ownerB)).length, 2);
    const foreign = await list(tokens.managerA);
    assert.deepEqual([ends(foreign), (foreign.pagination as Json).totalResult], [[], '2']);
    await control(sandbox, 'tokens', { token: 'another', revoked: true });
    assert.deepEqual(ends(await list(tokens.managerB)), ['9999-12-31T23:59:59Z']);
    await control(sandbox, 'tokens', { token: 'another', revoked: false });
    assert.deepEqual(
      ends(await list('another')),
      ['9999-12-31T23:59:59Z', '2100-01-01T00:00:00Z'],
      'given back as it was',
    );
    await control(sandbox, 'tokens', { token: 'another', expires: Date.now() - 1 });
    const ended = await call(sandbox, USER, 'ListUsers', {}, { token: 'another', organization: organizations.b });
    assert.equal(ended.error?.id, 'AUTH-7fs1e');
  });

  it('roles are given and taken away', async () => {
    const { tokens, users, organizations } = sandbox.seeds;
    const entry = { userId: users['org-a-no-role'] ?? '', organization: organizations.a };
    const may = async (): Promise<unknown> =>
      answered(
        await call(sandbox, 'zitadel.auth.v1.AuthService', 'ListMyZitadelPermissions', {}, { token: tokens.noRoleA }),
      ).result ?? [];
    assert.deepEqual(await may(), []);
    await control(sandbox, 'members', { ...entry, roles: ['ORG_SETTINGS_MANAGER'] });
    assert.ok(((await may()) as string[]).includes('policy.write'));
    await control(sandbox, 'members', { ...entry, roles: ['ORG_USER_SELF_MANAGER'] });
    assert.deepEqual(await may(), ['policy.read', 'user.self.delete']);
    await control(sandbox, 'members', { ...entry, roles: [] });
    assert.deepEqual(await may(), []);
  });

  it('refuses larger limits where newer servers do', async () => {
    const young = await createSandbox({ maxLimit: 1000 });
    try {
      const send = (limit: number) =>
        call(young, USER, 'ListUsers', { query: { limit } }, { token: young.seeds.tokens.managerA });
      assert.equal((await send(1001)).error?.id, 'QUERY-4M0fs');
      answered(await send(1000));
    } finally {
      await young.close();
    }
  });

  it('gives its seeds to who starts it as a process', async () => {
    assert.deepEqual(await control(sandbox, 'seeds'), JSON.parse(JSON.stringify(sandbox.seeds)));
  });
});

function pick({ status, text }: { status: number; text: string }): [number, string] {
  return [status, text];
}
