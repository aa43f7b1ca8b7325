import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import request from 'supertest';
import { judge } from '../idp/judge.ts';
import { ENTERPRISE_URN, GROUP_URN, TOKEN, USER_URN, serve } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };

test('RFC 7643 §5: ServiceProviderConfig says what is so', async () => {
  const { app } = serve({ options: { changePassword: ({ id }) => id === 'acme' } });
  const { body } = await request(app).get(`${BASE}/ServiceProviderConfig`).set(bearer).expect(200);
  assert.deepEqual(body.schemas, ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig']);
  assert.deepEqual(
    [body.patch, body.bulk, body.filter, body.changePassword, body.sort, body.etag],
    [
      { supported: true },
      { supported: false, maxOperations: 0, maxPayloadSize: 0 },
      { supported: true, maxResults: 1000 },
      { supported: true },
      { supported: true },
      { supported: true },
    ],
  );
  assert.equal(body.authenticationSchemes[0].type, 'oauthbearertoken');
  assert.match(body.meta.location, /\/scim\/v2\/ServiceProviderConfig$/);
});

test('RFC 7643 §6: the resource types User, with its extension, and Group', async () => {
  const { app } = serve({ options: { publicUrl: 'https://scim.example.com' } });
  const { body } = await request(app).get(`${BASE}/ResourceTypes?count=x&unknown=1`).set(bearer).expect(200);
  assert.equal(body.totalResults, 2);
  const one = await request(app).get(`${BASE}/ResourceTypes/User`).set(bearer).expect(200);
  assert.deepEqual(one.body, body.Resources[0]);
  assert.equal(one.body.endpoint, '/Users');
  assert.deepEqual(one.body.schemaExtensions, [{ schema: ENTERPRISE_URN, required: false }]);
  const group = await request(app).get(`${BASE}/resourcetypes/group`).set(bearer).expect(200);
  assert.deepEqual([group.body.endpoint, group.body.schema, group.body.schemaExtensions], ['/Groups', GROUP_URN, []]);
});

test('RFC 7643 §7: schemas, whole and single, without the common attributes', async () => {
  const { app } = serve({ options: { publicUrl: 'https://scim.example.com' } });
  const { body } = await request(app).get(`${BASE}/Schemas`).set(bearer).expect(200);
  assert.deepEqual(
    body.Resources.map(({ id }: { readonly id: string }) => id),
    [USER_URN, ENTERPRISE_URN, GROUP_URN],
  );
  const names = new Set(body.Resources[0].attributes.map(({ name }: { readonly name: string }) => name));
  assert.deepEqual(
    ['userName', 'emails', 'meta', 'id'].filter((name) => names.has(name)),
    ['userName', 'emails'],
  );
  const one = await request(app).get(`${BASE}/Schemas/${ENTERPRISE_URN}`).set(bearer).expect(200);
  assert.deepEqual(one.body, body.Resources[1]);
  await request(app).get(`${BASE}/Schemas/urn:nothing`).set(bearer).expect(404);
});

test('RFC 7643 §8.7.1: the schema of a group', async () => {
  const { app } = serve();
  const { body } = await request(app).get(`${BASE}/Schemas/${GROUP_URN}`).set(bearer).expect(200);
  const [displayName, members] = body.attributes;
  assert.deepEqual(
    [displayName.name, displayName.required, displayName.mutability],
    ['displayName', true, 'readWrite'],
  );
  assert.deepEqual([members.name, members.multiValued, members.returned], ['members', true, 'default']);
  assert.deepEqual(
    members.subAttributes.map(({ name, mutability }: { readonly name: string; readonly mutability: string }) => [
      name,
      mutability,
    ]),
    [
      ['value', 'immutable'],
      ['$ref', 'immutable'],
      ['type', 'immutable'],
      ['display', 'readOnly'],
    ],
  );
});

test('discovery is what scimmy takes for discovery, and an update of scimmy does not change it', async () => {
  const { app } = serve({ options: { publicUrl: 'https://scim.example.com' } });
  const shown = createHash('sha256');
  for (const path of ['Schemas', 'ResourceTypes', 'ServiceProviderConfig']) {
    const { status, text } = await request(app).get(`${BASE}/${path}`).set(bearer);
    judge(status, JSON.parse(text));
    shown.update(text);
  }
  const digest = '770823091f12d13824f0864fdce6c90d184d42141b2040e10d71fcbe4d723f2e';
  assert.equal(
    shown.digest('hex'),
    digest,
    'the bytes of discovery have changed: when that is meant, so does the digest',
  );
});

test('RFC 7644 §4: a filter is 403; the token is needed as everywhere', async () => {
  const { app } = serve({ options: { publicUrl: 'https://scim.example.com' } });
  for (const path of [
    'ServiceProviderConfig',
    'ResourceTypes',
    'ResourceTypes/User',
    'Schemas',
    `Schemas/${USER_URN}`,
  ]) {
    const { body } = await request(app).get(`${BASE}/${path}?filter=id%20pr`).set(bearer).expect(403);
    assert.equal(body.status, '403');
    await request(app).get(`${BASE}/${path}`).expect(401);
  }
});
