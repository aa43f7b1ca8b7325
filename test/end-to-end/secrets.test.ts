/** Where credentials are written, who may read the files, and what proxies are believed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { emptyRow, indexOf } from '../../src/bridge/row/views.ts';
import { forgetTombstones } from '../../src/bridge/sync/retention.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { answered, type RunningBridge, startBridge } from './bridge.ts';
import { ada, patch } from './people.ts';
import { startProcess } from './process.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { onlyEmbedded } from './store.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'bridge-'));

/** Every file and folder below, with its mode. */
function filesIn(directory: string) {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { path, mode: statSync(path).mode & 0o777, isFile: entry.isFile() };
  });
}

/** Every file that holds one of the texts. */
const holding = (directory: string, texts: readonly string[]): string[] =>
  filesIn(directory).flatMap(({ path, isFile }) =>
    isFile && texts.some((text) => readFileSync(path).includes(text)) ? [path] : [],
  );

describe('over a sandbox', () => {
  const ADMIN_TOKEN = 'admin-token-of-the-test';
  const dataDir = folder();
  let sandbox: SandboxProcess;
  let bridge: RunningBridge;
  before(async () => {
    sandbox = await startSandbox();
    bridge = await startBridge(sandbox, { dataDir, env: { ADMIN_TOKEN, SCIM_TOKEN: 'scim-token-of-the-test' } });
  });
  after(async () => {
    await sandbox.stop();
    rmSync(dataDir, { recursive: true });
  });

  test('no credential is in DATA_DIR, the log or /metrics', async () => {
    const secrets = [ADMIN_TOKEN, 'scim-token-of-the-test', sandbox.seeds.tokens.managerA, 'wrong-token-of-a-client'];
    const scim = bridge.client('scim-token-of-the-test');
    const user = await answered(201, scim('POST', '/Users', ada({ password: 'password-of-a-user-1A' })));
    await answered(200, scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'title', value: 'x' })));
    await answered(401, bridge.client('wrong-token-of-a-client')('GET', '/Users'));
    await sandbox.post('/sandbox/tokens', { token: sandbox.seeds.tokens.managerA, revoked: true });
    await scim('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'title', value: 'y' }));
    const metrics = await bridge.metrics();
    const texts = [...secrets, 'password-of-a-user'];
    assert.deepEqual(holding(dataDir, texts), []);
    await bridge.stop();
    assert.deepEqual(holding(dataDir, texts), [], 'after the stop');
    for (const text of texts) assert.ok(![...bridge.lines, metrics].join('').includes(text), text);
  });

  test('X-Forwarded-For is believed only from the proxies that TRUST_PROXY counts', async () => {
    const statuses = async (TRUST_PROXY: string): Promise<number[]> => {
      const behind = await startBridge(sandbox, {
        env: { TRUST_PROXY, ZITADEL_TOKEN: sandbox.seeds.tokens.instanceOwner },
      });
      const found: number[] = [];
      for (let n = 0; n < 12; n++) {
        const from = { 'x-forwarded-for': `192.0.2.${n}` };
        found.push((await behind.client('wrong-token-of-a-client')('GET', '/Users', undefined, from)).status);
      }
      await behind.stop();
      return found;
    };
    assert.equal((await statuses('false')).at(-1), 429, 'one address, whatever it says');
    assert.equal((await statuses('1')).at(-1), 401, 'twelve addresses');
  });
});

test(
  'with nothing set the sandbox, its token and the store are for their owner alone',
  onlyEmbedded('files'),
  async (t) => {
    const parent = folder();
    const umask = process.umask(0);
    const dataDir = join(parent, 'data');
    const bridge = await startProcess(undefined, dataDir, { SCIM_TOKEN: '' });
    process.umask(umask);
    t.after(async () => {
      await bridge.kill();
      rmSync(parent, { recursive: true });
    });
    const [, token = ''] = /^bearer token +(\S+)$/m.exec(bridge.output()) ?? [];
    assert.ok(token.length >= 32, bridge.output());
    const found = filesIn(dataDir);
    assert.ok(found.some(({ path }) => path.endsWith('sandbox.token')));
    assert.ok(found.some(({ path }) => path.endsWith('admin.sock')));
    assert.equal(statSync(dataDir).mode & 0o777, 0o700);
    assert.deepEqual(
      found.filter(({ mode }) => (mode & 0o077) !== 0),
      [],
    );
    await bridge.kill('SIGTERM');
    assert.deepEqual(
      holding(dataDir, [token]).map((path) => path.slice(dataDir.length + 1)),
      ['sandbox.token'],
    );
  },
);

const openssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'there is no openssl on this machine';
  }
})();

test('TLS_CERT and TLS_KEY: https, and no http on that port', { skip: openssl }, async (t) => {
  const parent = folder();
  t.after(() => rmSync(parent, { recursive: true }));
  const [key, cert] = [join(parent, 'key.pem'), join(parent, 'cert.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' });
  const { createServer } = await import('../../src/server/http-server.ts');
  const server = createServer((_request, response) => void response.end('served'), {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  const text = await new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port, servername: 'localhost', ca: readFileSync(cert) }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    }).on('error', reject);
  });
  assert.equal(text, 'served');
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  server.closeAllConnections();
});

test('tombstones older than wanted are taken away for good, younger ones stay', async (t) => {
  const directory = folder();
  const store = await createSqliteStore({ directory });
  t.after(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });
  const unique = { instance: 'x', externalId: false };
  for (const [id, tombstone] of [
    ['old', 100],
    ['young', 300],
  ] as const) {
    const row = emptyRow({ tenant: 't', id }, 1, { version: 1, tombstone });
    assert.equal((await store.write({ key: row, expect: 0, row, index: indexOf(row, unique) })).kind, 'ok');
  }
  await forgetTombstones(store, 't', unique, 200);
  assert.equal(await store.read({ tenant: 't', id: 'old' }), undefined);
  assert.equal((await store.read({ tenant: 't', id: 'young' }))?.tombstone, 300);
});

test('credentials are compared by timingSafeEqual over SHA-256, all candidates of them, and nowhere else', () => {
  const read = (file: string): string => readFileSync(join(import.meta.dirname, '../../src', file), 'utf8');
  const [auth, admin] = [read('scim/http/auth.ts'), read('admin/admin-token.ts')];
  assert.match(auth, /for \(const \w+ of \w+\) if \(timingSafeEqual\(/, 'no early end');
  for (const text of [auth, admin]) {
    assert.match(text, /timingSafeEqual\(/);
    const compared = [...text.matchAll(/\b\w*(?:digest|sha256|tokenHash)\w*(?: *[!=]== *\w+)/gi)].map(
      ([found]) => found,
    );
    assert.deepEqual(
      compared.filter((found) => !found.endsWith('undefined')),
      [],
    );
  }
});
