import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ada, atZitadel, patch } from './people.ts';
import { startProcess } from './process.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

let sandbox: SandboxProcess;
before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());

test('SIGTERM under load: what was answered 200 is in ZITADEL, nothing new is begun, the process ends with 0', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const bridge = await startProcess(sandbox, dataDir);
  t.after(async () => {
    await bridge.kill();
    await rm(dataDir, { recursive: true });
  });
  const { body: user } = await bridge.scim('POST', '/Users', ada());
  await sandbox.faults({ mode: 'slow', ms: 30, method: 'SetUserMetadata' });
  let last = '';
  const statuses = new Set<number>();
  const load = (async () => {
    for (let n = 0; ; n += 1) {
      const title = `title ${n}`;
      const body = patch({ op: 'replace', path: 'title', value: title });
      const answer = await bridge.scim('PATCH', `/Users/${user.id}`, body).catch(() => undefined);
      if (answer === undefined) return;
      statuses.add(answer.status);
      if (answer.status === 200) last = title;
      else assert.equal(answer.headers.get('connection'), 'close');
    }
  })();
  assert.equal(await bridge.kill('SIGTERM'), 0);
  await load;
  assert.ok([...statuses].every((status) => status === 200 || status === 503));
  const { metadata } = await atZitadel(sandbox, 'ListUserMetadata', { userId: user.id });
  const title = metadata?.find((each: { key: string }) => each.key === 'urn:zitadel:scim:title');
  assert.equal(Buffer.from(title?.value ?? '', 'base64').toString(), last);
});

test('a request that asks for active=false and cannot be read deactivates all the same, and says so', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const bridge = await startProcess(sandbox, dataDir);
  t.after(async () => {
    await bridge.kill();
    await rm(dataDir, { recursive: true });
  });
  await sandbox.faults();
  const wishes = [
    ['PUT', (user: object) => ({ ...user, active: false, title: true })],
    ['PUT', (user: object) => ({ ...user, active: 'False', userName: '' })],
    ['PATCH', () => patch({ op: 'replace', value: { active: false, emails: 'x' } })],
    [
      'PATCH',
      () => patch({ op: 'Replace', path: 'active', value: 'False' }, { op: 'replace', path: 'title', value: true }),
    ],
  ] as const;
  for (const [method, wish] of wishes) {
    const { body: user } = await bridge.scim('POST', '/Users', ada());
    const answer = await bridge.scim(method, `/Users/${user.id}`, wish(user));
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.match(answer.body.detail, /deactivated all the same/);
    const { user: now } = await atZitadel(sandbox, 'GetUserByID', { userId: user.id });
    assert.equal(now.state, 'USER_STATE_INACTIVE');
  }
});
