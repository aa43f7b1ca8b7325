import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningBridge, startBridge } from './bridge.ts';
import { ada, atZitadel, human, inZitadel, patch } from './people.ts';
import { operate, queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

let sandbox: SandboxProcess;
let bridge: RunningBridge;
/** the last person who is ORG_OWNER of organization A; the bridge is one too, and another machine */
let owner: string;

async function administrators(method: string, body: object): Promise<void> {
  const answer = await fetch(`${sandbox.url}/zitadel.internal_permission.v2beta.InternalPermissionService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.seeds.tokens.instanceOwner}` },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
}

before(async () => {
  sandbox = await startSandbox();
  const { organizations, users, tokens } = sandbox.seeds;
  owner = ((await atZitadel(sandbox, 'CreateUser', human('the-owner', organizations.a))) as { id: string }).id;
  const resource = { organizationId: organizations.a };
  await administrators('CreateAdministrator', { userId: owner, resource, roles: ['ORG_OWNER'] });
  await administrators('CreateAdministrator', { userId: users['org-a-no-role'], resource, roles: ['ORG_OWNER'] });
  await sandbox.post(`/sandbox/organizations/${organizations.a}`, {
    passwordRules: { minLength: 10, upper: true, lower: true, number: true, symbol: false },
  });
  bridge = await startBridge(sandbox, {
    env: { PASSWORDS: 'set', ZITADEL_TOKEN: tokens.ownerA },
    timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 },
  });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

test('the last active ORG_OWNER is protected: 403 with the reason, the rest of the request is applied', async () => {
  const off = await bridge.scim('PATCH', `/Users/${owner}`, patch({ op: 'replace', path: 'active', value: false }));
  assert.equal(off.status, 403, JSON.stringify(off.body));
  assert.match(off.body.detail, /ORG_OWNER/);
  assert.equal((await bridge.scim('DELETE', `/Users/${owner}`)).status, 403);
  const renamed = patch({ op: 'replace', value: { userName: 'other', title: 'Boss' } });
  assert.equal((await bridge.scim('PATCH', `/Users/${owner}`, renamed)).status, 403);
  const { body: whole } = await bridge.scim('GET', `/Users/${owner}`);
  const writes: readonly object[] = [
    { password: 'Correct7Horse' },
    { emails: [{ value: 'other@example.com', primary: true }] },
    { phoneNumbers: [{ value: '+41446681800', primary: true }] },
    { userName: 'other' },
    { active: false },
  ];
  for (const over of writes) {
    const body = patch({ op: 'replace', value: over });
    assert.equal((await bridge.scim('PATCH', `/Users/${owner}`, body)).status, 403, JSON.stringify(over));
    assert.equal((await bridge.scim('PUT', `/Users/${owner}`, { ...whole, ...over })).status, 403);
  }
  const user = await inZitadel(sandbox, owner);
  assert.equal(await login(owner, 'Correct7Horse'), false);
  assert.equal(user.human.email.email, 'king@example.com');
  assert.equal(user.human.phone?.phone ?? '', '');
  assert.equal(user.state, 'USER_STATE_ACTIVE');
  assert.equal(user.username, 'the-owner');
  assert.equal((await bridge.scim('GET', `/Users/${owner}`)).body.title, 'Boss');
  const titled = await bridge.scim('PATCH', `/Users/${owner}`, patch({ op: 'replace', path: 'title', value: 'Chief' }));
  assert.equal(titled.status, 200);
  // what is so already is no harm
  const same = await bridge.scim('PUT', `/Users/${owner}`, { ...whole, title: 'Chief', active: true });
  assert.equal(same.status, 200, JSON.stringify(same.body));
  const on = await bridge.scim('PATCH', `/Users/${owner}`, patch({ op: 'replace', path: 'active', value: true }));
  assert.equal(on.status, 200, JSON.stringify(on.body));
});

test('who becomes the last owner between request and delivery stays: also by retry, and DELETE beside it', async () => {
  const { organizations } = sandbox.seeds;
  const resource = { organizationId: organizations.a };
  const { id: second } = (await atZitadel(sandbox, 'CreateUser', human('second-owner', organizations.a))) as {
    id: string;
  };
  await administrators('CreateAdministrator', { userId: second, resource, roles: ['ORG_OWNER'] });
  await operate(bridge, 'sync');
  await sandbox.faults({ mode: 'down' });
  await until(async () => {
    await bridge.scim('POST', '/Users', ada());
    return (await bridge.metrics()).includes('scim_bridge_unavailable{tenant="default",kind="unreachable"} 1');
  });
  const off = patch({ op: 'replace', value: { active: false, title: 'Gone', password: 'Correct7Horse' } });
  assert.equal((await bridge.scim('PATCH', `/Users/${second}`, off)).status, 200);
  await sandbox.post('/sandbox/members', { userId: owner, organization: organizations.a, roles: [] });
  await sandbox.faults();
  await settled(bridge);
  const stays = async (): Promise<void> => {
    assert.equal((await inZitadel(sandbox, second)).state, 'USER_STATE_ACTIVE');
    assert.equal(await login(second, 'Correct7Horse'), false);
  };
  await stays();
  assert.equal((await bridge.scim('GET', `/Users/${second}`)).body.title, 'Gone');
  assert.deepEqual(
    (await queue(bridge, 'dead-letter')).map(({ id }) => id),
    [second],
  );
  await operate(bridge, 'queue retry', { id: second });
  await settled(bridge);
  await stays();
  const title = patch({ op: 'replace', path: 'title', value: 'Chief' });
  const [gone, titled] = await Promise.all([
    bridge.scim('DELETE', `/Users/${second}`),
    bridge.scim('PATCH', `/Users/${second}`, title),
  ]);
  assert.deepEqual([gone.status, titled.status], [403, 200], JSON.stringify(titled.body));
  await stays();
  await sandbox.post('/sandbox/members', { userId: owner, organization: organizations.a, roles: ['ORG_OWNER'] });
  await operate(bridge, 'queue retry', { id: second }).catch(() => undefined);
});

test('service users are no SCIM users', async () => {
  const { users } = sandbox.seeds;
  assert.equal((await bridge.scim('GET', `/Users/${users['org-a-manager']}`)).status, 404);
  assert.equal((await bridge.scim('DELETE', `/Users/${users['org-a-manager']}`)).status, 404);
});

test('ids under protect are refused at delivery', async () => {
  const { id } = (await atZitadel(sandbox, 'CreateUser', human('listed', sandbox.seeds.organizations.a))) as {
    id: string;
  };
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  await writeFile(join(dataDir, 'bridge.yaml'), `protect: ["${id}"]\n`);
  const listed = await startBridge(sandbox, { dataDir, env: { BRIDGE_CONFIG: join(dataDir, 'bridge.yaml') } });
  assert.equal(
    (await listed.scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false }))).status,
    403,
  );
  assert.equal((await inZitadel(sandbox, id)).state, 'USER_STATE_ACTIVE');
  await listed.stop();
  await rm(dataDir, { recursive: true });
});

const login = async (id: string, password: string): Promise<boolean> =>
  ((await sandbox.get(`/sandbox/users/${id}/password?verify=${encodeURIComponent(password)}`)) as { login: boolean })
    .login;

test('PASSWORDS=set: a password is set as a hash and logs in', async () => {
  const { status, body } = await bridge.scim('POST', '/Users', ada({ password: 'Correct7Horse' }));
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body.password, undefined);
  assert.equal(await login(body.id, 'Correct7Horse'), true);
  assert.ok(!JSON.stringify(await sandbox.log()).includes('Correct7Horse'));
  const changed = await bridge.scim(
    'PATCH',
    `/Users/${body.id}`,
    patch({ op: 'replace', value: { password: 'Battery7Staple' } }),
  );
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.equal(await login(body.id, 'Battery7Staple'), true);
});

test('PASSWORDS=set in an outage: a password is kept as a hash only, shown to nobody, and logs in later', async () => {
  const { body: user } = await bridge.scim('POST', '/Users', ada());
  await sandbox.faults({ mode: 'down' });
  // an attempt whose outcome is not known would be the only one: nothing is sent any more
  await until(async () => {
    await bridge.scim('POST', '/Users', ada());
    return (await bridge.metrics()).includes('scim_bridge_unavailable{tenant="default",kind="unreachable"} 1');
  });
  const made = await bridge.scim('POST', '/Users', ada({ password: 'Correct7Horse' }));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const change = patch({ op: 'replace', value: { password: 'Battery7Staple', title: 'Countess' } });
  assert.equal((await bridge.scim('PATCH', `/Users/${user.id}`, change)).status, 200);
  assert.equal((await bridge.scim('POST', '/Users', ada({ password: 'short1A' }))).status, 400);
  for (const { id } of [user, made.body]) {
    assert.doesNotMatch(JSON.stringify((await bridge.scim('GET', `/Users/${id}`)).body), /password|\$2/);
    assert.doesNotMatch(JSON.stringify(await operate(bridge, 'queue show', { id })), /password|\$2/);
  }
  await sandbox.faults();
  await settled(bridge);
  assert.equal(await login(made.body.id, 'Correct7Horse'), true);
  assert.equal(await login(user.id, 'Battery7Staple'), true);
  assert.ok(bridge.lines.every((line) => !/Horse|Staple|\$2/.test(line)));
});

test('PASSWORDS=set: a policy refusal is 400 that quotes the rule, and nothing is made', async () => {
  const user = ada({ password: 'short1A' });
  const { status, body } = await bridge.scim('POST', '/Users', user);
  assert.equal(status, 400);
  assert.match(body.detail, /password.*10 characters/);
  const lower = await bridge.scim('POST', '/Users', { ...user, password: 'nouppercase1' });
  assert.match(lower.body.detail, /upper-case/);
  assert.equal((await bridge.scim('POST', '/Users', { ...user, password: `A1${'x'.repeat(80)}` })).status, 400);
  assert.equal((await bridge.scim('POST', '/Users', { ...user, password: undefined })).status, 201);
});

test('PASSWORDS=ignore, the default: a password of any kind is accepted and not sent', async () => {
  const ignoring = await startBridge(sandbox);
  const { status, body } = await ignoring.scim('POST', '/Users', ada({ password: 'x' }));
  assert.equal(status, 201);
  assert.equal(((await sandbox.get(`/sandbox/users/${body.id}/password?verify=x`)) as { kind: unknown }).kind, null);
  await ignoring.stop();
});

test('credentials: client credentials and a private key sign in as well', async () => {
  const { client, key } = sandbox.seeds;
  const folder = await mkdtemp(join(tmpdir(), 'key-'));
  await writeFile(join(folder, 'key.json'), JSON.stringify(key));
  const credentials: readonly Readonly<Record<string, string>>[] = [
    { ZITADEL_CLIENT_ID: client.id, ZITADEL_CLIENT_SECRET: client.secret },
    { ZITADEL_KEY_FILE: join(folder, 'key.json') },
  ];
  for (const credential of credentials) {
    const signed = await startBridge(sandbox, { env: { ZITADEL_TOKEN: '', ...credential } });
    assert.equal((await signed.scim('POST', '/Users', ada())).status, 201);
    await signed.stop();
  }
  await rm(folder, { recursive: true });
});
