/** The edge of HTTP: what is too much, and what a proxy says, on the whole bridge. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunningBridge, startBridge } from './bridge.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

let sandbox: SandboxProcess;
let bridge: RunningBridge;
before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { env: { TRUST_PROXY: '1' } });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

test('headers over 16 KB are 431, as SCIM JSON', async () => {
  const send = (authorization: string): Promise<Response> =>
    fetch(`${bridge.base}/Users`, { headers: { authorization } });
  const blanks = await send(`Bearer a${' '.repeat(15_000)}b`);
  assert.equal(blanks.status, 401);
  const answer = await send(`Bearer a${' '.repeat(17_000)}b`);
  assert.equal(answer.status, 431);
  assert.equal(answer.headers.get('content-type'), 'application/scim+json');
  assert.equal(((await answer.json()) as { readonly status: string }).status, '431');
});

test('lists of names, filters and paths are bounded by 400, wherever they stand', async () => {
  const names = (count: number): string => Array.from({ length: count }, () => 'title').join(',');
  const terms = (count: number): string => Array.from({ length: count }, () => 'title pr').join(' or ');
  const search = (body: object) => bridge.scim('POST', '/Users/.search', body);
  for (const name of ['attributes', 'excludedAttributes']) {
    assert.equal((await bridge.scim('GET', `/Users?${name}=${names(200)}`)).status, 200);
    assert.equal((await search({ [name]: names(200).split(',') })).status, 200);
    for (const answer of [
      await bridge.scim('GET', `/Users?${name}=${names(201)}`),
      await bridge.scim('GET', `/Users?${name}=${names(150)}&${name}=${names(51)}`),
      await search({ [name]: names(201).split(',') }),
      await search({ [name]: [names(101), names(100)] }),
      await bridge.scim('POST', '/Groups/.search', { [name]: names(150_000) }),
    ]) {
      assert.deepEqual([answer.status, answer.body.scimType], [400, 'invalidValue']);
      assert.match(answer.body.detail, new RegExp(`^${name} holds more than 200 names`));
    }
  }
  assert.equal((await search({ filter: terms(200) })).status, 200);
  const many = await search({ filter: terms(201) });
  assert.deepEqual([many.status, many.body.scimType], [400, 'invalidFilter']);
  const sorted = await search({ sortBy: 'a'.repeat(501) });
  assert.deepEqual([sorted.status, sorted.body.scimType], [400, 'invalidValue']);
});

test('one user has at most 1 MB, after a PATCH too, and can still leave', async () => {
  const values = (letter: string) => Array.from({ length: 450 }, (_, n) => ({ value: `${n}`.padEnd(900, letter) }));
  const made = await bridge.scim('POST', '/Users', {
    schemas: [USER],
    userName: 'large@example.com',
    x509Certificates: values('A'),
    roles: values('b'),
  });
  assert.equal(made.status, 201);
  const path = `/Users/${made.body.id}`;
  const patch = (...Operations: object[]) => bridge.scim('PATCH', path, { schemas: [PATCH], Operations });
  const more = { op: 'add', path: 'entitlements', value: values('c') };
  const refused = await patch(more);
  assert.deepEqual([refused.status, refused.body.scimType], [400, 'invalidValue']);
  assert.match(refused.body.detail, /larger than 1 MB, most of it (roles|x509Certificates):/);
  const { body } = await bridge.scim('GET', path);
  assert.deepEqual([body.roles.length, body.entitlements, body.meta.version], [450, undefined, made.body.meta.version]);
  assert.equal((await patch({ op: 'replace', path: 'active', value: false }, more)).status, 400);
  assert.equal((await bridge.scim('GET', path)).body.active, false);
});

test('X-Forwarded-Proto is http or https, anything else is passed over', async () => {
  const base = (proto: string) =>
    bridge
      .scim('GET', '/ServiceProviderConfig', undefined, {
        'X-Forwarded-Proto': proto,
        'X-Forwarded-Host': 'scim.example.com',
      })
      .then(({ body }) => body.meta.location.replace(/ServiceProviderConfig$/, ''));
  assert.equal(await base('https'), 'https://scim.example.com/scim/v2/');
  for (const proto of ['javascript', 'https:', 'ftp', 'HTTPS://evil.example.com/'])
    assert.equal(await base(proto), 'http://scim.example.com/scim/v2/', proto);
});

test('a certificate of blanks is refused at once', async () => {
  const value = `${' '.repeat(900_000)}!`;
  const before = process.cpuUsage().user;
  const answer = await bridge.scim('POST', '/Users', {
    schemas: [USER],
    userName: 'x@example.com',
    x509Certificates: [{ value }],
  });
  assert.deepEqual([answer.status, answer.body.detail], [400, 'x509Certificates.value must be base64']);
  // 900,000 blanks took half an hour
  assert.ok(process.cpuUsage().user - before < 10_000_000);
});
