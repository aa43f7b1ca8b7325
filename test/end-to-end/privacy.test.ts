/** What a client or ZITADEL puts anywhere turns up in no log line, metric, status page or finding of doctor. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { answered, type RunningBridge, startBridge } from './bridge.ts';
import { ada, patch } from './people.ts';
import { operate, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

const ADMIN_TOKEN = 'admin-token-of-the-test';
/** In every form that could pass for a code, an id, a word or a stack. */
const FORMS = [
  'canary',
  'canary@example.com',
  'CANARY',
  'CANARY-Lovelace',
  'CANARY_LOVELACE',
  'ECANARY',
  '(CANARY-Love1ace)',
  'Canary: x',
  'CanaryLove: x',
  'x\n    at canary (/canary.ts:1:1)',
];
const CANARY = /canary/i;
/** The names of attributes that no schema has are told, and nothing that could not be such a name. */
const IGNORED =
  /"ignored":\[(?:"[A-Za-z][\w.:-]*",?)*\]|^scim_bridge_ignored_attributes_total\{attribute="[A-Za-z][\w.:-]*"\} \d+$/gm;

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, {
    env: { ADMIN_TOKEN, PASSWORDS: 'set', ZITADEL_TOKEN: sandbox.seeds.tokens.instanceOwner },
    timing: { backoffFirstMs: 20, backoffMaxMs: 100, probeMs: 50 },
  });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

async function findings(): Promise<string> {
  const authorization = `Bearer ${ADMIN_TOKEN}`;
  const page = await fetch(`${new URL(bridge.base).origin}/`, { headers: { authorization } });
  assert.equal(page.status, 200);
  const doctor = await operate(bridge, 'doctor');
  const all = [...bridge.lines, await bridge.metrics(), await page.text(), JSON.stringify(doctor)].join('\n');
  return all.replaceAll(IGNORED, '');
}

test('paths, queries, headers, methods and bodies', async () => {
  for (const form of FORMS) {
    const part = encodeURIComponent(form);
    const odd = {
      'x-request-id': part,
      'user-agent': part,
      'x-forwarded-for': part,
      'if-match': `"${part}"`,
      accept: part,
    };
    for (const path of [`/Users/${part}`, `/Groups/${part}`, `/Schemas/${part}`, `/${part}`, `/Users/${part}/${part}`])
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'])
        await bridge.scim(method, path, method === 'GET' ? undefined : { [form]: form }, odd);
    await bridge.scim('GET', `/Users?filter=${part}&sortBy=${part}&attributes=${part}&${part}=${part}`);
    await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq ${JSON.stringify(form)}`)}`);
    await bridge.scim('POST', '/Users', `{"${form}`);
    await bridge.scim('POST', '/Users', { userName: form, emails: [{ value: form }], [form]: form, password: form });
    await bridge.scim('POST', '/Groups', { displayName: form, members: [{ value: form }] });
    await bridge.scim('POST', '/.search', { filter: form });
    await bridge.client(part)('GET', '/Users');
  }
  const user = await answered(201, bridge.scim('POST', '/Users', ada({ title: 'canary', nickName: 'canary' })));
  for (const form of FORMS) {
    await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: form, value: form }));
    await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: form, path: 'title', value: form }));
    await bridge.scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { title: form, password: form } }));
  }
  for (const method of ['PROPFIND', 'TRACE', 'M-SEARCH']) await raw(method, '/scim/v2/Users/canary');
  await settled(bridge);
  const text = await findings();
  assert.ok(bridge.lines.some((line) => line.includes('"id":"hash:')));
  assert.deepEqual(
    text.split('\n').filter((line) => CANARY.test(line)),
    [],
  );
});

test("ZITADEL's own words", async () => {
  const user = await answered(201, bridge.scim('POST', '/Users', ada()));
  for (const code of ['INVALID_ARGUMENT', 'INTERNAL', 'FAILED_PRECONDITION', 'RESOURCE_EXHAUSTED', 'NOT_FOUND'])
    for (const message of FORMS) {
      await sandbox.faults({ mode: 'error', code, message, method: 'SetUserMetadata', times: 1 });
      const change = patch({ op: 'replace', path: 'title', value: `${code} ${message.length}` });
      await bridge.scim('PATCH', `/Users/${user.id}`, change);
    }
  await sandbox.faults();
  await settled(bridge);
  await until(() => bridge.lines.some((line) => line.includes('RESOURCE_EXHAUSTED')));
  assert.deepEqual(
    (await findings()).split('\n').filter((line) => CANARY.test(line)),
    [],
  );
});

test('a user whose id in ZITADEL is an address', async () => {
  const userId = 'canary@example.com';
  const made = await fetch(`${sandbox.url}/zitadel.user.v2.UserService/CreateUser`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.seeds.tokens.instanceOwner}` },
    body: JSON.stringify({
      organizationId: sandbox.seeds.organizations.a,
      userId,
      username: 'by-hand',
      human: { profile: { givenName: 'A', familyName: 'B' }, email: { email: 'a@example.com', isVerified: true } },
    }),
  });
  assert.equal(made.status, 200, await made.text());
  await operate(bridge, 'sync');
  const path = `/Users/${encodeURIComponent(userId)}`;
  await answered(200, bridge.scim('PATCH', path, patch({ op: 'replace', path: 'title', value: 'x' })));
  await until(() =>
    bridge.lines.filter((line) => line.includes('"id":"hash:')).some((line) => line.includes('delivery')),
  );
  const told = [...bridge.lines, await bridge.metrics()].join('\n').replaceAll(IGNORED, '');
  assert.doesNotMatch(told, CANARY);
});

/** fetch() refuses some methods. */
function raw(method: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer test-token' };
    httpRequest(
      new URL(path, bridge.base),
      { method, headers },
      (response) => void response.resume().on('end', resolve),
    )
      .on('error', reject)
      .end();
  });
}
