import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, test } from 'node:test';
import request from 'supertest';
import { until } from '../end-to-end/until.ts';
import { TOKEN, USER_URN, serve, type Served } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };

const post = ({ app }: Served, body: string | Buffer, type = 'application/scim+json') =>
  request(app)
    .post(`${BASE}/Users`)
    .set(bearer)
    .set('Content-Type', type)
    .serialize((whole) => whole)
    .send(body);
const user = (more: string): string => `{"schemas":["${USER_URN}"],"userName":"ada"${more}}`;

interface Refusal {
  readonly body: { readonly status?: unknown; readonly scimType?: unknown; readonly detail?: unknown };
}

function said({ body }: Refusal, scimType: string, detail: RegExp): void {
  assert.equal(body.status, '400');
  assert.equal(body.scimType, scimType);
  assert.match(String(body.detail), detail);
}

describe('RFC 7644 §3.12: bodies', () => {
  test('broken JSON, no JSON, no object: 400 invalidSyntax that quotes nothing', async () => {
    const served = serve();
    for (const body of ['{"userName": secret', '', '[]', 'null', '"secret"', '{"a":1}{"b":2}', '\u0000']) {
      const answer = await post(served, body).expect(400);
      said(answer, 'invalidSyntax', /./);
      assert.doesNotMatch(answer.text, /secret/);
    }
    said(
      await post(served, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])).expect(400),
      'invalidSyntax',
      /UTF-8/,
    );
  });

  test('values of a wrong type: 400 invalidValue that names the attribute', async () => {
    const served = serve();
    for (const [more, detail] of [
      [',"title":true', /^title must be a string, not a boolean/],
      [',"title":1e21', /^title must be a string, not a number/],
      [',"title":400559977632107558', /^title must be a string, not a number/],
      [',"title":{"value":"x","display":"y"}', /^title must be a string, not an object/],
      [',"userName":["ada","bob"]', /^userName has 2 values where one is meant/],
      [',"userName":""', /^userName is required/],
      [',"userName":null', /^userName is required/],
      [',"active":"yes"', /^active must be true or false/],
      [',"active":2', /^active must be true or false, not a number/],
      [',"active":[true,false]', /^active has 2 values where one is meant/],
      [',"name":"Ada"', /^name must be an object/],
      [',"name":{"givenName":{}}', /^name.givenName must be a string, not an object/],
      [',"emails":true', /^emails must be an object/],
      [',"addresses":"Main Street 1"', /^addresses must be an object/],
      [',"roles":["{\\"value\\":\\"a\\\\u0000b\\"}"]', /^roles holds a NUL/],
      [',"emails":[{"value":true}]', /^emails.value must be a string, not a boolean/],
      [`,"x509Certificates":[{"value":"not base64!"}]`, /^x509Certificates.value must be base64/],
      [
        ',"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":true}',
        /User:department must be a string/,
      ],
      [',"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":7', /enterprise:2.0:User must be an object/],
      [',"title":"a\\u0000b"', /"title" holds a NUL/],
      [',"name":{"givenName":"\\u0000"}', /"name.givenName" holds a NUL/],
      [',"emails":[{"value":"\\u0000"}]', /"emails.0.value" holds a NUL/],
      [',"title":"\\ud800"', /"title" holds half/],
    ] as const)
      said(await post(served, user(more)).expect(400), 'invalidValue', detail);
    said(await post(served, `{"schemas":["${USER_URN}"]}`).expect(400), 'invalidValue', /userName is required/);
    said(
      await post(
        served,
        user(`,"roles":[${Array.from({ length: 1001 }, (_, i) => `{"value":"${i}"}`).join()}]`),
      ).expect(400),
      'invalidValue',
      /roles holds more/,
    );
  });

  test('schemas that do not name the resource', async () => {
    const served = serve();
    for (const schemas of [
      '["urn:ietf:params:scim:schemas:core:2.0:Group"]',
      '"urn:scim:schemas:core:2.0:Group"',
      '["urn:x","urn:ietf:params:scim:api:messages:2.0:PatchOp"]',
    ])
      said(
        await post(served, `{"schemas":${schemas},"userName":"ada"}`).expect(400),
        'invalidSyntax',
        /^schemas must name .*:User$/,
      );
    said(await post(served, '{"schemas":7,"userName":"ada"}').expect(400), 'invalidSyntax', /^schemas must be a list/);
  });

  test('schemas that do not say another type: the URL tells it', async () => {
    const served = serve();
    const shapes = [
      'null',
      '[]',
      '""',
      '"x"',
      '[7]',
      `"${USER_URN}"`,
      '["urn:scim:schemas:core:1.0"]',
      '["urn:scim:schemas:core:2.0:User"]',
      `["${USER_URN}","urn:ietf:params:scim:schemas:core:2.0:Group"]`,
    ];
    for (const [n, schemas] of shapes.entries())
      await post(served, `{"schemas":${schemas},"userName":"u${n}"}`).expect(201);
    await post(served, '{"userName":"none"}').expect(201);
  });

  test('names that reach a prototype: 400 that names them, nothing reached', async () => {
    const served = serve();
    for (const more of [
      ',"__proto__":{"admin":true}',
      ',"name":{"constructor":{"prototype":{"admin":true}}}',
      ',"emails":[{"__proto__":null}]',
      ',"roles":"{\\"value\\":\\"a\\",\\"__proto__\\":{}}"',
    ])
      said(await post(served, user(more)).expect(400), 'invalidSyntax', /__proto__|constructor/);
    for (const path of [
      '__proto__',
      '__proto__.admin',
      'constructor.prototype',
      'emails[__proto__ eq "x"].value',
      'name.__proto__',
    ]) {
      const Operations = [{ op: 'add', path, value: true }];
      const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
      const { status } = await request(served.app).patch(`${BASE}/Users/1`).set(bearer).send(body);
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
    }
    for (const filter of ['__proto__ eq "x"', 'constructor pr', '__proto__.admin eq true', 'name.__proto__ pr'])
      said(
        await request(served.app).get(`${BASE}/Users`).query({ filter }).set(bearer).expect(400),
        'invalidFilter',
        /./,
      );
    assert.equal('admin' in {}, false);
  });

  test('deep nesting, large bodies', async () => {
    const served = serve();
    said(await post(served, user(`,"x":${'['.repeat(51)}${']'.repeat(51)}`)).expect(400), 'invalidSyntax', /nested/);
    said(
      await post(served, user(`,"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).expect(400),
      'invalidSyntax',
      /nested/,
    );
    await post(served, user(`,"x":${'['.repeat(49)}${']'.repeat(49)}`)).expect(201);
    const { body } = await post(served, user(`,"title":"${'x'.repeat(2_000_000)}"`)).expect(413);
    assert.equal(body.status, '413');
  });

  test('more of anything than a user can have', async () => {
    const served = serve();
    const { body } = await post(served, user('')).expect(201);
    const patch = (...Operations: object[]) =>
      request(served.app)
        .patch(`${BASE}/Users/${body.id}`)
        .set(bearer)
        .send({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
    const many = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => make(index));
    const names = Object.fromEntries(many(1001, (index) => [`a.b${index}`, 1]));
    said(
      await post(served, JSON.stringify(names)).expect(400),
      'invalidSyntax',
      /the body holds more than 1000 attributes/,
    );
    said(await patch({ op: 'add', value: names }).expect(400), 'invalidSyntax', /"Operations.0.value" holds more/);
    said(
      await patch(
        ...many(2, (index) => ({ op: 'add', path: 'roles', value: many(501, (n) => ({ value: `${index}-${n}` })) })),
      ).expect(400),
      'invalidValue',
      /roles holds more/,
    );
    said(
      await patch({ op: 'remove', path: 'roles', value: many(1001, (index) => ({ value: `${index}` })) }).expect(400),
      'invalidValue',
      /roles/,
    );
    const filter = many(100, () => 'value eq "q"').join(' or ');
    said(
      await patch(...many(10, () => ({ op: 'remove', path: `roles[${filter}]` }))).expect(400),
      'invalidSyntax',
      /filters/,
    );
    said(
      await patch(...many(1001, () => ({ op: 'add', path: 'title', value: 'x' }))).expect(400),
      'invalidSyntax',
      /operations/,
    );
    await patch(
      ...many(5, () => ({ op: 'add', path: 'roles', value: many(900, (index) => ({ value: `${index}` })) })),
    ).expect(200);
  });

  test('a bomb in gzip is 413, an honest gzip is read', async () => {
    const served = serve();
    const send = (text: string) => post(served, gzipSync(text)).set('Content-Encoding', 'gzip');
    await send(user(`,"title":"${'x'.repeat(50_000_000)}"`)).expect(413);
    await send(user('')).expect(201);
    await post(served, user('')).set('Content-Encoding', 'rot13').expect(415);
  });

  test('RFC 7644 §3.1: JSON in UTF-8 by any of its names, else 415', async () => {
    const served = serve();
    let n = 0;
    for (const type of [
      'application/scim+json',
      'application/json',
      'Application/JSON; charset=UTF-8',
      'text/json',
      'application/scim+json;charset="utf-8"',
    ])
      await post(served, `{"schemas":["${USER_URN}"],"userName":"u${n++}"}`, type).expect(201);
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
      'multipart/form-data; boundary=x',
    ]) {
      const { body } = await post(served, user(''), type).expect(415);
      assert.equal(body.status, '415');
    }
  });

  test('PATCH with the schema of something else is 400', async () => {
    const body = { schemas: [USER_URN], Operations: [] };
    const answer = await request(serve().app).patch(`${BASE}/Users/1`).set(bearer).send(body).expect(400);
    said(answer, 'invalidSyntax', /schemas must name .*PatchOp/);
  });
});

describe('RFC 7644 §3.4.2: queries', () => {
  const ask = ({ app }: Served, query: string) => request(app).get(`${BASE}/Users?${query}`).set(bearer);

  test('numbers that are none are 400 invalidValue', async () => {
    const served = serve();
    for (const query of [
      'count=abc',
      'count=',
      'count=1.5',
      'count=1e3',
      'startIndex=x',
      'startIndex=0x10',
      'sortBy=userName&sortOrder=up',
    ])
      said(
        await ask(served, query).expect(400),
        'invalidValue',
        new RegExp(`^${query.replace(/^sortBy.*&/, '').split('=')[0]} must be`),
      );
    const search = request(served.app).post(`${BASE}/.search`).set(bearer);
    said(await search.send({ count: { $gt: 1 } }).expect(400), 'invalidValue', /^count must be an integer/);
  });

  test('count is between 0 and 1,000, startIndex at least 1', async () => {
    const served = serve();
    await post(served, user('')).expect(201);
    for (const [query, startIndex, itemsPerPage] of [
      ['', 1, 1],
      ['count=-5', 1, 0],
      ['count=0', 1, 0],
      ['count=5000', 1, 1],
      ['count=99999999999999999999', 1, 1],
      ['startIndex=0', 1, 1],
      ['startIndex=-3', 1, 1],
      ['startIndex=2', 2, 0],
      ['STARTINDEX=7&Count=3', 7, 0],
    ] as const) {
      const { body } = await ask(served, query).expect(200);
      assert.deepEqual([body.totalResults, body.startIndex, body.itemsPerPage], [1, startIndex, itemsPerPage], query);
    }
  });

  test('filters and sort orders that mean nothing are 400', async () => {
    const served = serve();
    for (const filter of [
      '',
      'userName',
      'userName eq',
      'shoe eq "x"',
      'active gt true',
      `userName eq "${'x'.repeat(10_000)}"`,
      `${'('.repeat(60)}id pr${')'.repeat(60)}`,
    ])
      said(await ask(served, `filter=${encodeURIComponent(filter)}`).expect(400), 'invalidFilter', /./);
    said(await ask(served, 'sortBy=shoe').expect(400), 'invalidValue', /sortBy/);
    said(await ask(served, 'filter=userName%20eq%20%22a%00%22%20x').expect(400), 'invalidFilter', /./);
  });

  test('paths that are not UTF-8 or hold a NUL are 400', async () => {
    const served = serve();
    for (const path of ['/Users/%ff%fe', '/Users/%', '/%c3%28', '/Users/a%00b']) {
      const { body } = await request(served.app)
        .get(BASE + path)
        .set(bearer)
        .expect(400);
      assert.equal(body.status, '400');
    }
  });
});

test('RFC 9110 §9.3.2, §8.6: HEAD has no body, a body without a type is JSON, a client that hangs up is logged as 499', async () => {
  const served = serve();
  const { text } = await request(served.app).head(`${BASE}/Users`).set(bearer).expect(200);
  assert.equal(text ?? '', '');

  const server = served.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const body = user('');
  const head = (length: number): string =>
    `POST ${BASE}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${length}\r\n\r\n`;

  const whole = connect(port, '127.0.0.1');
  whole.write(head(body.length) + body);
  const [first] = (await once(whole, 'data')) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1.1 201 /);
  whole.destroy();

  const cut = connect(port, '127.0.0.1');
  const reading = once(server, 'request');
  cut.write(head(body.length + 10) + body);
  await reading;
  cut.destroy();
  await until(() => served.lines.some(({ status }) => status === 499));
  server.close();
});
