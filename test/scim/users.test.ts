import assert from 'node:assert/strict';
import { test } from 'node:test';
import request from 'supertest';
import { ENTERPRISE_URN, PATCH_URN, TOKEN, USER_URN, serve, type Served } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };

const barbara = {
  schemas: [USER_URN],
  userName: 'bjensen',
  externalId: 'b-1',
  name: { givenName: 'Barbara', familyName: 'Jensen' },
  emails: [{ value: 'bjensen@example.com', type: 'work', primary: true }],
};

async function create({ app }: Served, body: object = barbara): Promise<string> {
  const answer = await request(app).post(`${BASE}/Users`).set(bearer).send(body).expect(201);
  return answer.body.id;
}

const patch = (served: Served, id: string, ...Operations: object[]) =>
  request(served.app)
    .patch(`${BASE}/Users/${id}`)
    .set(bearer)
    .send({ schemas: [PATCH_URN], Operations });

test('RFC 7644 §3.3: POST answers 201 with the resource, Location and ETag', async () => {
  const served = serve();
  const { body, headers } = await request(served.app).post(`${BASE}/Users`).set(bearer).send(barbara).expect(201);
  assert.equal(headers['content-type'], 'application/scim+json');
  assert.match(headers['location'] ?? '', /^http:\/\/127\.0\.0\.1:\d+\/scim\/v2\/Users\/[0-9a-f-]{36}$/);
  assert.equal(headers['etag'], body.meta.version);
  const { id, meta, ...rest } = body;
  assert.deepEqual(rest, { ...barbara, active: true });
  assert.deepEqual(meta, {
    resourceType: 'User',
    created: '2026-03-01T12:00:00.000Z',
    lastModified: '2026-03-01T12:00:00.000Z',
    location: headers['location'],
    version: headers['etag'],
  });
  assert.deepEqual(served.users.delivered, [id]);
});

test('RFC 7644 §3.4.1, §3.6: GET shows it, DELETE takes it away', async () => {
  const served = serve();
  const id = await create(served);
  await request(served.app).get(`${BASE}/Users/${id}`).set(bearer).expect(200);
  const gone = await request(served.app).delete(`${BASE}/Users/${id}`).set(bearer).expect(204);
  assert.equal(gone.text, '');
  const { body } = await request(served.app).get(`${BASE}/Users/${id}`).set(bearer).expect(404);
  assert.equal(body.status, '404');
  assert.deepEqual(body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error']);
});

test('RFC 7644 §3.4.2: a list has integers and the resources', async () => {
  const served = serve();
  await create(served);
  await create(served, { ...barbara, userName: 'zoe' });
  const { body } = await request(served.app)
    .get(`${BASE}/Users`)
    .query({ filter: 'userName eq "BJENSEN"' })
    .set(bearer)
    .expect(200);
  assert.equal(body.totalResults, 1);
  assert.equal(body.startIndex, 1);
  assert.equal(body.itemsPerPage, 1);
  assert.equal(body.Resources[0].userName, 'bjensen');
});

test('RFC 7644 §3.5.1: PUT clears what is absent, but active stays; without userName it is 400 and changes nothing', async () => {
  const served = serve();
  const id = await create(served, { ...barbara, active: false, title: 'Boss' });
  const { body } = await request(served.app)
    .put(`${BASE}/Users/${id}`)
    .set(bearer)
    .send({ schemas: [USER_URN], userName: 'bjensen', nickName: 'Babs' })
    .expect(200);
  assert.equal(body.userName, 'bjensen');
  assert.equal(body.active, false);
  assert.equal(body.nickName, 'Babs');
  assert.equal('title' in body || 'emails' in body || 'name' in body, false);
  assert.deepEqual(served.users.touched, [[]]);
  for (const userName of [undefined, null, '', []]) {
    const answer = await request(served.app)
      .put(`${BASE}/Users/${id}`)
      .set(bearer)
      .send({ schemas: [USER_URN], userName, title: 'X' })
      .expect(400);
    assert.match(answer.body.detail, /^userName is required/);
  }
  assert.equal(served.users.touched.length, 1);
});

test('RFC 7644 §3.5.2: PATCH answers 200 with the resource', async () => {
  const served = serve();
  const id = await create(served);
  const { body, headers } = await patch(served, id, { op: 'replace', path: 'active', value: false }).expect(200);
  assert.equal(body.active, false);
  assert.equal(headers['location'], body.meta.location);
  assert.deepEqual(served.users.touched, [['active']]);
});

test('RFC 7643 §3.3: schemas names the enterprise extension only when it has a value', async () => {
  const served = serve();
  const { body } = await request(served.app)
    .post(`${BASE}/Users`)
    .set(bearer)
    .send({ ...barbara, [ENTERPRISE_URN]: { department: 'IT' } })
    .expect(201);
  assert.deepEqual(body.schemas, [USER_URN, ENTERPRISE_URN]);
  assert.deepEqual(body[ENTERPRISE_URN], { department: 'IT' });
});
