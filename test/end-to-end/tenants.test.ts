import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Client, type RunningBridge, startBridge } from './bridge.ts';
import { ada, atZitadel, human, inZitadel, patch } from './people.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// One instance-level token serves two tenants: ZITADEL itself lets every call through (measured), so the bridge must tell them apart.
let sandbox: SandboxProcess;
let bridge: RunningBridge;
let directory: string;
let a: Client;
let b: Client;

before(async () => {
  sandbox = await startSandbox();
  directory = await mkdtemp(join(tmpdir(), 'bridge-'));
  const { organizations, tokens } = sandbox.seeds;
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const yaml = `
zitadel: { url: "${sandbox.url}", token: "${tokens.instanceOwner}" }
tenants:
  - { id: north, organization: "${organizations.a}", tokens: [{ name: okta, sha256: "${sha256('token-a')}" }], uniqueExternalId: true }
  - { id: south, organization: "${organizations.b}", tokens: [{ name: entra, sha256: "${sha256('token-b')}" }] }
`;
  await writeFile(join(directory, 'bridge.yaml'), yaml);
  const unset = { SCIM_TOKEN: '', ZITADEL_URL: '', ZITADEL_TOKEN: '', ZITADEL_ORG_ID: '' };
  bridge = await startBridge(sandbox, {
    dataDir: directory,
    env: { ...unset, BRIDGE_CONFIG: join(directory, 'bridge.yaml') },
  });
  a = bridge.client('token-a');
  b = bridge.client('token-b');
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
  await rm(directory, { recursive: true });
});

test('the sandbox lets a call on a user of another organization through, as the real one does', async () => {
  const { body: user } = await a('POST', '/Users', ada());
  const answer = await fetch(`${sandbox.url}/zitadel.user.v2.UserService/DeactivateUser`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${sandbox.seeds.tokens.instanceOwner}`,
      'x-zitadel-orgid': sandbox.seeds.organizations.b,
    },
    body: JSON.stringify({ userId: user.id }),
  });
  assert.equal(answer.status, 200);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
});

test("a token of tenant A gets 404 for anything of tenant B, and B's user stays as it is", async () => {
  const { body: user } = await b('POST', '/Users', ada());
  const { id: console_ } = (await atZitadel(
    sandbox,
    'CreateUser',
    human('console-of-b', sandbox.seeds.organizations.b),
  )) as { id: string };
  await sandbox.reset();
  for (const id of [user.id, console_]) {
    assert.equal((await a('GET', `/Users/${id}`)).status, 404);
    assert.equal(
      (await a('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false }))).status,
      404,
    );
    assert.equal((await a('PUT', `/Users/${id}`, ada())).status, 404);
    assert.equal((await a('DELETE', `/Users/${id}`)).status, 404);
    const found = await a('GET', `/Users?filter=${encodeURIComponent(`id eq "${id}"`)}`);
    assert.equal(found.body.totalResults, 0);
  }
  const byName = await a('GET', `/Users?filter=${encodeURIComponent('userName eq "console-of-b"')}`);
  assert.equal(byName.body.totalResults, 0);
  const calls = Object.keys(await sandbox.calls());
  assert.deepEqual(
    calls.filter((call) => !/^(Get|List)/.test(call)),
    [],
  );
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_ACTIVE');
  const { body: list } = await a('GET', '/Users?count=1000');
  assert.ok(!list.Resources.some((each: { id: string }) => [user.id, console_].includes(each.id)));
});

test('the organization in the path is the own one or 404', async () => {
  const { organizations } = sandbox.seeds;
  assert.equal((await a('GET', `/${organizations.a}/Users?count=1`)).status, 200);
  const foreign = await a('GET', `/${organizations.b}/Users?count=1`);
  assert.equal(foreign.status, 404);
  assert.equal((await a('GET', '/999/Users')).status, 404);
});

test('a userName of another tenant is taken, and the answer does not say by whom', async () => {
  const { body: user } = await b('POST', '/Users', ada());
  const { status, body } = await a('POST', '/Users', ada({ userName: user.userName }));
  assert.equal(status, 409);
  assert.ok(!JSON.stringify(body).includes('south') && !JSON.stringify(body).includes(user.id));
});

test('a create repeated by another tenant is never answered with the resource of the first', async () => {
  const one = ada();
  const [first, second] = await Promise.all([a('POST', '/Users', one), b('POST', '/Users', one)]);
  assert.deepEqual(
    [first.status, second.status].toSorted((one, two) => one - two),
    [201, 409],
  );
});

test('externalId may repeat, unless the tenant says uniqueExternalId', async () => {
  assert.equal((await b('POST', '/Users', ada({ externalId: 'x1' }))).status, 201);
  assert.equal((await b('POST', '/Users', ada({ externalId: 'x1' }))).status, 201);
  assert.equal((await a('POST', '/Users', ada({ externalId: 'x1' }))).status, 201);
  const { status, body } = await a('POST', '/Users', ada({ externalId: 'x1' }));
  assert.equal(status, 409);
  assert.match(body.detail, /externalId/);
  const both = await Promise.all([
    a('POST', '/Users', ada({ externalId: 'x3' })),
    a('POST', '/Users', ada({ externalId: 'x3' })),
  ]);
  assert.deepEqual(
    both.map((each) => each.status).toSorted((one, two) => one - two),
    [201, 409],
  );
  const { body: other } = await a('POST', '/Users', ada({ externalId: 'x2' }));
  assert.equal(
    (await a('PATCH', `/Users/${other.id}`, patch({ op: 'replace', path: 'externalId', value: 'x1' }))).status,
    409,
  );
});

test('a wrong token is 401 with WWW-Authenticate and a SCIM body', async () => {
  const { status, headers, body } = await bridge.client('nobody')('GET', '/Users');
  assert.equal(status, 401);
  assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
  assert.deepEqual(body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error']);
});

test('a 409 has the same words wherever the user is who has the name', async () => {
  const { organizations } = sandbox.seeds;
  for (const [name, organization] of Object.entries({ here: organizations.a, there: organizations.b }))
    await atZitadel(sandbox, 'CreateUser', human(`taken-${name}`, organization));
  for (const [name, scim] of Object.entries({ own: a, other: b }))
    assert.equal((await scim('POST', '/Users', ada({ userName: `taken-${name}` }))).status, 201);
  const { body: user } = await a('POST', '/Users', ada());
  const told = new Set<string>();
  for (const userName of ['taken-here', 'taken-there', 'taken-own', 'taken-other', 'TAKEN-Other']) {
    const answers = [
      await a('POST', '/Users', ada({ userName })),
      await a('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'userName', value: userName })),
      await a('PUT', `/Users/${user.id}`, { ...user, userName }),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 409, JSON.stringify(body));
      told.add(JSON.stringify(body));
    }
  }
  assert.equal(told.size, 1, [...told].join('\n'));
});
