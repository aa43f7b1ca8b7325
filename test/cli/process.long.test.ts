import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type BridgeProcess, startProcess } from '../end-to-end/process.ts';

async function scimBridge(words: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['src/cli/main.ts', ...words.split(' ')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exit] = (await gone) as [number | null];
  return { out, err, exit };
}

test('commands ask the bridge that runs, and open the store when it was killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  const env = { DATA_DIR: folder };
  const socket = join(folder, 'admin.sock');
  const started: BridgeProcess[] = [];
  const start = async (): Promise<BridgeProcess> => {
    const bridge = await startProcess(undefined, folder);
    started.push(bridge);
    return bridge;
  };
  try {
    const bridge = await start();
    const { status, body } = await bridge.scim('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ada@example.com',
    });
    assert.equal(status, 201);
    assert.equal(statSync(socket).mode & 0o777, 0o600);

    const doctor = await scimBridge('doctor', env);
    assert.match(doctor.out, /^ok {4}bridge: running$/m);
    assert.match(doctor.out, /^ok {4}store: 1 user,/m);
    assert.doesNotMatch(doctor.out, /^fail/m);
    assert.deepEqual([doctor.err, doctor.exit], ['', 0]);
    const show = await scimBridge(`queue show ${body.id}`, env);
    assert.ok(show.out.startsWith(`${body.id} of default: settled\n`), show.out);
    assert.equal((await scimBridge('queue show nobody', env)).exit, 2);
    assert.equal((await scimBridge('queue', env)).exit, 2);

    await bridge.kill();
    assert.ok(existsSync(socket), 'a killed process leaves its socket');
    const offline = await scimBridge('doctor', env);
    assert.match(offline.out, /^fail {2}bridge: no process is running on this DATA_DIR/m);
    assert.match(offline.out, /^ok {4}store: 1 user,/m);
    assert.match(offline.err, /no bridge runs on /);
    assert.equal(offline.exit, 1);
    assert.equal((await scimBridge(`queue show ${body.id}`, env)).exit, 0);

    const again = await start();
    assert.match((await scimBridge('doctor', env)).out, /^ok {4}bridge: running$/m);
    await again.kill('SIGTERM');
    assert.equal(existsSync(socket), false);
  } finally {
    for (const each of started) await each.kill();
    rmSync(folder, { recursive: true });
  }
});
