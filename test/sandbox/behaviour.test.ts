import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { createSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { SERVICES, answered, call, control, post } from './stage.ts';
import type { Json, Outcome } from './stage.ts';

describe('sandbox behaves as measured', () => {
  let sandbox: Sandbox;
  /** By one HTTP/2 connection, so that calls really run at the same time. */
  let client: Client<typeof UserService>;
  let headers: Record<string, string>;
  let count = 0;
  before(async () => {
    sandbox = await createSandbox({ lag: false });
    client = createClient(UserService, createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }));
    headers = { authorization: `Bearer ${sandbox.seeds.tokens.managerA}` };
  });
  after(() => sandbox.close());

  const fresh = (prefix: string): string => {
    count += 1;
    return `${prefix}${count}`;
  };

  function send(service: keyof typeof SERVICES, method: string, request: Json, token?: string): Promise<Outcome> {
    const { tokens } = sandbox.seeds;
    return call(sandbox, SERVICES[service], method, request, { token: token ?? tokens.instanceOwner });
  }

  function create(facts: Json = {}, human: Json = {}): Promise<Outcome> {
    const username = fresh('user');
    return send('user', 'CreateUser', {
      organizationId: sandbox.seeds.organizations.a,
      username,
      human: {
        profile: { givenName: 'Ann', familyName: 'Alpha' },
        email: { email: `${username}@example.test`, isVerified: true },
        ...human,
      },
      ...facts,
    });
  }

  async function list(queries: Json[], token?: string, query: Json = {}): Promise<{ total: string; ids: string[] }> {
    const { details, result } = answered(await send('user', 'ListUsers', { query, queries }, token));
    const ids = ((result ?? []) as Json[]).map(({ userId }) => String(userId));
    return { total: String((details as Json).totalResult ?? '0'), ids };
  }

  const organization = (organizationId: string): Json => ({ organizationIdQuery: { organizationId } });
  const key = (name: string, method = 'EQUALS'): Json => ({
    metadataKeyFilter: { key: name, method: `TEXT_FILTER_METHOD_${method}` },
  });

  it('adds metadata rows to totals, not to rows', async () => {
    const metadata = ['a', 'b', 'c'].map((one) => ({ key: one, value: 'dg==' }));
    const { id } = answered(await create({}, { metadata }));
    assert.deepEqual(await list([{ inUserIdsQuery: { userIds: [String(id), String(id)] } }]), {
      total: '3',
      ids: [id],
    });
  });

  it('takes rows away after the limit, and leaves them in the total', async () => {
    const { ownerA } = sandbox.seeds.tokens;
    const inB = answered(await create({ organizationId: sandbox.seeds.organizations.b, userId: fresh('~') })).id;
    const { ids, total } = await list([], ownerA, { limit: 1 });
    assert.deepEqual(ids, []);
    assert(Number(total) > 8);
    assert.deepEqual((await list([], undefined, { limit: 1 })).ids, [inB]);
  });

  it('shows a caller without any role only itself', async () => {
    const { tokens, users, organizations } = sandbox.seeds;
    const { ids, total } = await list([organization(organizations.a)], tokens.noRoleA);
    assert.deepEqual(ids, [users['org-a-no-role']]);
    assert(Number(total) >= 5);
  });

  it('orders by id descending unless told otherwise, and pages by users', async () => {
    const queries = [organization(sandbox.seeds.organizations.b)];
    const { ids } = await list(queries);
    assert.deepEqual(ids, [...ids].toSorted().toReversed());
    assert.deepEqual((await list(queries, undefined, { asc: true })).ids, [...ids].toReversed());
    assert.deepEqual((await list(queries, undefined, { limit: 1, offset: 1 })).ids, ids.slice(1, 2));
    assert.deepEqual((await list(queries, undefined, { limit: 1001 })).ids, ids);
  });

  it('joins metadata filters with one row at a time', async () => {
    const [one, two] = [fresh('key-'), fresh('key-')];
    const both = [one, two].map((name) => ({ key: name, value: 'dg==' }));
    const withBoth = String(answered(await create({}, { metadata: both })).id);
    const withOne = String(answered(await create({}, { metadata: both.slice(0, 1) })).id);
    const mine = { inUserIdsQuery: { userIds: [withBoth, withOne] } };
    const sorted = async (...queries: Json[]): Promise<string[]> => (await list([mine, ...queries])).ids.toSorted();
    assert.deepEqual(await sorted(key(one)), [withBoth, withOne].toSorted());
    assert.deepEqual(await sorted({ andQuery: { queries: [key(one), key(two)] } }), []);
    assert.deepEqual(await sorted({ notQuery: { query: key(one) } }), [withBoth]);
    assert.deepEqual(await sorted(key(two.slice(1), 'CONTAINS')), [withBoth]);
    assert.deepEqual(await sorted(key(two.slice(1, -1), 'CONTAINS')), []);
    assert.deepEqual(
      await sorted(key(two.slice(1, -1), 'ENDS_WITH')),
      two.slice(1, -1) === one.slice(1, -1) ? [withBoth, withOne].toSorted() : [withBoth],
    );
  });

  it('keeps usernames unique over the instance, trimmed, and frees them by rename and delete', async () => {
    const name = fresh('Name');
    const { id } = answered(await create({ username: ` ${name} ` }));
    assert.equal((await create({ username: name.toUpperCase() })).error?.id, 'V3-DKcYh');
    answered(await send('user', 'UpdateUser', { userId: id ?? '', username: `${name}x`, human: {} }));
    answered(await create({ username: name }));
    answered(await send('user', 'DeleteUser', { userId: id ?? '' }));
    answered(await create({ username: `${name}X` }));
  });

  it('keeps what it is told in its own spelling: phones E.164, languages canonical, names trimmed', async () => {
    const shown = async (human: Json): Promise<Json> => {
      const { id } = answered(await create({}, human));
      return (answered(await send('user', 'GetUserByID', { userId: id ?? '' })).user as Json).human as Json;
    };
    for (const [given, kept] of [
      ['0791234567', '+41791234567'],
      ['12', '+4112'],
      ['+1 415-555-2671', '+14155552671'],
    ]) {
      const phone = { phone: given ?? '', isVerified: true };
      assert.equal(((await shown({ phone })).phone as Json).phone, kept);
    }
    for (const [given, kept] of [
      ['EN', 'en'],
      ['en_US', 'en-US'],
      ['sv-FI', 'sv-FI'],
      ['xx-bogus', 'und'],
      ['!!', 'und'],
    ]) {
      const profile = { givenName: ' Ann ', familyName: 'Alpha', preferredLanguage: given ?? '' };
      const human = await shown({ profile });
      assert.equal((human.profile as Json).preferredLanguage, kept);
      assert.equal((human.profile as Json).givenName, 'Ann');
    }
    for (const email of ['a b@x.test', 'Ann <a@x.test>', 'ä@x.test']) {
      assert.equal((await create({}, { email: { email, isVerified: true } })).error?.id, 'EMAIL-599BI', email);
    }
    answered(await create({}, { email: { email: 'a@localhost', isVerified: true } }));
  });

  it('clears nick and display name through UpdateHumanUser only', async () => {
    const profile = { givenName: 'Ann', familyName: 'Alpha', nickName: 'N', displayName: 'D', preferredLanguage: 'de' };
    const userId = String(answered(await create({}, { profile })).id);
    const names = { givenName: 'Ann', familyName: 'Alpha', nickName: '', displayName: '' };
    answered(await send('user', 'UpdateHumanUser', { userId, profile: names }));
    const { human } = answered(await send('user', 'GetUserByID', { userId })).user as { human: { profile: Json } };
    const { nickName, displayName, preferredLanguage } = human.profile;
    assert.deepEqual([nickName, displayName, preferredLanguage], ['', '', 'de']);
  });

  it('refuses a token at once when its user is deactivated or it is revoked', async () => {
    const { tokens, users } = sandbox.seeds;
    const whoami = { userId: users['org-a-viewer'] ?? '' };
    answered(await send('user', 'GetUserByID', whoami, tokens.viewerA));
    await send('user', 'DeactivateUser', whoami);
    assert.equal((await send('user', 'GetUserByID', whoami, tokens.viewerA)).error?.id, 'AUTH-7fs1e');
    await send('user', 'ReactivateUser', whoami);
    answered(await send('user', 'GetUserByID', whoami, tokens.viewerA));
    await control(sandbox, 'tokens', { token: tokens.viewerA, revoked: true });
    assert.equal((await send('user', 'GetUserByID', whoami, tokens.viewerA)).error?.id, 'AUTH-7fs1e');
    await control(sandbox, 'tokens', { token: tokens.viewerA, revoked: false });
    answered(await send('user', 'GetUserByID', whoami, tokens.viewerA));
  });

  it('grants by roles: what a viewer and a manager may not', async () => {
    const { tokens, organizations } = sandbox.seeds;
    const userId = String(answered(await create()).id);
    const update = { userId, human: { profile: { givenName: 'X' } } };
    assert.equal((await send('user', 'UpdateUser', update, tokens.viewerA)).error?.id, 'AUTH-AWfge');
    assert.equal((await send('user', 'UpdateUser', update, tokens.noRoleA)).error?.id, 'AUTHZ-cdgFk');
    assert.equal((await send('user', 'UpdateUser', update, tokens.managerB)).error?.id, 'AUTHZ-cdgFk');
    const filters = [{ resource: { organizationId: organizations.a } }];
    const rows = async (token: string): Promise<[number, Json]> => {
      const answer = answered(await send('administrator', 'ListAdministrators', { filters }, token));
      return [((answer.administrators ?? []) as Json[]).length, answer.pagination as Json];
    };
    const [ofOwner, all] = await rows(tokens.ownerA);
    const [ofManager, same] = await rows(tokens.managerA);
    assert(ofOwner > 1);
    assert.equal(ofManager, 1);
    assert.deepEqual(same, all);
    const owner = { userId, resource: { organizationId: organizations.a }, roles: ['ORG_OWNER'] };
    assert.equal((await send('administrator', 'CreateAdministrator', owner, tokens.managerA)).error?.id, 'AUTH-AWfge');
    answered(await send('administrator', 'CreateAdministrator', owner, tokens.ownerA));
  });

  it('tells 20 creates of one id at once almost all OK, and keeps the names of the losers', async () => {
    const userId = fresh('raced-');
    const names = Array.from({ length: 20 }, () => fresh('raced-name'));
    const value = {
      profile: { givenName: 'Ann', familyName: 'Alpha' },
      email: { email: 'ann@example.test', verification: { case: 'isVerified' as const, value: true } },
    };
    const userType = { case: 'human' as const, value };
    const organizationId = sandbox.seeds.organizations.a;
    const outcomes = await Promise.allSettled(
      names.map((username) => client.createUser({ organizationId, userId, username, userType }, { headers })),
    );
    const ok = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert(ok > 5 && ok < 20, `${ok} of 20`);
    for (const one of outcomes) {
      if (one.status === 'rejected') assert.match(String(one.reason), /COMMAND-7yiox1isql|integrity violation/);
    }
    const reserved = await Promise.all(names.map((username) => create({ username: username.toUpperCase() })));
    assert.equal(reserved.filter(({ error }) => error?.id === 'V3-DKcYh').length, ok);
  });

  it('fails some of many parallel writes on one user, and none of eight', async () => {
    const userId = String(answered(await create()).id);
    const write = (n: number) =>
      client.setUserMetadata({ userId, metadata: [{ key: `k${n}`, value: new Uint8Array([1]) }] }, { headers });
    let failed = 0;
    for (let round = 0; round < 20; round += 1) {
      const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => write(round * 40 + n)));
      for (const one of outcomes) {
        if (one.status === 'fulfilled') continue;
        const error = ConnectError.from(one.reason);
        assert.match(error.message, /integrity violation/);
        assert.deepEqual([error.code, error.details], [Code.Unknown, []]);
        failed += 1;
      }
    }
    const listed = await send('user', 'ListUserMetadata', { userId, pagination: { limit: 1000 } });
    assert.equal((answered(listed).metadata as Json[]).length + failed, 800);
    assert(failed > 8 && failed < 50, `${failed} of 800`);
    await Promise.all(Array.from({ length: 8 }, (_, n) => write(n)));
  });

  it('shows what was written in the operator log, and counts calls', async () => {
    await control(sandbox, 'calls', {});
    const userId = fresh('logged-');
    answered(await create({ userId }));
    await send('user', 'DeactivateUser', { userId }, sandbox.seeds.tokens.managerA);
    await send('user', 'DeactivateUser', { userId }, sandbox.seeds.tokens.managerA);
    await send('user', 'GetUserByID', { userId });
    assert.deepEqual(await control(sandbox, 'calls'), { CreateUser: 1, DeactivateUser: 2, GetUserByID: 1 });
    const { text } = await post(sandbox, '/sandbox/log?from=0');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    const mine = lines.filter((line) => line.userId === userId);
    assert.deepEqual(
      mine.map(({ method, outcome, parallel }) => [method, outcome, parallel]),
      [
        ['CreateUser', 'ok', 1],
        ['DeactivateUser', 'ok', 1],
        ['DeactivateUser', 'COMMAND-5gunjw0cd7', 1],
      ],
    );
    assert.deepEqual(mine[1]?.request, { userId });
    assert.equal(mine[1]?.callerOrganization, sandbox.seeds.organizations.a);
    const from = await post(sandbox, `/sandbox/log?from=${String(mine[2]?.n)}`);
    assert.equal(from.text.trim().split('\n').length, 1);
  });

  it('tells whether a password would log in, clear or bcrypt', async () => {
    const hash = '$2a$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';
    const clear = answered(await create({}, { password: { password: 'Password1!' } })).id;
    const hashed = answered(await create({}, { hashedPassword: { hash } })).id;
    const none = answered(await create()).id;
    const login = async (id: unknown, verify: string): Promise<unknown> =>
      (await control(sandbox, `users/${String(id)}/password`, { verify })).login;
    assert.equal(await login(clear, 'Password1!'), true);
    assert.equal(await login(clear, 'Password2!'), false);
    assert.equal(await login(hashed, 'wrong'), false);
    assert.equal(await login(none, ''), false);
    await send('user', 'DeactivateUser', { userId: String(clear) });
    assert.equal(await login(clear, 'Password1!'), false);
  });

  it('judges a password by the organization of the context', async () => {
    const { organizations, tokens } = sandbox.seeds;
    const lax = { minLength: 3, upper: false, lower: false, number: false, symbol: false };
    await control(sandbox, `organizations/${organizations.b}`, { passwordRules: lax });
    const human = {
      profile: { givenName: 'Ann', familyName: 'Alpha' },
      email: { email: 'ann@example.test', isVerified: true },
      password: { password: 'abc' },
    };
    const request = { organizationId: organizations.b, human, username: fresh('lax') };
    const strict = await call(sandbox, SERVICES.user, 'CreateUser', request, { token: tokens.instanceOwner });
    assert.equal(strict.error?.id, 'COMMA-HuJf6');
    const context = { token: tokens.instanceOwner, organization: organizations.b };
    answered(await call(sandbox, SERVICES.user, 'CreateUser', request, context));
  });

  it('answers a deadline that ended with something untrue, and applies nothing', async () => {
    const userId = String(answered(await create()).id);
    await control(sandbox, 'faults', { mode: 'slow', ms: 20 });
    const path = `/${SERVICES.user}/DeactivateUser`;
    const answer = await post(sandbox, path, { userId }, { ...headers, 'connect-timeout-ms': '5' });
    await control(sandbox, 'faults', { mode: 'ok' });
    assert.match(answer.text, /unable to set instance|AUTH-Bs7Ds|SQL-KyeAx|context deadline exceeded/);
    assert.equal((await control(sandbox, `users/${userId}`)).state, 'active');
  });

  it('shows what is stored', async () => {
    const id = fresh('shown-');
    answered(await create({ userId: id }, { metadata: [{ key: 'k', value: 'djE=' }] }));
    const shown = await control(sandbox, `users/${id}`);
    assert.deepEqual([shown.id, shown.metadata, shown.grants], [id, { k: 'v1' }, []]);
    const { text } = await post(sandbox, `/sandbox/users?organization=${sandbox.seeds.organizations.a}`);
    assert(text.includes(`"id":"${id}"`));
  });

  it('fills in bulk', async () => {
    const id = fresh('full-');
    await control(sandbox, 'organizations', { id, name: id });
    await control(sandbox, 'fill', { organization: id, users: 300, metadata: 2 });
    const { ids, total } = await list([organization(id)]);
    assert.equal(ids.length, 300);
    assert.equal(total, '600');
  });
});
