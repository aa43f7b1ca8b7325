import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type BridgeProcess, startProcess } from '../end-to-end/process.ts';
import { type SandboxProcess, startSandbox } from '../end-to-end/sandbox.ts';
import { until } from '../end-to-end/until.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PROJECT = '300000000000000031';

let sandbox: SandboxProcess;
let folder: string;
let bridge: BridgeProcess;
before(async () => {
  sandbox = await startSandbox();
  folder = mkdtempSync(join(tmpdir(), 'groups-'));
});
after(async () => {
  await bridge.kill();
  await sandbox.stop();
  rmSync(folder, { recursive: true });
});

const env = () => ({ BRIDGE_CONFIG: join(folder, 'bridge.yaml'), ZITADEL_TOKEN: 'sandbox-org-a-owner' });

/** Rules are read at a start. */
async function restart(...rules: readonly string[]): Promise<void> {
  writeFileSync(join(folder, 'bridge.yaml'), `groups:\n  rules:\n${rules.map((rule) => `    - ${rule}\n`).join('')}`);
  bridge = await startProcess(sandbox, join(folder, 'data'), env());
}

async function scimBridge(words: string) {
  const child = spawn(process.execPath, ['src/cli/main.ts', ...words.split(' ')], {
    env: {
      ...process.env,
      ZITADEL_URL: sandbox.url,
      ZITADEL_ORG_ID: sandbox.seeds.organizations.a,
      SCIM_TOKEN: 'the-token-of-okta',
      DATA_DIR: join(folder, 'data'),
      ...env(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exit] = (await gone) as [number | null];
  return { out, err, exit };
}

async function settled(): Promise<void> {
  await until(
    async () => (await scimBridge('queue list --kind pending')).out.startsWith('No matching rows'),
    () => bridge.output(),
  );
}

test('a changed bridge.yaml is planned, applied and explained; what was in force stays so until then', async () => {
  const desk = 'match: { displayName: "Help desk" }, orgRoles: [ORG_OWNER_VIEWER]';
  await restart(`{ ${desk} }`);
  const made = await bridge.scim('POST', '/Users', { schemas: [USER], userName: 'ada@example.com' });
  const group = { schemas: [GROUP], displayName: 'Help desk', members: [{ value: made.body.id }] };
  const { status, body } = await bridge.scim('POST', '/Groups', group);
  assert.equal(status, 201);
  await settled();
  const explained = await scimBridge(`groups explain ${made.body.id}`);
  assert.match(
    explained.out,
    new RegExp(`^ORG_OWNER_VIEWER +yes +settled +Help desk \\(${body.id}\\) by rule 1$`, 'm'),
  );
  assert.match(
    (await scimBridge('doctor')).out,
    /^ok {4}rules: 1 rule in force\nok {4}groups: the rules in force are/m,
  );

  await bridge.kill('SIGTERM');
  await restart(`{ match: { displayName: "Help desk" }, project: "${PROJECT}", roles: [editor] }`);
  const doctor = await scimBridge('doctor');
  assert.match(doctor.out, /^ok {4}rules: 1 rule in force$/m);
  assert.match(
    doctor.out,
    /^warn {2}groups: the rules in force are not those of bridge\.yaml\. To do: .*groups apply/m,
  );
  const planned = await scimBridge('groups plan');
  assert.deepEqual(
    [planned.out.split('\n').slice(0, 2), planned.exit],
    [[`default: ${made.body.id} +editor (project ${PROJECT}), -ORG_OWNER_VIEWER`, 'default: 1 user would change'], 0],
  );
  assert.match((await scimBridge(`groups explain ${made.body.id}`)).out, /^ORG_OWNER_VIEWER +yes +settled/m);

  const applied = await scimBridge('groups apply');
  assert.deepEqual([applied.exit, applied.err], [0, '']);
  await settled();
  const now = await scimBridge(`groups explain ${made.body.id}`);
  assert.match(now.out, new RegExp(`^editor \\(project ${PROJECT}\\) +yes +settled`, 'm'));
  assert.doesNotMatch(now.out, /ORG_OWNER_VIEWER/);
  assert.match((await scimBridge('groups plan')).out, /no user would change\ndefault: bridge\.yaml is in force/);

  await bridge.kill();
  const offline = await scimBridge(`groups explain ${made.body.id} --json`);
  assert.equal((JSON.parse(offline.out) as { readonly id: string }).id, made.body.id);
  assert.equal((await scimBridge('groups explain nobody')).exit, 2);
});
