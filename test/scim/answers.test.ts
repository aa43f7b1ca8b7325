import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import request from 'supertest';
import { BridgeError } from '../../src/errors.ts';
import { TOKEN, USER_URN, serve, type Served } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };
const get = ({ app }: Served, path: string) =>
  request(app)
    .get(BASE + path)
    .set(bearer);

async function create({ app }: Served, userName = 'ada'): Promise<{ readonly id: string; readonly etag: string }> {
  const { body } = await request(app)
    .post(`${BASE}/Users`)
    .set(bearer)
    .send({ schemas: [USER_URN], userName, title: 'Countess' })
    .expect(201);
  return { id: body.id, etag: body.meta.version };
}

describe('RFC 7644 §3.12: every answer is SCIM JSON', () => {
  test('paths that are none', async () => {
    const served = serve();
    for (const path of [
      '',
      '/',
      '/Nothing',
      '/Users/1/2',
      '/123/Users',
      '/400559977632107558/Nothing',
      '/Groups/../Users/x/y',
    ]) {
      const { body, headers } = await get(served, path).expect(404);
      assert.equal(headers['content-type'], 'application/scim+json');
      assert.deepEqual([body.schemas, body.status], [['urn:ietf:params:scim:api:messages:2.0:Error'], '404']);
    }
  });

  test('methods that a path does not have: 405 with Allow', async () => {
    const served = serve();
    for (const [method, path, allow] of [
      ['delete', '/Users', 'GET, POST'],
      ['post', '/Users/1', 'GET, PUT, PATCH, DELETE'],
      ['get', '/Users/.search', 'POST'],
      ['post', '/ServiceProviderConfig', 'GET'],
      ['put', '/Schemas', 'GET'],
      ['patch', '/ResourceTypes/User', 'GET'],
      ['options', '/Users', 'GET, POST'],
    ] as const) {
      const agent = request(served.app);
      const { body, headers } = await agent[method](BASE + path)
        .set(bearer)
        .expect(405);
      assert.equal(headers['allow'], allow);
      assert.equal(body.status, '405');
    }
  });

  test('RFC 7644 §3.7, §3.11: /Bulk and /Me are 501', async () => {
    const served = serve();
    const bulk = await request(served.app).post(`${BASE}/Bulk`).set(bearer).send({}).expect(501);
    assert.match(bulk.body.detail, /bulk/);
    await get(served, '/Me').expect(501);
  });

  test('a crash tells nothing of the inside; the log has the place and not the message', async () => {
    const served = serve();
    served.users.fail = new TypeError('secret value');
    const { body, text } = await get(served, '/Users').expect(500);
    assert.equal(body.status, '500');
    assert.doesNotMatch(text, /secret value|TypeError|\.ts/);
    assert.match(served.lines[0]?.crash ?? '', /^TypeError\n\s+at .*answers\.test\.ts/);
    assert.doesNotMatch(served.lines[0]?.crash ?? '', /secret value/);
  });

  test('errors of the bridge keep status, scimType, detail, Retry-After in whole seconds and headers', async () => {
    const served = serve();
    served.users.fail = new BridgeError(503, 'ZITADEL is away', {
      retryAfter: 2.2,
      headers: { 'X-Why': 'test' },
      scimType: 'tooMany',
    });
    const { body, headers } = await get(served, '/Users/1').expect(503);
    assert.deepEqual(body, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '503',
      scimType: 'tooMany',
      detail: 'ZITADEL is away',
    });
    assert.deepEqual([headers['retry-after'], headers['x-why']], ['3', 'test']);
  });

  test('before the first sync has finished: 503 with Retry-After, but discovery answers', async () => {
    const served = serve({ tenant: { ready: () => false } });
    const { headers } = await get(served, '/Users').expect(503);
    assert.match(headers['retry-after'] ?? '', /^\d+$/);
    await get(served, '/ServiceProviderConfig').expect(200);
  });

  test('more requests than the tenant may send: 429 with Retry-After', async () => {
    const served = serve({ options: { rateLimit: 2 } });
    await get(served, '/Users').expect(200);
    await get(served, '/Users').expect(200);
    const { body, headers } = await get(served, '/Users').expect(429);
    assert.deepEqual([body.status, headers['retry-after']], ['429', '1']);
    served.pass(500);
    await get(served, '/Users').expect(200);
    await get(served, '/Users').expect(429);
  });
});

describe('RFC 7644 §3.8: media types', () => {
  test('application/json for whoever accepts exactly that, else application/scim+json', async () => {
    const served = serve();
    for (const [accept, type] of [
      ['application/json', 'application/json'],
      ['application/scim+json', 'application/scim+json'],
      ['application/json, text/plain, */*', 'application/scim+json'],
      ['text/html', 'application/scim+json'],
    ] as const)
      assert.equal((await get(served, '/Users').set('Accept', accept).expect(200)).headers['content-type'], type);
    assert.equal(
      (await request(served.app).get(`${BASE}/Users`).set('Accept', 'application/json').expect(401)).headers[
        'content-type'
      ],
      'application/json',
    );
  });

  test('what the tenant set', async () => {
    const served = serve({ tenant: { mediaType: 'application/json' } });
    assert.equal((await get(served, '/Users').expect(200)).headers['content-type'], 'application/json');
  });
});

describe('paths', () => {
  test('in any case, with a slash at the end, with the organization in front', async () => {
    const served = serve();
    const { id } = await create(served);
    for (const path of [
      '/users/',
      '/USERS',
      '//Users',
      '/400559977632107558/Users',
      `/users/${id}/`,
      '/serviceproviderconfig',
      '/SCHEMAS/',
    ])
      await get(served, path).expect(200);
    await request(served.app).get('/SCIM/V2/Users').set(bearer).expect(200);
    const prefixed = await get(served, `/400559977632107558/users/${id}`).expect(200);
    assert.match(prefixed.body.meta.location, new RegExp(`/scim/v2/400559977632107558/Users/${id}$`));
  });

  test('locations have the public URL where one is set', async () => {
    for (const publicUrl of [
      'https://scim.example.com',
      'https://scim.example.com/',
      'https://scim.example.com/scim/v2',
    ]) {
      const served = serve({ options: { publicUrl } });
      const { id } = await create(served);
      assert.equal(
        (await get(served, `/Users/${id}`)).headers['location'],
        `https://scim.example.com/scim/v2/Users/${id}`,
      );
    }
  });

  test('a Host header that is no host is not repeated', async () => {
    const served = serve();
    await create(served);
    const { body } = await get(served, '/Users').set('Host', 'evil"<script>').expect(200);
    assert.match(body.Resources[0].meta.location, /^http:\/\/localhost\/scim\/v2\/Users\//);
  });
});

describe('RFC 7644 §3.14: versions', () => {
  test('If-None-Match on GET is 304 without a body', async () => {
    const served = serve();
    const { id, etag } = await create(served);
    for (const tag of [etag, `W/"other", ${etag}`, etag.replace('W/', ''), '*']) {
      const { text, headers } = await get(served, `/Users/${id}`).set('If-None-Match', tag).expect(304);
      assert.deepEqual([text, headers['etag']], ['', etag]);
    }
    await get(served, `/Users/${id}`).set('If-None-Match', 'W/"other"').expect(200);
  });

  test('If-Match on PUT, PATCH and DELETE: 412 unless it names the version', async () => {
    const served = serve();
    const { id, etag } = await create(served);
    const put = (tag: string) =>
      request(served.app)
        .put(`${BASE}/Users/${id}`)
        .set(bearer)
        .set('If-Match', tag)
        .send({ schemas: [USER_URN], userName: 'ada', title: 'Lady' });
    const { body } = await put('W/"other"').expect(412);
    assert.equal(body.status, '412');
    const { headers } = await put(etag).expect(200);
    await put(etag).expect(412);
    await request(served.app).delete(`${BASE}/Users/${id}`).set(bearer).set('If-Match', etag).expect(412);
    await request(served.app)
      .delete(`${BASE}/Users/${id}`)
      .set(bearer)
      .set('If-Match', headers['etag'] ?? '')
      .expect(204);
  });
});

describe('RFC 7644 §3.9: attributes and excludedAttributes', () => {
  test('on GET, lists, POST, PUT and PATCH', async () => {
    const served = serve();
    const { id } = await create(served);
    const only = { schemas: [USER_URN], id, title: 'Countess' };
    assert.deepEqual((await get(served, `/Users/${id}?attributes=title`)).body, only);
    assert.deepEqual(
      (await get(served, '/Users?attributes=TITLE&attributes=meta.version')).body.Resources[0].title,
      'Countess',
    );
    const excluded = await get(served, `/Users/${id}?excludedAttributes=title,meta.location,id`);
    assert.equal('title' in excluded.body || 'location' in excluded.body.meta, false);
    assert.equal(excluded.body.id, id);
    const posted = await request(served.app)
      .post(`${BASE}/Users?attributes=userName`)
      .set(bearer)
      .send({ schemas: [USER_URN], userName: 'bo', title: 'x' });
    assert.deepEqual(Object.keys(posted.body).toSorted(), ['id', 'schemas', 'userName']);
    const search = await request(served.app)
      .post(`${BASE}/Users/.search`)
      .set(bearer)
      .send({ attributes: ['title'], filter: 'userName eq "ada"' });
    assert.deepEqual(search.body.Resources, [only]);
  });
});

describe('the request log', () => {
  test('has one line per request: route, status, duration, tenant, token, transaction, user; no value of the request', async () => {
    const served = serve();
    const { id } = await create(served, 'secret-name');
    await get(served, `/Users/${id}`);
    await get(served, '/Users?filter=userName%20eq%20"secret-name"%20and');
    await request(served.app).get(`${BASE}/Users`);
    const [post, read, bad, denied] = served.lines;
    assert.deepEqual(
      [post?.method, post?.route, post?.status, post?.id, post?.tenant, post?.who],
      ['POST', '/Users', 201, id, 'acme', 'okta'],
    );
    assert.deepEqual([read?.route, read?.id, read?.scimType], ['/Users/:id', id, undefined]);
    assert.deepEqual([bad?.status, bad?.scimType], [400, 'invalidFilter']);
    assert.deepEqual([denied?.status, denied?.tenant, denied?.who], [401, undefined, undefined]);
    assert.match(post?.txn ?? '', /^[0-9a-f-]{36}$/);
    assert.ok((post?.duration ?? -1) >= 0);
    assert.doesNotMatch(JSON.stringify(served.lines), /secret-name/);
  });
});
