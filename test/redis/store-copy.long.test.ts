/** What the embedded store owes goes to Redis by a command of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { Key, Row, Unique } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { indexOf } from '../../src/bridge/row/views.ts';
import { withoutRedis } from './server.ts';
import { useStores } from './stores.ts';
import { useFolders } from '../store/folders.ts';
import { change, deadLetter, row } from '../store/rows.ts';
import { startProcess } from '../end-to-end/process.ts';
import { startSandbox } from '../end-to-end/sandbox.ts';
import { ada } from '../end-to-end/people.ts';
import { until } from '../end-to-end/until.ts';

const INSTANCE = 'https://id.example.com';
const KEPT = { instance: INSTANCE, organization: '4005', externalId: false, synced: 1_700_000_000_000, members: true };
const SETTINGS = {
  ZITADEL_URL: INSTANCE,
  ZITADEL_ORG_ID: '4005',
  ZITADEL_TOKEN: 'pat',
  SCIM_TOKEN: 'sixteen-letters!',
};
const UNIQUE: Unique = { instance: INSTANCE, externalId: false };

const [USERS, GROUPS] = ['default', 'default:groups'];
const user = (id: string): Key => ({ tenant: USERS, id });
const group = (id: string): Key => ({ tenant: GROUPS, id });
const answered = change({ acknowledged: true, facts: { username: 'new@example.com' } });
const confirm = { at: 1_800_000_000_000, facts: { state: 'active' } };
const GONE = 1_700_000_000_500;

/** What ZITADEL cannot tell again. */
const CARRIED: readonly Row[] = [
  row(user('owed'), { version: 7, pending: [answered], attempts: 3, dueAt: 1_700_000_000_100, lastError: 'away' }),
  row(user('unanswered'), {
    confirmed: null,
    pending: [change({ kind: 'create', facts: { username: 'c@example.com' } })],
  }),
  row(user('deleting'), {
    pending: [change({ kind: 'delete', facts: {}, acknowledged: true })],
    doubt: true,
    calling: 1,
  }),
  row(user('held'), { pending: [{ ...answered, facts: { title: 'x' }, onHold: true }], doubt: true }),
  row(user('dead'), { deadLetters: [deadLetter()] }),
  row(user('doubt'), { doubt: true, sentName: 'taken@example.com' }),
  row(user('confirm'), { recheck: confirm, dueAt: confirm.at }),
  row(user('blocked'), { blocked: 'no right' }),
  row(user('gone'), { confirmed: null, tombstone: GONE }),
  row(user('open'), { replay: { hash: 'h', open: true } }),
  row(user('member'), { trusted: ['g'] }),
  row(group('g'), { confirmed: { 'urn:zitadel:scim:group:g': '{"displayName":"Help desk"}' }, trusted: ['said'] }),
  row(group('g2'), { confirmed: { 'urn:zitadel:scim:group:g2': '{"deleting":true,"displayName":"Old"}' } }),
  row(group('rules'), { confirmed: { 'urn:zitadel:scim:rules': '{}' }, trusted: ['said'] }),
];
const QUIET = row(user('quiet'), { version: 3 });

const put = async (store: Store, each: Row, expect = 0): Promise<void> =>
  assert.deepEqual(await store.write({ key: each, expect, row: each, index: indexOf(each, UNIQUE) }), { kind: 'ok' });

const STATES = {
  'deleting:default': ['g2'],
  'looking:default': ['g'],
  'applying:default': { after: null, users: 1, changed: 0 },
  heartbeat: 1_700_000_000_000,
};

async function scimBridge(words: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'store', 'copy', ...words], {
    env: { ...process.env, REDIS_URL: '', ...SETTINGS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exit] = (await gone) as [number | null];
  return { out, err, exit };
}

describe('store copy', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();
  const { newFolder, open: openFolder } = useFolders();

  async function filled(rows: readonly Row[] = [...CARRIED, QUIET]): Promise<string> {
    const DATA_DIR = await newFolder();
    const store = await openFolder(DATA_DIR);
    for (const each of rows) await put(store, each);
    for (const [name, value] of Object.entries({ ...STATES, 'tenant:default': KEPT }))
      await store.setState(name, value);
    await store.close();
    return DATA_DIR;
  }

  /** But for the marks by which a Redis that was emptied is known: a look makes them. */
  const keysIn = async (url: string): Promise<number> =>
    (await redis({ url }).keys('*')).filter((key) => !key.endsWith(':mark')).length;

  test('what ZITADEL cannot tell again is there as it was, the embedded store is as it was, and once more changes nothing', async () => {
    const { url } = await server();
    const DATA_DIR = await filled();
    const first = await scimBridge(['--to', url], { DATA_DIR });
    assert.equal(first.exit, 0, first.err);
    assert.match(first.out, /^default: 11 rows of users and 3 of groups and rules copied$/m);
    assert.match(first.out, /^default: pending 3, in-doubt 3, dead-letter 1, on-hold 1, blocked 1, hidden 0$/m);

    const store = await open({ url });
    for (const each of CARRIED) assert.deepEqual(await store.read(each), each);
    assert.equal(await store.read(QUIET), undefined);
    for (const [name, owner] of [
      ['new@example.com', 'owed'],
      ['c@example.com', 'unanswered'],
      ['\nheld\ntaken@example.com', 'doubt'],
    ] as const)
      assert.deepEqual(await store.reservedBy(INSTANCE, name), user(owner), name);
    assert.equal(await store.reservedBy(INSTANCE, 'quiet'), undefined);
    for (const [name, value] of Object.entries(STATES)) assert.deepEqual(await store.getState(name), value, name);
    // until a sync has finished there nobody may take this for the whole view
    assert.deepEqual(await store.getState('tenant:default'), { ...KEPT, synced: null });

    const again = await scimBridge([], { DATA_DIR, REDIS_URL: url });
    assert.equal(again.exit, 0, again.err);
    assert.match(again.out, /11 rows of users and 3 of groups and rules copied \(14 had been copied before\)/);
    for (const each of CARRIED) assert.deepEqual(await store.read(each), each);

    const embedded = await openFolder(DATA_DIR);
    for (const each of [...CARRIED, QUIET]) assert.deepEqual(await embedded.read(each), each);
    assert.deepEqual(await embedded.getState('tenant:default'), KEPT);
  });

  test('a copy that was cut off is made to the end', async () => {
    const { url } = await server();
    const DATA_DIR = await filled();
    const store = await open({ url });
    for (const each of CARRIED.slice(0, 5)) await put(store, each);
    await store.setState('looking:default', STATES['looking:default']);
    const { out, err, exit } = await scimBridge(['--to', url], { DATA_DIR });
    assert.equal(exit, 0, err);
    assert.match(out, /\(5 had been copied before\)/);
    for (const each of CARRIED) assert.deepEqual(await store.read(each), each);
  });

  test('names stay with the row that has them, also when another one is called so in ZITADEL', async () => {
    const { url } = await server();
    const DATA_DIR = await newFolder();
    const embedded = await openFolder(DATA_DIR);
    const asks = row(user('b'), { pending: [answered] });
    // it came later and is known by that name: only the mark is its own
    const has = row(user('a'), {
      confirmed: { username: 'new@example.com', state: 'active' },
      deadLetters: [deadLetter()],
    });
    await put(embedded, asks);
    const index = { ...indexOf(has, UNIQUE), reservations: ['\nheld\nnew@example.com'] };
    assert.equal((await embedded.write({ key: has, expect: 0, row: has, index })).kind, 'ok');
    await embedded.setState('tenant:default', KEPT);
    await embedded.close();
    const { err, exit } = await scimBridge(['--to', url], { DATA_DIR });
    assert.equal(exit, 0, err);
    const store = await open({ url });
    assert.deepEqual(await store.reservedBy(INSTANCE, 'new@example.com'), user('b'));
    assert.deepEqual(await store.reservedBy(INSTANCE, '\nheld\nnew@example.com'), user('a'));
  });

  test('a password hash arrives encrypted with PASSWORD_KEY; without one it is not copied, and with one the copy goes on', async () => {
    const there = await server();
    const hash = '$2b$10$never-to-be-found';
    const owes = row(user('secret'), { pending: [{ ...answered, facts: { password: hash } }] });
    const DATA_DIR = await filled([owes]);
    const PASSWORD_KEY = 'only-for-tests-'.repeat(3);
    const refused = await scimBridge(['--to', there.url], { DATA_DIR });
    assert.notEqual(refused.exit, 0);
    assert.match(refused.err, /PASSWORD_KEY/);
    const { err, exit } = await scimBridge(['--to', there.url], { DATA_DIR, PASSWORDS: 'set', PASSWORD_KEY });
    assert.equal(exit, 0, err);
    assert.doesNotMatch(JSON.stringify(await (await open(there)).read(owes)), /\$2b/);
    assert.deepEqual(await (await open(there, { passwordKeys: [PASSWORD_KEY] })).read(owes), owes);
  });

  test('while a bridge holds the folder nothing is copied', async () => {
    const { url } = await server();
    const DATA_DIR = await filled();
    await openFolder(DATA_DIR);
    const { out, err, exit } = await scimBridge(['--to', url], { DATA_DIR });
    assert.deepEqual([out, exit], ['', 2]);
    assert.match(err, new RegExp(`is in use by another scim-bridge \\(process ${process.pid}\\): stop it first`));
    assert.equal(await keysIn(url), 0);
  });

  test('a Redis with other rows or other states of the tenant is refused before a row is written', async () => {
    const DATA_DIR = await filled();
    const cases: readonly ((store: Store) => Promise<void>)[] = [
      (store) => put(store, row(user('owed'), { version: 8, pending: [answered] })),
      (store) => put(store, QUIET),
      (store) => put(store, row(group('other'), { pending: [change()] })),
      (store) => put(store, row(group('rules'))),
      (store) => store.setState('tenant:default', KEPT),
      (store) => store.setState('heartbeat', Date.now()),
    ];
    for (const [n, prepare] of cases.entries()) {
      const { url } = await server();
      await prepare(await open({ url }));
      const before = await keysIn(url);
      const { out, err, exit } = await scimBridge(['--to', url], { DATA_DIR });
      assert.deepEqual([out, exit], ['', 1], `case ${n}`);
      assert.match(err, /^the other store cannot take the copy: .*\(give the address of an empty Redis/m, `case ${n}`);
      assert.equal(await keysIn(url), before, `case ${n}`);
    }
  });

  test('what cannot be done is told in a line', async () => {
    const DATA_DIR = await filled([]);
    for (const [words, env, expected] of [
      [[], { DATA_DIR }, /^give the address of Redis: --to redis:/],
      [['--to', 'redis://user:secret@a:b:c'], { DATA_DIR }, /^the address of Redis is not understood/],
      [['--to', 'redis://127.0.0.1:1'], { DATA_DIR }, /^Redis at 127\.0\.0\.1:1 cannot be used/],
      [['--to', 'redis://127.0.0.1:1'], { DATA_DIR: `${DATA_DIR}/none` }, /^there is no embedded store/],
    ] as const) {
      const { out, err, exit } = await scimBridge(words, env);
      assert.deepEqual([out, exit], ['', 2], err);
      assert.match(err, expected);
      assert.ok(!err.includes('secret') && !err.includes('    at '), err);
    }
  });

  test('what was answered while ZITADEL was away is delivered by the bridge on Redis', async (t) => {
    const { url } = await server();
    const dataDir = await newFolder();
    const sandbox = await startSandbox();
    t.after(() => sandbox.stop());
    const before = await startProcess(sandbox, dataDir, { REDIS_URL: '' });
    t.after(() => before.kill());
    const there = ada();
    assert.equal((await before.scim('POST', '/Users', there)).status, 201);
    await sandbox.faults({ mode: 'down' });
    const wish = ada();
    const made = await before.scim('POST', '/Users', wish);
    assert.equal(made.status, 201);
    await before.kill('SIGTERM');

    const env = {
      DATA_DIR: dataDir,
      ZITADEL_URL: sandbox.url,
      ZITADEL_ORG_ID: sandbox.seeds.organizations.a,
      ZITADEL_TOKEN: sandbox.seeds.tokens.managerA,
    };
    const { out, err, exit } = await scimBridge(['--to', url], env);
    assert.equal(exit, 0, err);
    assert.match(out, /^default: pending 1, /m);
    await sandbox.faults();
    const after = await startProcess(sandbox, await newFolder(), { REDIS_URL: url });
    t.after(() => after.kill());
    assert.equal((await after.scim('GET', `/Users/${made.body.id}`)).body.userName, wish['userName']);
    await until(async () =>
      (await sandbox.log()).some((each) => each.userId === made.body.id && each.outcome === 'ok'),
    );
    const { body } = await after.scim('GET', `/Users?filter=userName eq "${String(there['userName'])}"`);
    assert.equal(body.totalResults, 1);
  });
});
