import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { verify } from '@node-rs/bcrypt';
import { parseBridgeFile } from '../../src/config/bridge-file.ts';
import { newPassword, newToken, tokenCommand } from '../../src/cli/token.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The PATH of a shell that knows nothing of this repository: whatever node is installed there. */
const PATH = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .join(':');

const scimBridge = (...args: string[]) =>
  run('npx', ['scim-bridge', ...args], { cwd: root, env: { ...process.env, PATH, npm_config_offline: 'true' } });

test('npx scim-bridge token prints a token and its entry, whatever node the machine has', async () => {
  const { stdout } = await scimBridge('token', '--name', 'okta', '--expires', '2999-01-01');
  const [token = '', entry = ''] = stdout.trim().split('\n');
  const sha256 = createHash('sha256').update(token).digest('hex');
  assert.deepEqual(parse(entry), [{ name: 'okta', sha256, expires: '2999-01-01' }]);
});

test('a name or a day that bridge.yaml would refuse is refused here', async () => {
  for (const args of [
    ['--name', 'a b'],
    ['--expires', '2027-02-31'],
    ['--expires', '2001-01-01'],
  ]) {
    const command = tokenCommand((line) => assert.fail(line))
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    await assert.rejects(command.parseAsync(args, { from: 'user' }), /error: option/);
  }
});

test('tokens are new each time and fit into a header', () => {
  const tokens = new Set(Array.from({ length: 100 }, () => newToken('a').token));
  assert.equal(tokens.size, 100);
  for (const token of tokens) assert.match(token, /^scim_[\w-]{43}$/);
});

test('a password comes with a bcrypt entry that bridge.yaml takes', async () => {
  const { password, yaml } = await newPassword('hr');
  const { basic } = parse(yaml) as { readonly basic: { readonly user: string; readonly passwordHash: string } };
  assert.match(password, /^[\w-]{32}$/);
  assert.equal(basic.user, 'hr');
  assert.ok(await verify(password, basic.passwordHash));
  const complaints: string[] = [];
  const tenant = `{ id: a, organization: "1", ${yaml} }`;
  const file = parseBridgeFile(`tenants: [${tenant}]`, 'bridge.yaml', complaints);
  assert.deepEqual([file?.tenants[0]?.basic, complaints], [basic, []]);
});

test('token --basic prints both, and takes no end', async () => {
  const { stdout } = await scimBridge('token', '--basic', '--name', 'hr');
  assert.match(stdout, /^[\w-]{32}\nbasic: \{ user: hr, passwordHash: \$2b\$10\$/);
  await assert.rejects(scimBridge('token', '--basic', '--expires', '2999-01-01'), /--expires/);
});
