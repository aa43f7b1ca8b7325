import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type Client, type Json, type RunningBridge } from './bridge.ts';
import {
  adding,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  getGroup,
  removing,
  type Site,
  team,
  valued,
} from './groups.ts';
import { patch } from './people.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// What is read of groups: lists, filters, versions, and the groups of a user.
let sandbox: SandboxProcess;
let site: Site;
let bridge: RunningBridge;
let scim: Client;

before(async () => {
  sandbox = await startSandbox();
  site = await createSite(sandbox, { uniqueDisplayName: true });
  bridge = await site.start();
  scim = bridge.scim;
});
after(async () => {
  await site.end();
  await sandbox.stop();
});

const found = async (filter: string): Promise<readonly string[]> =>
  (await answered(200, scim('GET', `/Groups?filter=${encodeURIComponent(filter)}`))).Resources.map(
    ({ id }: Json) => id,
  );
const version = async (id: string): Promise<string> => (await getGroup(scim, id)).meta.version;

test('lists: pages, order, filters and .search', async () => {
  const user = await createUser(scim);
  const groups: Json[] = [];
  for (const displayName of ['List b', 'List A', 'List c'])
    groups.push(await createGroup(scim, { displayName, externalId: `list-${displayName.at(-1)}` }));
  const [b, a, c] = groups.map(({ id }) => String(id));
  assert.ok(a && b && c);
  await change(scim, c, adding(user));
  assert.deepEqual(await found('displayName eq "List b"'), [b]);
  assert.deepEqual(await found('displayName eq "LIST B"'), [b]);
  assert.deepEqual(await found('externalId eq "list-A"'), [a]);
  assert.deepEqual(await found('externalId eq "list-a"'), []);
  assert.deepEqual(await found(`id eq "${c}"`), [c]);
  assert.deepEqual(await found('displayName sw "list" and not (displayName eq "List b")'), [a, c]);
  for (const filter of [
    `members.value eq "${user}"`,
    `members[value eq "${user}"]`,
    'displayName sw "List" and members pr',
  ])
    assert.deepEqual(await found(filter), [c]);
  assert.deepEqual(await found(`members[value eq "${user}"] and displayName eq "List b"`), []);
  assert.deepEqual(await found('members.value eq "nobody"'), []);
  assert.match((await answered(400, scim('GET', '/Groups?filter=displayName'))).scimType, /invalidFilter/);

  const page = await answered(
    200,
    scim(
      'GET',
      `/Groups?filter=${encodeURIComponent('displayName sw "List"')}&sortBy=displayName&startIndex=2&count=1`,
    ),
  );
  assert.deepEqual([page.totalResults, page.startIndex, page.itemsPerPage, page.Resources[0].id], [3, 2, 1, b]);
  const searched = await answered(
    200,
    scim('POST', '/Groups/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: `members.value eq "${user}"`,
      attributes: ['displayName'],
    }),
  );
  assert.equal(searched.totalResults, 1);
  assert.deepEqual([searched.Resources[0].displayName, searched.Resources[0].members], ['List c', undefined]);
  const all = await answered(200, scim('GET', '/Groups?count=0'));
  assert.deepEqual([all.totalResults, all.Resources ?? []], [3, []]);
});

test('members are left out when nobody asked for them', async () => {
  const user = await createUser(scim);
  const { id } = await createGroup(scim, { displayName: 'Quiet' }, user);
  const { members, ...rest } = await getGroup(scim, id);
  assert.equal(members.length, 1);
  assert.deepEqual(await answered(200, scim('GET', `/Groups/${id}?excludedAttributes=members`)), rest);
  const filter = encodeURIComponent('displayName eq "Quiet"');
  const listed = await answered(200, scim('GET', `/Groups?filter=${filter}&excludedAttributes=members`));
  assert.deepEqual(listed.Resources, [rest]);
  const named = await answered(200, scim('GET', `/Groups?filter=${filter}&attributes=members`));
  assert.deepEqual(named.Resources[0].members, members);
});

test('the version moves with the members and the definition, and with nothing else', async () => {
  const [user, other] = await createUsers(scim, 2);
  assert.ok(user && other);
  const { id } = await createGroup(scim);
  const seen = [await version(id)];
  await change(scim, id, adding(user));
  seen.push(await version(id));
  await change(scim, id, adding(user));
  await change(scim, id, removing(other));
  assert.equal(await version(id), seen[1]);
  await change(scim, id, adding(other));
  seen.push(await version(id));
  await change(scim, id, patch({ op: 'replace', path: 'externalId', value: 'v1' }));
  seen.push(await version(id));
  await change(scim, id, removing(other));
  seen.push(await version(id));
  await change(scim, id, adding(other));
  seen.push(await version(id));
  assert.equal(new Set(seen).size, seen.length, seen.join());
  const unmodified = await scim('GET', `/Groups/${id}`, undefined, { 'if-none-match': seen.at(-1) ?? '' });
  assert.equal(unmodified.status, 304);
});

test('If-Match: an older version is 412 and changes nothing', async () => {
  const user = await createUser(scim);
  const created = await createGroup(scim);
  const { id } = created;
  const old = { 'if-match': created.meta.version };
  const current = await change(scim, id, adding(user));
  await answered(412, scim('PATCH', `/Groups/${id}`, removing(user), old));
  await answered(412, scim('PUT', `/Groups/${id}`, team({ members: [] }), old));
  await answered(412, scim('DELETE', `/Groups/${id}`, undefined, old));
  assert.deepEqual(await getGroup(scim, id), current);
  const fresh = { 'if-match': current.meta.version };
  const { meta } = await answered(200, scim('PATCH', `/Groups/${id}`, removing(user), fresh));
  await answered(412, scim('DELETE', `/Groups/${id}`, undefined, fresh));
  await answered(204, scim('DELETE', `/Groups/${id}`, undefined, { 'if-match': `"x", ${meta.version}` }));
});

test('uniqueDisplayName: a second group of a name is 409, free again once the first is gone or renamed', async () => {
  const { id } = await createGroup(scim, { displayName: 'Only' });
  const other = await createGroup(scim, { displayName: 'Another' });
  const named = patch({ op: 'replace', path: 'displayName', value: 'Only' });
  assert.equal((await answered(409, scim('POST', '/Groups', team({ displayName: 'Only' })))).scimType, 'uniqueness');
  await answered(409, scim('PATCH', `/Groups/${other.id}`, named));
  assert.equal((await getGroup(scim, other.id)).displayName, 'Another');
  await change(scim, id, patch({ op: 'replace', path: 'displayName', value: 'Not only' }));
  await change(scim, other.id, named);
  await answered(204, scim('DELETE', `/Groups/${other.id}`));
  await answered(201, scim('POST', '/Groups', team({ displayName: 'Only' })));
});

test('the groups of a user, alone and in lists', async () => {
  const [user, other] = await createUsers(scim, 2);
  assert.ok(user && other);
  const one = await createGroup(scim, { displayName: 'Of user 1' }, user);
  const two = await createGroup(scim, { displayName: 'Of user 2' }, user);
  const outer = await createGroup(scim, {}, one.id);
  const shown = (await answered(200, scim('GET', `/Users/${user}`))).groups;
  const expected = [one, two].map(({ id, displayName }) => ({
    value: id,
    display: displayName,
    type: 'direct',
    $ref: `${bridge.base}/Groups/${id}`,
  }));
  const byId = (groups: readonly Json[]): readonly Json[] => groups.toSorted((a, b) => (a.value < b.value ? -1 : 1));
  assert.deepEqual(byId(shown), byId(expected));
  const { Resources } = await answered(200, scim('GET', '/Users?count=1000'));
  const listed = (id: string): Json => Resources.find((each: Json) => each.id === id);
  assert.deepEqual(byId(listed(user).groups), byId(expected));
  assert.deepEqual(listed(other).groups ?? [], []);
  const inOne = encodeURIComponent(`groups.value eq "${one.id}"`);
  assert.deepEqual(
    (await answered(200, scim('GET', `/Users?filter=${inOne}`))).Resources.map(({ id }: Json) => id),
    [user],
  );
  await change(scim, two.id, patch({ op: 'replace', path: 'displayName', value: 'Of user 3' }));
  await answered(204, scim('DELETE', `/Groups/${one.id}`));
  const left = (await answered(200, scim('GET', `/Users/${user}`))).groups;
  assert.deepEqual(
    left.map(({ value, display }: Json) => [value, display]),
    [[two.id, 'Of user 3']],
  );
  assert.deepEqual((await getGroup(scim, outer.id)).members, []);
  // what a client says of the groups of a user is read-only and passed over
  await answered(
    200,
    scim('PATCH', `/Users/${other}`, patch({ op: 'replace', value: { title: 'x', groups: valued(two.id) } })),
  );
  assert.deepEqual((await answered(200, scim('GET', `/Users/${other}`))).groups ?? [], []);
});
