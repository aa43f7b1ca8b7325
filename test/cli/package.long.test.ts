import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from '../end-to-end/bridge.ts';
import { type SandboxProcess, startSandbox } from '../end-to-end/sandbox.ts';
import { until } from '../end-to-end/until.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const TOKEN = 'the-token-of-okta';

let folder: string;
let sandbox: SandboxProcess;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  sandbox = await startSandbox();
});
after(async () => {
  await sandbox.stop();
  rmSync(folder, { recursive: true });
});

/** What a shell has in which Node 24 is installed, and nothing of this repository. */
const env = () => ({
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  HOME: process.env['HOME'],
  DATA_DIR: join(folder, 'data'),
});

test('npm pack, installed in an empty folder: --version, start, and commands (needs the npm registry, as npm ci does)', async () => {
  const npm = (...words: string[]) => run('npm', words, { cwd: root, maxBuffer: 16_777_216 });
  const { stdout } = await npm('pack', '--json', '--pack-destination', folder);
  const [{ filename, files, version }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    { filename: string; version: string; files: { path: string }[] },
  ];
  const unwanted = files
    .map(({ path }) => path)
    .filter((path) => /\.ts$|^(src|sandbox|test|bench|scripts)\//.test(path));
  assert.deepEqual(unwanted, []);
  await npm(
    'install',
    '--global',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    join(folder, filename),
  );

  const [entry = ''] = globSync('bin/scim-bridge', { cwd: folder });
  const scimBridge = (words: string, more = {}) =>
    run(join(folder, entry), words.split(' '), { cwd: folder, env: { ...env(), ...more } });
  assert.equal((await scimBridge('--version')).stdout, `${version}\n`);
  await assert.rejects(scimBridge('start'), ({ code, stderr }: { code: number; stderr: string }) => {
    assert.match(stderr, /ZITADEL_URL: missing; only a clone of the repository has a sandbox/);
    return code === 1;
  });

  const settings = {
    ZITADEL_URL: sandbox.url,
    ZITADEL_ORG_ID: sandbox.seeds.organizations.a,
    ZITADEL_TOKEN: sandbox.seeds.tokens.managerA,
    SCIM_TOKEN: TOKEN,
    PORT: '0',
  };
  const bridge = spawn(join(folder, entry), ['start'], { cwd: folder, env: { ...env(), ...settings } });
  const gone = once(bridge, 'exit');
  let printed = '';
  for (const stream of [bridge.stdout, bridge.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  try {
    const address = (): string | undefined => /"address":"([^"]+)"/.exec(printed)?.[1];
    await until(
      () => {
        if (bridge.exitCode !== null) throw new Error(printed);
        return address() !== undefined;
      },
      () => printed,
    );
    const { port } = new URL(address() ?? '');
    await until(
      async () => (await scimBridge('healthcheck --ready', { PORT: port }).catch(() => undefined)) !== undefined,
      () => printed,
    );
    const { status, body } = await createClient(`${address()}/scim/v2`, TOKEN)('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ada@example.com',
    });
    assert.equal(status, 201);
    const { stdout: shown } = await scimBridge(`queue show ${body.id}`, settings);
    assert.ok(shown.startsWith(String(body.id)), shown);
  } finally {
    bridge.kill('SIGTERM');
  }
  assert.deepEqual(await gone, [0, null]);
});
