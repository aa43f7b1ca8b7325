import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair, type JWTPayload } from 'jose';
import { hash as bcrypt } from '@node-rs/bcrypt';
import request from 'supertest';
import { TOKEN, hash, serve, type Served } from './serve.ts';
import { createFakeGroups } from './fake-groups.ts';
import { createFakeUsers } from './fake-users.ts';
import type { TenantAccess } from '../../src/scim/http/auth.ts';
import { isGuessable } from '../../src/scim/http/authorization.ts';
import type { JwtAccess } from '../../src/scim/http/jwt.ts';

const USERS = '/scim/v2/Users';
const ask = ({ app }: Served, authorization?: string) =>
  authorization === undefined ? request(app).get(USERS) : request(app).get(USERS).set('Authorization', authorization);

const hashOf = (password: string): Promise<string> => bcrypt(password, 4);

const users = createFakeUsers();
const groups = createFakeGroups(Date.now, users);
const other: TenantAccess = {
  tenant: { id: 'other', organization: '9', users, groups, ready: () => true },
  tokens: [{ name: 'entra', sha256: hash('other-token') }],
};

describe('RFC 6750 §2.1: bearer tokens', () => {
  test('none, another scheme or a wrong one is 401 with WWW-Authenticate and a SCIM body', async () => {
    const served = serve();
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer wrong',
      `Digest ${TOKEN}`,
      `Basic ${btoa(`x:${TOKEN}`)}`,
    ]) {
      const { body, headers } = await ask(served, authorization).expect(401);
      assert.equal(headers['www-authenticate'], 'Bearer realm="scim"');
      assert.equal(headers['content-type'], 'application/scim+json');
      assert.equal(body.status, '401');
      assert.equal(typeof body.detail, 'string');
    }
  });

  test('the scheme may be in any case; a tenant may have several tokens', async () => {
    const tokens = [
      { name: 'old', sha256: hash('one') },
      { name: 'new', sha256: hash('two').toUpperCase() },
    ];
    const served = serve({ access: { tokens } });
    await ask(served, 'bearer one').expect(200);
    await ask(served, 'BEARER  two ').expect(200);
    assert.deepEqual(
      served.lines.map(({ who }) => who),
      ['old', 'new'],
    );
  });

  test('an expired one is told apart for whoever holds it', async () => {
    const served = serve({
      access: { tokens: [{ name: 'okta', sha256: hash('t'), expires: Date.parse('2026-03-01T12:01:00Z') }] },
    });
    await ask(served, 'Bearer t').expect(200);
    served.pass(60_000);
    const { body } = await ask(served, 'Bearer t').expect(401);
    assert.match(body.detail, /"okta" has expired/);
  });

  test('a token opens its own tenant and nothing else', async () => {
    const served = serve({ others: [other] });
    const { body } = await request(served.app)
      .post(USERS)
      .set('Authorization', `Bearer ${TOKEN}`)
      .send({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada' })
      .expect(201);
    for (const path of [
      `${USERS}/${body.id}`,
      `/scim/v2/400559977632107558/Users/${body.id}`,
      '/scim/v2/400559977632107558/Users',
    ])
      await request(served.app).get(path).set('Authorization', 'Bearer other-token').expect(404);
    const list = await ask(served, 'Bearer other-token').expect(200);
    assert.equal(list.body.totalResults, 0);
    await request(served.app)
      .get(`/scim/v2/400559977632107558/Users/${body.id}`)
      .set('Authorization', `Bearer ${TOKEN}`)
      .expect(200);
  });
});

describe('failed credentials', () => {
  const fail = async (served: Served, authorization = 'Bearer wrong'): Promise<void> => {
    for (let i = 0; i < 10; i++) await ask(served, authorization).expect(401);
  };

  test('more than ten a minute from one address: 429 for failing ones, never for a valid one of 128 bits', async () => {
    const served = serve();
    await fail(served, `Bearer ${'wrong'.repeat(20)}`);
    served.pass(20_500);
    const { headers, body } = await ask(served, `Bearer ${'wrong'.repeat(20)}`).expect(429);
    assert.equal(headers['retry-after'], '40');
    assert.equal(body.status, '429');
    await ask(served, `Bearer ${TOKEN}`).expect(200);
    served.pass(39_500);
    await ask(served, 'Bearer wrong').expect(401);
  });

  test('what could be guessed waits even when it is right, from that address alone', async () => {
    const short = 'sixteen-letters!';
    const basic = { user: 'workday', passwordHash: await hashOf('right') };
    const served = serve({
      access: { tokens: [{ name: 'short', sha256: hash(short) }], basic },
      options: {},
    });
    served.app.set('trust proxy', true);
    const right = [`Bearer ${short}`, `Basic ${btoa('workday:right')}`];
    const from = (address: string, authorization: string) => ask(served, authorization).set('X-Forwarded-For', address);
    for (const authorization of right) await from('192.0.2.1', authorization).expect(200);
    for (let i = 0; i < 5; i++) {
      await from('192.0.2.1', `Basic ${btoa(`workday:wrong${i}`)}`).expect(401);
      await from('192.0.2.1', `Bearer wrong${i}`).expect(401);
    }
    for (const authorization of right) {
      await from('192.0.2.1', authorization).expect(429);
      await from('192.0.2.2', authorization).expect(200);
    }
    served.pass(60_000);
    for (const authorization of right) await from('192.0.2.1', authorization).expect(200);
  });

  test('many guesses at once are no more than ten, and right ones at once are one try', async () => {
    const served = serve({ access: { basic: { user: 'workday', passwordHash: await hashOf('right') } } });
    const all = async (authorizations: readonly string[]): Promise<readonly number[]> =>
      (await Promise.all(authorizations.map((each) => ask(served, each)))).map(({ status }) => status);
    const right = await all(Array.from({ length: 30 }, () => `Basic ${btoa('workday:right')}`));
    assert.deepEqual(new Set(right), new Set([200]));
    const guesses = await all(Array.from({ length: 30 }, (_, i) => `Basic ${btoa(`workday:guess${i}`)}`));
    assert.equal(guesses.filter((status) => status === 401).length, 10);
    assert.equal(guesses.filter((status) => status === 429).length, 20);
  });
});

test('a token of less than 128 bits, were it random, is one that could be guessed', () => {
  for (const [token, guessable] of [
    ['1'.repeat(38), true],
    ['1'.repeat(39), false],
    ['f'.repeat(31), true],
    ['F'.repeat(32), false],
    ['z'.repeat(24), true],
    ['z'.repeat(25), false],
    ['Z'.repeat(21), true],
    ['Z'.repeat(22), false],
    ['-'.repeat(21), true],
    ['-'.repeat(22), false],
  ] as const)
    assert.equal(isGuessable(token), guessable, token);
});

describe('RFC 7617: HTTP Basic, where a tenant has it', () => {
  test('user and password', async () => {
    const served = serve({ access: { basic: { user: 'workday', passwordHash: await hashOf('pa:ss') } } });
    await ask(served, `Basic ${btoa('workday:pa:ss')}`).expect(200);
    const { headers } = await ask(served, `Basic ${btoa('workday:pass')}`).expect(401);
    assert.equal(headers['www-authenticate'], 'Bearer realm="scim", Basic realm="scim"');
    await ask(served, `Basic ${btoa('other:pa:ss')}`).expect(401);
    await ask(served, `Basic ${btoa(`workday:pa:ss${'x'.repeat(100)}`)}`).expect(401);
    await ask(served, 'Basic %%%').expect(401);
    await ask(served, `Basic ${btoa('workday:pa:ss')}`).expect(200);
  });
});

describe('RFC 9068: access tokens of an identity provider', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const issuer = 'https://login.example.com/tenant/v2.0';
  const audience = '8adf8e6e-67b2-4cf2-a259-e3dc5476c621';
  const now = Date.parse('2026-03-01T12:00:00Z') / 1000;

  async function served(t: TestContext, more: Partial<JwtAccess> = {}): Promise<Served> {
    return (await issuerIn(t, more)).served;
  }

  /** A bridge, and the key endpoint that it asks: how often, and what it is answered. */
  async function issuerIn(t: TestContext, more: Partial<JwtAccess> = {}) {
    const endpoint = { asked: 0, status: 200 };
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
    const server = createServer((_req, res) => {
      endpoint.asked += 1;
      res.writeHead(endpoint.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(keys));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const jwt = { issuer, audience, jwksUri: `http://127.0.0.1:${port}/keys`, ...more };
    return { endpoint, served: serve({ access: { jwt }, others: [other] }) };
  }

  const sign = (
    claims: JWTPayload,
    key: Uint8Array | typeof privateKey = privateKey,
    alg = 'RS256',
    header: { readonly typ?: string; readonly kid?: string } = {},
  ): Promise<string> =>
    new SignJWT({ iss: issuer, aud: audience, exp: now + 300, ...claims })
      .setProtectedHeader({ alg, kid: 'k1', ...header })
      .sign(key);

  test('issuer and audience choose the tenant, the signature proves it', async (t) => {
    const it = await served(t);
    await ask(it, `Bearer ${await sign({})}`).expect(200);
    await ask(it, `Bearer ${await sign({ aud: ['x', audience] })}`).expect(200);
    assert.deepEqual([it.lines[0]?.tenant, it.lines[0]?.who], ['acme', 'jwt']);
  });

  test('anything else is 401', async (t) => {
    const it = await served(t);
    const stranger = await generateKeyPair('RS256');
    const tokens = [
      await sign({ iss: 'https://evil.example.com' }),
      await sign({ aud: 'another' }),
      await sign({ exp: now - 60 }),
      await sign({}, stranger.privateKey),
      await sign({}, new TextEncoder().encode('a shared secret of enough length'), 'HS256'),
      `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ iss: issuer, aud: audience, exp: now + 300 }))}.`,
      'a.b.c',
    ];
    for (const token of tokens) await ask(it, `Bearer ${token}`).expect(401);
  });

  test('claims that are asked for must be there, and the type of the token where one is set', async (t) => {
    const it = await served(t, { require: { azp: 'entra', tier: 2 }, typ: 'at+jwt' });
    const typ = { typ: 'at+jwt' };
    const right = { azp: 'entra', tier: [1, 2] };
    await ask(it, `Bearer ${await sign(right, privateKey, 'RS256', typ)}`).expect(200);
    await ask(it, `Bearer ${await sign(right, privateKey, 'RS256', { typ: 'application/at+jwt' })}`).expect(200);
    for (const token of [
      await sign(right),
      await sign(right, privateKey, 'RS256', { typ: 'JWT' }),
      await sign({ azp: 'okta', tier: 2 }, privateKey, 'RS256', typ),
      await sign({ azp: 'entra', tier: '2' }, privateKey, 'RS256', typ),
      await sign({ azp: 'entra' }, privateKey, 'RS256', typ),
    ])
      await ask(it, `Bearer ${token}`).expect(401);
  });

  test('keys that cannot be fetched are 503, asked for once in 30 s, and count as tries', async (t) => {
    const { endpoint, served: it } = await issuerIn(t);
    endpoint.status = 500;
    const token = await sign({});
    const statuses = async (count: number): Promise<readonly number[]> =>
      (await Promise.all(Array.from({ length: count }, () => ask(it, `Bearer ${token}`)))).map(({ status }) => status);
    // identity providers give up at a 401
    const { body, headers } = await ask(it, `Bearer ${token}`).expect(503);
    assert.equal(body.status, '503');
    assert.equal(headers['retry-after'], '10');
    const found = await statuses(100);
    assert.deepEqual(
      [found.filter((each) => each === 503).length, found.filter((each) => each === 429).length],
      [9, 91],
    );
    assert.equal(endpoint.asked, 1);
    it.pass(31_000);
    endpoint.status = 200;
    assert.deepEqual(new Set(await statuses(20)), new Set([200]));
    assert.equal(endpoint.asked, 2);
  });

  test('a key that nobody knows does not take the known ones away while the endpoint is down', async (t) => {
    const { endpoint, served: it } = await issuerIn(t);
    await ask(it, `Bearer ${await sign({})}`).expect(200);
    endpoint.status = 500;
    const forged = await sign({}, privateKey, 'RS256', { kid: 'k2' });
    for (let i = 0; i < 5; i++) await ask(it, `Bearer ${forged}`).expect(401);
    await ask(it, `Bearer ${await sign({})}`).expect(200);
    assert.ok(endpoint.asked <= 2);
  });
});
