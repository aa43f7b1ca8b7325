import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import request from 'supertest';
import type { Groups } from '../../src/bridge/requests/use-cases.ts';
import { GROUP_URN, TOKEN, USER_URN, serve, type Served } from './serve.ts';

const BASE = '/scim/v2';
const bearer = { Authorization: `Bearer ${TOKEN}` };

let served: Served;
const ids: Record<string, string> = {};

const post = (path: string, body: object) =>
  request(served.app)
    .post(BASE + path)
    .set(bearer)
    .send(body);

interface Found {
  readonly total: number;
  readonly names: readonly string[];
}

async function search(body: object): Promise<Found> {
  const answer = await post('/.search', body).expect(200);
  const resources = answer.body.Resources as readonly { readonly id: string }[];
  assert.equal(answer.body.itemsPerPage, resources.length);
  const names = resources.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id) ?? id);
  return { total: answer.body.totalResults, names };
}

before(async () => {
  served = serve();
  for (const [name, displayName] of [
    ['ada', 'Ada'],
    ['bob', 'Bob'],
    ['cyd', undefined],
  ] as const)
    ids[name] = (
      await post('/Users', { schemas: [USER_URN], userName: name, displayName, title: 'Clerk' }).expect(201)
    ).body.id;
  for (const [name, member] of [
    ['anglers', 'ada'],
    ['bakers', 'bob'],
  ] as const) {
    const members = [{ value: ids[member] }];
    ids[name] = (await post('/Groups', { schemas: [GROUP_URN], displayName: name, members }).expect(201)).body.id;
  }
});

describe('RFC 7644 §3.4.3: /.search over users and groups', () => {
  test('all of them, each as its own kind', async () => {
    assert.deepEqual(await search({}), { total: 5, names: ['ada', 'bob', 'cyd', 'anglers', 'bakers'] });
    const { body } = await post('/.search', {
      filter: 'displayName sw "a"',
      attributes: ['displayName', 'members.value'],
    });
    assert.deepEqual(body.Resources, [
      { schemas: [USER_URN], id: ids['ada'], displayName: 'Ada' },
      { schemas: [GROUP_URN], id: ids['anglers'], displayName: 'anglers', members: [{ value: ids['ada'] }] },
    ]);
  });

  test('pages go over the border', async () => {
    for (const [startIndex, count, names] of [
      [1, 2, ['ada', 'bob']],
      [3, 2, ['cyd', 'anglers']],
      [4, 9, ['anglers', 'bakers']],
      [5, 1, ['bakers']],
      [6, 1, []],
      [1, 0, []],
    ] as const)
      assert.deepEqual(await search({ startIndex, count }), { total: 5, names }, `${startIndex}, ${count}`);
  });

  test('filters: what only the other kind has does not match', async () => {
    for (const [filter, names] of [
      ['meta.resourceType eq "Group"', ['anglers', 'bakers']],
      ['meta.resourceType eq "User" and displayName pr', ['ada', 'bob']],
      ['not (meta.resourceType eq "User")', ['anglers', 'bakers']],
      ['meta.resourceType eq "Robot"', []],
      ['userName eq "ada"', ['ada']],
      ['userName pr or displayName eq "bakers"', ['ada', 'bob', 'cyd', 'bakers']],
      ['not (userName pr)', ['anglers', 'bakers']],
      ['userName eq null', ['anglers', 'bakers']],
      ['members[value eq "{bob}"]', ['bakers']],
      ['title eq "clerk" and not (members pr)', ['ada', 'bob', 'cyd']],
      [`${GROUP_URN}:displayName sw "b"`, ['bakers']],
      ['id eq "{ada}" or id eq "{bakers}"', ['ada', 'bakers']],
    ] as const) {
      const asked = filter.replaceAll(/\{(\w+)\}/g, (_all, name: string) => ids[name] ?? '');
      assert.deepEqual(await search({ filter: asked }), { total: names.length, names }, filter);
    }
  });

  test('one order over both', async () => {
    const sortBy = 'displayName';
    assert.deepEqual(await search({ sortBy }), { total: 5, names: ['ada', 'anglers', 'bakers', 'bob', 'cyd'] });
    assert.deepEqual(
      await search({ sortBy: `${GROUP_URN}:displayName`, sortOrder: 'descending', startIndex: 2, count: 3 }),
      {
        total: 5,
        names: ['bob', 'bakers', 'anglers'],
      },
    );
    assert.deepEqual((await search({ sortBy: 'userName', count: 4 })).names, ['ada', 'bob', 'cyd', 'anglers']);
    assert.deepEqual(await search({ sortBy, startIndex: 6 }), { total: 5, names: [] });
    assert.deepEqual(await search({ sortBy, count: 0 }), { total: 5, names: [] });
  });

  test('one order over both ends at 10,000', async () => {
    const one = { id: 'x', displayName: 'x', memberCount: 0, etag: 'W/"1"', created: 0, modified: 0 };
    const list: Groups['list'] = async (_ctx, { startIndex, count }) => {
      const length = Math.max(0, Math.min(count, 10_001 - startIndex + 1));
      return { total: 10_001, resources: Array.from({ length }, () => one) };
    };
    const { app } = serve({ tenant: { groups: { ...served.groups, list } } });
    const ask = (startIndex: number) =>
      request(app).post(`${BASE}/.search`).set(bearer).send({ sortBy: 'displayName', startIndex, count: 1 });
    assert.equal((await ask(10_000).expect(200)).body.itemsPerPage, 1);
    const { body } = await ask(10_001).expect(400);
    assert.deepEqual([body.scimType, body.detail.slice(0, 11)], ['tooMany', 'startIndex:']);
  });

  test('members are loaded only when they are shown', async () => {
    served.groups.loaded = 0;
    await search({ excludedAttributes: ['members'] });
    assert.equal(served.groups.loaded, 0);
    await search({ filter: 'meta.resourceType eq "User"' });
    assert.equal(served.groups.loaded, 0);
    await search({});
    assert.equal(served.groups.loaded, 2);
  });

  test('what neither kind has or can compare is 400', async () => {
    for (const [body, scimType, detail] of [
      [{ filter: 'shoe eq "x"' }, 'invalidFilter', /shoe/],
      [{ filter: 'meta.resourceType eq "Group" and active gt true' }, 'invalidFilter', /active/],
      [{ filter: 'members[shoe eq "x"]' }, 'invalidFilter', /shoe/],
      [{ filter: 'meta.resourceType eq' }, 'invalidFilter', /./],
      [{ sortBy: 'shoe' }, 'invalidValue', /^sortBy/],
      [{ sortBy: 'name' }, 'invalidValue', /^sortBy/],
      [{ count: [] }, 'invalidValue', /^count/],
    ] as const) {
      const answer = await post('/.search', body).expect(400);
      assert.equal(answer.body.scimType, scimType, JSON.stringify(body));
      assert.match(answer.body.detail, detail);
    }
  });
});
