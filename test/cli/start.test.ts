import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { listeningAddress } from '../../src/config/listening-address.ts';
import { loadConfig } from '../../src/config/config.ts';

const root = resolve(import.meta.dirname, '../..');
let folder: string;
before(() => void (folder = mkdtempSync(join(tmpdir(), 'start-'))));
after(() => rmSync(folder, { recursive: true }));

/** Runs Node with these words, in an empty folder and with no setting but those of `env`. */
async function node(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exit] = (await gone) as [number | null];
  return { out, err, exit };
}

const bin = join(root, 'bin/scim-bridge.mjs');
const preload = (script: string): string[] => ['--import', `data:text/javascript,${encodeURIComponent(script)}`];

test('--version and --help load nothing of the server', async () => {
  const told = preload(`
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { process._rawDebug('loaded ' + url); return next(url, context); } });
  `);
  const version = await node([...told, bin, '--version']);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  const help = await node([...told, bin, '--help']);
  for (const verb of ['start', 'healthcheck', 'doctor', 'token'])
    assert.match(help.out, new RegExp(`^  ${verb}\\b`, 'm'));
  for (const { err, exit } of [version, help]) {
    assert.equal(exit, 0);
    assert.match(err, /^loaded .*\/commander\//m);
    const server =
      // the table of conditions is what --kind takes
      /\/src\/(server\/|store\/(?!conditions\.ts)|queue\/|scim\/|zitadel\/)|\/sandbox\/|node_modules\/(@zitadel|express|zod|pino|bullmq)\//;
    assert.deepEqual(
      err.split('\n').filter((line) => server.test(line)),
      [],
    );
  }
});

test('an older Node is told in one line what is needed', async () => {
  const old = preload(`
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.19.0' } });
    Object.defineProperty(process, 'version', { value: 'v22.19.0' });
  `);
  for (const words of [['--version'], ['start'], ['doctor']]) {
    const { out, err, exit } = await node([...old, bin, ...words]);
    assert.deepEqual([out, exit], ['', 2]);
    assert.match(err, /^scim-bridge needs Node 24 or newer and this is v22\.19\.0.*\n$/);
  }
});

test('where there is no sandbox folder, a start without ZITADEL_URL is refused with what to set', async () => {
  const production = join(folder, 'production');
  for (const part of ['src', 'bin', 'package.json'])
    cpSync(join(root, part), join(production, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(production, 'node_modules'));
  const entry = join(production, 'bin/scim-bridge.mjs');
  for (const words of [['start'], ['queue', 'list'], ['doctor']]) {
    const { out, err, exit } = await node([entry, ...words], { DATA_DIR: join(folder, 'data') });
    assert.match(
      words[0] === 'doctor' ? out : err,
      /ZITADEL_URL: missing; only a clone of the repository has a sandbox/,
    );
    assert.equal(exit, words[0] === 'queue' ? 2 : 1);
  }
});

test('healthcheck asks the port of the settings, and its exit code is the answer', async () => {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.writeHead(url === '/healthz' ? 200 : 503).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const PORT = String((server.address() as AddressInfo).port);
  try {
    assert.deepEqual(await node([bin, 'healthcheck'], { PORT, HOST: '0.0.0.0' }), { out: '', err: '', exit: 0 });
    const ready = await node([bin, 'healthcheck', '--ready'], { PORT });
    assert.deepEqual(ready, { out: '', err: `http://127.0.0.1:${PORT}/readyz: status 503\n`, exit: 1 });
    assert.deepEqual(asked, ['/healthz', '/readyz']);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  await once(server, 'close');
  const none = await node([bin, 'healthcheck'], { PORT });
  assert.equal(none.exit, 1);
  assert.match(none.err, /^http:\S+\/healthz: .*ECONNREFUSED.*\n$/);
});

test('it asks where the bridge listens, by the same defaults, .env and precedence', () => {
  writeFileSync(join(folder, '.env'), 'PORT=7001\nHOST=127.0.0.2\n');
  for (const env of [{}, { PORT: '7002' }, { HOST: '127.0.0.3', PORT: '' }])
    for (const cwd of [folder, root]) {
      const { host, port } = loadConfig(env, cwd).server;
      assert.equal(listeningAddress(env, cwd), `http://${host}:${port}`);
    }
  assert.equal(listeningAddress({ HOST: '::', TLS_CERT: 'cert.pem' }, root), 'https://[::1]:7644');
});
