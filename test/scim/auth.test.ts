import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair, type JWTPayload } from 'jose';
import request from 'supertest';
import { TOKEN, hash, serve, type Served } from './serve.ts';
import { createFakeGroups } from './fake-groups.ts';
import { createFakeUsers } from './fake-users.ts';
import type { TenantAccess } from '../../src/scim/http/auth.ts';

const USERS = '/scim/v2/Users';
const ask = ({ app }: Served, authorization?: string) =>
  authorization === undefined ? request(app).get(USERS) : request(app).get(USERS).set('Authorization', authorization);

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

describe('failed tokens', () => {
  test('more than ten a minute from one address: 429 for failing ones, never for a valid one', async () => {
    const served = serve();
    for (let i = 0; i < 10; i++) await ask(served, `Bearer wrong-${i}`).expect(401);
    served.pass(20_500);
    const { headers, body } = await ask(served, 'Bearer wrong').expect(429);
    assert.equal(headers['retry-after'], '40');
    assert.equal(body.status, '429');
    await ask(served, `Bearer ${TOKEN}`).expect(200);
    served.pass(39_500);
    await ask(served, 'Bearer wrong').expect(401);
  });
});

describe('RFC 7617: HTTP Basic, where a tenant has it', () => {
  test('user and password', async () => {
    const served = serve({ access: { basic: { user: 'workday', sha256: hash('pa:ss') } } });
    await ask(served, `Basic ${btoa('workday:pa:ss')}`).expect(200);
    const { headers } = await ask(served, `Basic ${btoa('workday:pass')}`).expect(401);
    assert.equal(headers['www-authenticate'], 'Bearer realm="scim", Basic realm="scim"');
    await ask(served, `Basic ${btoa('other:pa:ss')}`).expect(401);
    await ask(served, 'Basic %%%').expect(401);
  });
});

describe('RFC 9068: access tokens of an identity provider', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const issuer = 'https://login.example.com/tenant/v2.0';
  const audience = '8adf8e6e-67b2-4cf2-a259-e3dc5476c621';
  const now = Date.parse('2026-03-01T12:00:00Z') / 1000;

  async function served(t: TestContext, status = 200): Promise<Served> {
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
    const server = createServer((_req, res) =>
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(keys)),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    return serve({ access: { jwt: { issuer, audience, jwksUri: `http://127.0.0.1:${port}/keys` } }, others: [other] });
  }

  const sign = (claims: JWTPayload, key: Uint8Array | typeof privateKey = privateKey, alg = 'RS256'): Promise<string> =>
    new SignJWT({ iss: issuer, aud: audience, exp: now + 300, ...claims })
      .setProtectedHeader({ alg, kid: 'k1' })
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

  test('keys that can not be fetched are 503: identity providers give up at a 401', async (t) => {
    const { body, headers } = await ask(await served(t, 500), `Bearer ${await sign({})}`).expect(503);
    assert.equal(body.status, '503');
    assert.equal(headers['retry-after'], '10');
  });
});
