import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import request from 'supertest';
import { BridgeError } from '../../src/errors.ts';
import { GROUP_URN, PATCH_URN, TOKEN, USER_URN, serve, type Served } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };
const PUBLIC = { options: { publicUrl: 'https://scim.example.com' } };

const post = ({ app }: Served, path: string, body: object) =>
  request(app)
    .post(BASE + path)
    .set(bearer)
    .send(body);
const get = ({ app }: Served, path: string) =>
  request(app)
    .get(BASE + path)
    .set(bearer);
const put = ({ app }: Served, id: string, body: object) =>
  request(app)
    .put(`${BASE}/Groups/${id}`)
    .set(bearer)
    .send({ schemas: [GROUP_URN], ...body });
const patch = ({ app }: Served, path: string, ...Operations: readonly object[]) =>
  request(app)
    .patch(`${BASE}/Groups/${path}`)
    .set(bearer)
    .send({ schemas: [PATCH_URN], Operations });

async function user(served: Served, userName: string): Promise<string> {
  const { body } = await post(served, '/Users', { schemas: [USER_URN], userName, displayName: userName }).expect(201);
  return body.id;
}

async function group(served: Served, ...members: readonly string[]): Promise<string> {
  const group = { schemas: [GROUP_URN], displayName: 'Help desk', members: members.map((value) => ({ value })) };
  const { body } = await post(served, '/Groups', group).expect(201);
  return body.id;
}

/** A group of so many members, loaded counts from here. */
async function large(served: Served, count: number): Promise<string> {
  const id = await group(served);
  const ids = await Promise.all(Array.from({ length: count }, (_, index) => user(served, `u${index}`)));
  await patch(served, id, { op: 'add', path: 'members', value: ids }).expect(count > 200 ? 204 : 200);
  served.groups.loaded = 0;
  return id;
}

const membersOf = async (served: Served, id: string): Promise<readonly string[]> => {
  const { body } = await get(served, `/Groups/${id}`).expect(200);
  return body.members.map(({ value }: { readonly value: string }) => value).toSorted();
};

describe('RFC 7644 §3.3: POST /Groups', () => {
  test('201 with the resource, Location and ETag; members as value, display, type and $ref', async () => {
    const served = serve(PUBLIC);
    const [ada, inner] = [await user(served, 'ada'), await group(served)];
    const { body, headers } = await post(served, '/Groups', {
      schemas: [GROUP_URN],
      displayName: 'Staff',
      externalId: '00g1',
      members: [{ value: ada, display: 'whoever', type: 'Robot' }, { value: ada }, { value: inner }],
    }).expect(201);
    const location = `https://scim.example.com/scim/v2/Groups/${body.id}`;
    assert.deepEqual([headers['location'], headers['etag']], [location, body.meta.version]);
    assert.deepEqual(body, {
      schemas: [GROUP_URN],
      id: body.id,
      externalId: '00g1',
      displayName: 'Staff',
      members: [
        { value: ada, display: 'ada', type: 'User', $ref: `https://scim.example.com/scim/v2/Users/${ada}` },
        { value: inner, display: 'Help desk', type: 'Group', $ref: `https://scim.example.com/scim/v2/Groups/${inner}` },
      ],
      meta: {
        resourceType: 'Group',
        created: '2026-03-01T12:00:00.000Z',
        lastModified: '2026-03-01T12:00:00.000Z',
        location,
        version: headers['etag'],
      },
    });
    const alone = await get(served, `/Users/${ada}`).expect(200);
    assert.deepEqual(alone.body.groups, [{ value: body.id, display: 'Staff', type: 'direct', $ref: location }]);
    const without = await get(served, `/Users/${ada}?excludedAttributes=groups`).expect(200);
    assert.equal('groups' in without.body, false);
  });

  test('the smallest one; null and [] for members; Microsoft’s URI beside the schema', async () => {
    const served = serve();
    for (const more of [{}, { members: null }, { members: [] }, { externalId: null }]) {
      const { body } = await post(served, '/Groups', {
        schemas: ['http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group', GROUP_URN],
        displayName: 'Staff',
        ...more,
      }).expect(201);
      assert.deepEqual(Object.keys(body), ['schemas', 'id', 'meta', 'displayName', 'members']);
      assert.deepEqual(body.members, []);
    }
  });

  test('the same content has the same hash, in whatever order it is written', async () => {
    const served = serve();
    await post(served, '/Groups', { schemas: [GROUP_URN], displayName: 'Staff', externalId: 'x' }).expect(201);
    await post(served, '/Groups', { EXTERNALID: 'x', members: [], displayName: 'Staff', schemas: [GROUP_URN] });
    await post(served, '/Groups', { schemas: [GROUP_URN], displayName: 'Staff', externalId: 'y' }).expect(201);
    const [first, second, third] = served.groups.hashes;
    assert.equal(first, second);
    assert.notEqual(first, third);
  });

  test('what is no group is 400 that names the attribute', async () => {
    const served = serve();
    for (const [more, detail] of [
      [{}, /^displayName is required/],
      [{ displayName: null }, /^displayName is required/],
      [{ displayName: '' }, /^displayName is required/],
      [{ displayName: ['x', 'y'] }, /^displayName has 2 values/],
      [{ displayName: 'x', externalId: true }, /^externalId must be a string/],
      [{ displayName: 'x', members: 'a b'.repeat(100) }, /^members\.value is longer/],
      [{ displayName: 'x', members: [{ display: 'x' }] }, /^members\.value is missing/],
      [{ displayName: 'x', members: [true] }, /^members must be objects/],
    ] as const) {
      const { body } = await post(served, '/Groups', { schemas: [GROUP_URN], ...more }).expect(400);
      assert.equal(body.scimType, 'invalidValue');
      assert.match(body.detail, detail);
    }
    const { body } = await post(served, '/Groups', { schemas: [USER_URN], displayName: 'x' }).expect(400);
    assert.match(body.detail, /^schemas must name .*:Group$/);
    const proto = await post(served, '/Groups', {}).set('Content-Type', 'application/json').send('{"__proto__":{}}');
    assert.equal(proto.status, 400);
  });
});

describe('RFC 7644 §3.4: reading groups', () => {
  test('one, 404, versions', async () => {
    const served = serve();
    const id = await large(served, 3);
    const { headers } = await get(served, `/Groups/${id}`).expect(200);
    served.groups.loaded = 0;
    const { text } = await get(served, `/Groups/${id}`)
      .set('If-None-Match', headers['etag'] ?? '')
      .expect(304);
    assert.deepEqual([text, served.groups.loaded], ['', 0]);
    await get(served, `/Groups/${id}`).set('If-None-Match', 'W/"x"').expect(200);
    const { body } = await get(served, '/Groups/nobody').expect(404);
    assert.equal(body.status, '404');
  });

  test('members are loaded only when the answer shows them', async () => {
    const served = serve(PUBLIC);
    const id = await large(served, 3);
    for (const query of [
      'excludedAttributes=members',
      'excludedAttributes=MEMBERS,meta',
      'attributes=displayName',
      `excludedAttributes=${GROUP_URN}:members`,
    ]) {
      const one = await get(served, `/Groups/${id}?${query}`).expect(200);
      const all = await get(served, `/Groups?${query}`).expect(200);
      const found = await get(served, `/Groups?${query}&filter=displayName%20eq%20%22help%20desk%22`).expect(200);
      assert.deepEqual([one.body.displayName, 'members' in one.body], ['Help desk', false]);
      assert.deepEqual([all.body.Resources, found.body.Resources], [[one.body], [one.body]]);
    }
    const put = await request(served.app)
      .put(`${BASE}/Groups/${id}?excludedAttributes=members`)
      .set(bearer)
      .send({ schemas: [GROUP_URN], displayName: 'Desk' })
      .expect(200);
    assert.equal('members' in put.body, false);
    assert.equal(served.groups.loaded, 0);
    const shown = await get(served, '/Groups?attributes=members.value').expect(200);
    assert.deepEqual(Object.keys(shown.body.Resources[0].members[0]), ['value']);
    assert.equal(served.groups.loaded, 3);
  });

  test('filters, order and pages', async () => {
    const served = serve();
    const ada = await user(served, 'ada');
    const ids = [await group(served, ada), await group(served)];
    await put(served, ids[1] ?? '', { displayName: 'Alpha', externalId: 'ext' }).expect(200);
    for (const [query, expected] of [
      [`filter=members[value eq "${ada}"]`, [ids[0]]],
      [`filter=members.value eq "${ada}"`, [ids[0]]],
      [`filter=members eq "${ada}"`, [ids[0]]],
      ['filter=externalId eq "ext"', [ids[1]]],
      [`filter=id eq "${ids[1]}" or displayName sw "HELP"`, ids],
      ['filter=members[value eq "x"]', []],
      ['sortBy=displayName', ids.toReversed()],
      ['sortBy=displayName&sortOrder=descending', ids],
      ['startIndex=2&count=1', [ids[1]]],
      ['count=0', []],
    ] as const) {
      const { body } = await get(served, `/Groups?${query}`).expect(200);
      assert.deepEqual(
        body.Resources.map(({ id }: { readonly id: string }) => id),
        expected,
        query,
      );
    }
    const { body } = await post(served, '/Groups/.search', { filter: 'externalId pr', attributes: ['externalId'] });
    assert.deepEqual(body.Resources, [{ schemas: [GROUP_URN], id: ids[1], externalId: 'ext' }]);
    for (const filter of ['userName eq "x"', 'members[', 'members[shoe eq "x"]'])
      assert.equal((await get(served, `/Groups?filter=${filter}`).expect(400)).body.scimType, 'invalidFilter');
  });

  test('methods that a path does not have, and a tenant that is not ready', async () => {
    const served = serve();
    for (const [method, path, allow] of [
      ['delete', '/Groups', 'GET, POST'],
      ['post', '/groups/1', 'GET, PUT, PATCH, DELETE'],
      ['get', '/Groups/.search', 'POST'],
    ] as const) {
      const agent = request(served.app);
      const { headers } = await agent[method](BASE + path)
        .set(bearer)
        .expect(405);
      assert.equal(headers['allow'], allow);
    }
    await get(serve({ tenant: { ready: () => false } }), '/Groups').expect(503);
  });
});

describe('RFC 7644 §3.5.1: PUT of a group', () => {
  test('what is absent or null stays, [] empties, twins count once', async () => {
    const served = serve();
    const [ada, bob] = [await user(served, 'ada'), await user(served, 'bob')];
    const id = await group(served, ada);
    await put(served, id, { externalId: 'x' }).expect(200);
    for (const body of [{}, { displayName: 'Help desk' }, { members: null, displayName: null }, { id: 'other' }]) {
      const answer = await put(served, id, body).expect(200);
      assert.deepEqual([answer.body.displayName, answer.body.externalId], ['Help desk', 'x']);
      assert.deepEqual(await membersOf(served, id), [ada]);
    }
    await put(served, id, { displayName: 'Desk', members: [{ value: bob }, { value: bob }, { value: ada }] }).expect(
      200,
    );
    assert.deepEqual(served.groups.edits.at(-1), {
      displayName: 'Desk',
      members: [{ kind: 'replace', ids: [bob, ada] }],
    });
    assert.deepEqual(await membersOf(served, id), [ada, bob].toSorted());
    const { body } = await put(served, id, { members: [], externalId: '' }).expect(200);
    assert.deepEqual([body.members, body.displayName, 'externalId' in body], [[], 'Desk', false]);
    assert.match((await put(served, id, { displayName: '' }).expect(400)).body.detail, /^displayName/);
  });
});

describe('RFC 7644 §3.5.2: PATCH of a group', () => {
  test('200 with the group, its version and place', async () => {
    const served = serve(PUBLIC);
    const ada = await user(served, 'ada');
    const id = await group(served);
    const { body, headers } = await patch(served, id, { op: 'Add', path: 'members', value: [{ value: ada }] }).expect(
      200,
    );
    assert.equal(body.members[0].display, 'ada');
    assert.deepEqual([headers['etag'], headers['location']], [body.meta.version, body.meta.location]);
    const bare = await patch(served, `${id}?excludedAttributes=members`, { op: 'remove', path: 'members' }).expect(200);
    assert.equal('members' in bare.body, false);
    assert.deepEqual(await membersOf(served, id), []);
    const other = await patch(served, id, { op: 'replace', value: { id: 'x', displayName: 'New' } }).expect(400);
    assert.deepEqual([other.body.scimType, other.body.detail.slice(0, 3)], ['mutability', 'id ']);
  });

  test('204 for more than 200 members, which are not loaded; attributes make it 200 all the same', async () => {
    const served = serve();
    const id = await large(served, 200);
    const rename = { op: 'replace', path: 'displayName', value: 'Everybody' };
    assert.equal((await patch(served, id, rename).expect(200)).body.members.length, 200);
    const one = await user(served, 'one more');
    served.groups.loaded = 0;
    const { text, headers } = await patch(served, id, { op: 'add', path: 'members', value: one }).expect(204);
    assert.deepEqual([text, served.groups.loaded], ['', 0]);
    assert.match(headers['etag'] ?? '', /^W\/"/);
    const named = await patch(served, `${id}?attributes=displayName`, rename).expect(200);
    assert.deepEqual([named.body.displayName, served.groups.loaded], ['Everybody', 0]);
    assert.equal((await patch(served, `${id}?attributes=members`, rename).expect(200)).body.members.length, 201);
  });

  test('an empty list of attributes names none', async () => {
    const served = serve({ tenant: { groupPatchAnswer: 'empty' } });
    const rename = { op: 'replace', path: 'displayName', value: 'New' };
    await patch(served, `${await group(served)}?attributes=`, rename).expect(204);
  });

  test('204 where the tenant asks for it', async () => {
    const served = serve({ tenant: { groupPatchAnswer: 'empty' } });
    const id = await group(served, await user(served, 'ada'));
    served.groups.loaded = 0;
    const { text } = await patch(served, id, { op: 'replace', path: 'displayName', value: 'New' }).expect(204);
    assert.deepEqual([text, served.groups.loaded], ['', 0]);
    assert.equal((await get(served, `/Groups/${id}`)).body.displayName, 'New');
  });

  test('If-Match on PUT, PATCH and DELETE', async () => {
    const served = serve();
    const id = await group(served);
    const { headers } = await get(served, `/Groups/${id}`);
    const rename = { op: 'replace', path: 'displayName', value: 'New' };
    await patch(served, id, rename).set('If-Match', 'W/"x"').expect(412);
    await put(served, id, { displayName: 'x' }).set('If-Match', 'W/"x"').expect(412);
    await request(served.app).delete(`${BASE}/Groups/${id}`).set(bearer).set('If-Match', 'W/"x"').expect(412);
    await patch(served, id, rename)
      .set('If-Match', headers['etag'] ?? '')
      .expect(200);
    await request(served.app).delete(`${BASE}/Groups/${id}`).set(bearer).set('If-Match', '*').expect(204);
    await request(served.app).delete(`${BASE}/Groups/${id}`).set(bearer).expect(404);
  });

  test('a body of up to 5 MB and 1,000 operations and more', async () => {
    const served = serve();
    const id = await group(served);
    const many = Array.from({ length: 1200 }, (_, index) => ({ op: 'Add', path: 'members', value: `nobody-${index}` }));
    await patch(served, id, ...many).expect(200);
    assert.deepEqual(served.groups.edits.at(-1)?.members.length, 1);
    const value = (size: number) => [{ value: 'nobody', display: 'x'.repeat(size) }];
    await patch(served, id, { op: 'add', path: 'members', value: value(4_500_000) }).expect(200);
    const { body } = await patch(served, id, { op: 'add', path: 'members', value: value(5_500_000) }).expect(413);
    assert.match(body.detail, /5 MB/);
    const other = { schemas: [USER_URN], userName: 'x', title: 'x'.repeat(1_100_000) };
    assert.match((await post(served, '/Users', other).expect(413)).body.detail, /1 MB/);
    const names = Array.from({ length: 20_001 }, (_, index) => ({ value: `u${index}` }));
    assert.match((await put(served, id, { members: names }).expect(400)).body.detail, /^members: more than 20000/);
  });

  test('what the bridge refuses is answered as it says', async () => {
    const served = serve();
    const id = await group(served);
    served.groups.fail = new BridgeError(400, 'members: a group cannot hold itself', { scimType: 'invalidValue' });
    const { body } = await patch(served, id, { op: 'add', path: 'members', value: id }).expect(400);
    assert.equal(body.detail, 'members: a group cannot hold itself');
    assert.equal(served.lines.at(-1)?.route, '/Groups/:id');
  });
});
