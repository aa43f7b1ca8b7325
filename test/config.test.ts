import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ConfigError } from '../src/config/complaints.ts';
import { settingRows } from '../src/config/settings.ts';
import { loadConfig } from '../src/config/config.ts';
import { parseAddress } from '../src/store/redis/address.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const load = (env: Record<string, string> = {}) => loadConfig(env, folder);
const complaints = (env: Record<string, string> = {}): readonly string[] => {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.complaints;
  }
  return assert.fail('no complaint');
};
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** One tenant by environment at a real ZITADEL. */
const REAL = {
  ZITADEL_URL: 'https://id.example.com/',
  ZITADEL_ORG_ID: '4005',
  ZITADEL_TOKEN: 'pat',
  SCIM_TOKEN: 'the-clear-token-',
};

/** The hash of some password. */
const BCRYPT = '$2b$10$18KVggTEqdB8JhEBxwvAe.rjzuJPUpQ7ln1jam227qs88U00Hv4TO';

describe('environment', () => {
  test('nothing set: the sandbox, on 127.0.0.1:7644', () => {
    const config = load();
    assert.equal(config.sandbox, true);
    assert.deepEqual(config.server, {
      host: '127.0.0.1',
      port: 7644,
      publicUrl: undefined,
      tls: undefined,
      trustProxy: false,
    });
    assert.deepEqual(config.limits, {
      viewMaxAge: 30_000,
      syncInterval: 600_000,
      answerWithin: 10_000,
      rateLimit: 500,
      holdAfter: 3_600_000,
      maxPending: 100_000,
      deadLetterRetention: 90 * 86_400_000,
    });
    assert.deepEqual(config.admin, { tokenHash: undefined });
    assert.deepEqual(config.zitadel, { maxInFlight: 8, emailVerified: true, phoneVerified: true });
    assert.deepEqual(config.store, { dataDir: join(folder, 'data'), redis: undefined });
    assert.equal(config.role, 'all');
    assert.deepEqual(
      config.tenants.map(({ id, organization, zitadel, tokens }) => ({ id, organization, zitadel, tokens })),
      [{ id: 'default', organization: null, zitadel: null, tokens: [] }],
    );
  });

  test('SCIM_TOKEN makes the tenant default and stays as a hash only', () => {
    const config = load(REAL);
    assert.equal(config.sandbox, false);
    const [tenant] = config.tenants;
    assert.deepEqual(tenant?.tokens, [{ name: 'default', sha256: hash('the-clear-token-') }]);
    assert.deepEqual(tenant?.zitadel, {
      url: 'https://id.example.com',
      credential: { kind: 'token', token: 'pat' },
    });
    assert.ok(!JSON.stringify(config).includes('the-clear-token-'));
  });

  test('the result is frozen to its leaves', () => {
    const config = load(REAL);
    assert.throws(() => Object.assign(config.limits, { rateLimit: 1 }), TypeError);
    assert.throws(() => Object.assign(config.tenants[0]?.tokens[0] ?? {}, { sha256: '' }), TypeError);
  });

  test('all complaints at once, each with its setting, none with a value', () => {
    const found = complaints({
      PORT: 'seven',
      ANSWER_WITHIN: '10',
      LOG_LEVEL: 'loud',
      SCIM_TOKEN: 'se cret',
      TLS_CERT: '/none',
    });
    for (const name of ['PORT', 'ANSWER_WITHIN', 'LOG_LEVEL', 'SCIM_TOKEN', 'TLS_KEY']) {
      assert.ok(
        found.some((line) => line.startsWith(`${name}: `)),
        name,
      );
    }
    assert.ok(!found.join('\n').includes('se cret'));
  });

  test('durations', () => {
    assert.equal(load({ VIEW_MAX_AGE: '1.5s' }).limits.viewMaxAge, 1500);
    assert.equal(load({ SYNC_INTERVAL: '2h' }).limits.syncInterval, 7_200_000);
    for (const bad of ['30', 'x', '-1s', '25d', '1w'])
      assert.match(complaints({ VIEW_MAX_AGE: bad })[0] ?? '', /duration/);
  });

  test('an age may be longer than a timer can wait', () => {
    assert.equal(load({ DEAD_LETTER_RETENTION: '365d' }).limits.deadLetterRetention, 365 * 86_400_000);
    assert.equal(load({ HOLD_AFTER: '30d' }).limits.holdAfter, 30 * 86_400_000);
    for (const bad of ['0s', '3651d', '90'])
      assert.match(complaints({ DEAD_LETTER_RETENTION: bad })[0] ?? '', /^DEAD_LETTER_RETENTION: must be/);
  });

  test('a former name of a setting is refused with the new one, from the environment and from .env', () => {
    file('.env', 'DEAD_KEEP=30d\n');
    assert.deepEqual(complaints({ OWED_MAX: '5' }), [
      'OWED_MAX: this setting is now called MAX_PENDING',
      'DEAD_KEEP: this setting is now called DEAD_LETTER_RETENTION',
    ]);
  });

  test('MAX_PENDING is a whole number, at least 1', () => {
    assert.equal(load({ MAX_PENDING: '5' }).limits.maxPending, 5);
    for (const bad of ['0', '-1', '1.5', 'many'])
      assert.match(complaints({ MAX_PENDING: bad })[0] ?? '', /^MAX_PENDING: /);
  });

  test('SCIM_TOKEN and ADMIN_TOKEN are long enough and stay as a hash only', () => {
    const config = load({ ...REAL, SCIM_TOKEN: 'another-letters!', ADMIN_TOKEN: 'sixteen-letters!' });
    assert.ok(!JSON.stringify(config).includes('another-letters!'));
    assert.equal(config.admin.tokenHash, hash('sixteen-letters!'));
    assert.ok(!JSON.stringify(config).includes('sixteen-letters!'));
    for (const name of ['SCIM_TOKEN', 'ADMIN_TOKEN'])
      assert.deepEqual(complaints({ ...REAL, [name]: 'fifteen-letters' }), [
        `${name}: must have at least 16 characters; \`npx scim-bridge token\` makes one`,
      ]);
    assert.equal(
      load({ ADMIN_TOKEN_FILE: file('admin', 'sixteen-letters!\n') }).admin.tokenHash,
      config.admin.tokenHash,
    );
  });

  test('REDIS_URL is taken with NAME_FILE, ROLE with REDIS_URL', () => {
    const url = 'rediss://bridge:p%40ss@redis.example.com:6380/2';
    assert.deepEqual(load({ ...REAL, REDIS_URL: url }).store.redis, { url, replicas: 0 });
    const named = load({ ...REAL, REDIS_URL_FILE: file('redis', `${url}\n`), ROLE: 'worker' });
    assert.deepEqual([named.store.redis, named.role], [{ url, replicas: 0 }, 'worker']);
    for (const ROLE of ['api', 'worker']) {
      assert.deepEqual(complaints({ ...REAL, ROLE }), [`REDIS_URL: missing, ROLE=${ROLE} needs it`]);
    }
    assert.deepEqual(complaints({ ...REAL, ROLE: 'both' }), ['ROLE: must be one of all, api, worker']);
  });

  test('METRICS_PORT is another port than PORT', () => {
    assert.equal(load({ METRICS_PORT: '7646' }).server.metricsPort, 7646);
    assert.deepEqual(complaints({ METRICS_PORT: '7644' }), ['METRICS_PORT: must not be PORT']);
    assert.equal(load({ METRICS_PORT: '0', PORT: '0' }).server.metricsPort, 0);
  });

  test('PASSWORDS=set on Redis needs a PASSWORD_KEY, of which no complaint shows anything', () => {
    const given = { ...REAL, REDIS_URL: 'redis://localhost', PASSWORDS: 'set' };
    const [missing = '', ...others] = complaints(given);
    assert.match(missing, /^PASSWORD_KEY: missing; tenant default sets passwords/);
    assert.deepEqual(others, []);
    const [first, second] = ['a+/='.repeat(8), 'b'.repeat(44)];
    assert.deepEqual(load({ ...given, PASSWORD_KEY: `${first}, ${second}` }).store.passwordKeys, [first, second]);
    const named = load({ ...given, PASSWORD_KEY_FILE: file('password-key', `${first}\n`) });
    assert.deepEqual(named.store.passwordKeys, [first]);
    for (const wrong of ['too-short', `${first},`, `${first},too-short`, `with blank${first}`]) {
      const [line = '', ...more] = complaints({ ...given, PASSWORD_KEY: wrong });
      assert.match(line, /^PASSWORD_KEY: must be .*32 characters/, wrong);
      assert.deepEqual(more, []);
      assert.doesNotMatch(line, /a\+\/|too-short|with blank/);
    }
    assert.equal(load({ ...given, PASSWORDS: 'ignore' }).store.passwordKeys, undefined);
    assert.equal(load({ ...REAL, PASSWORDS: 'set' }).store.passwordKeys, undefined);
  });

  test('the sandbox in the process goes with Redis, not with a part of the work alone', () => {
    const REDIS_URL = 'redis://localhost';
    assert.equal(load({ REDIS_URL }).sandbox, true);
    assert.deepEqual(complaints({ REDIS_URL, ROLE: 'api' }), [
      'ZITADEL_URL: missing; with ROLE=api every process would start a sandbox of its own',
    ]);
  });

  test('addresses of Redis: what is taken here the store can read, and the other way round', () => {
    const good = [
      'redis://localhost',
      ' redis://localhost:6379/ ',
      'rediss://u:p%3A@[::1]:7000/2',
      'redis://:secret@redis?x=y',
      'redis+cluster://a:1,b:2',
      'rediss+cluster://u:p@a, b:2/0',
      'rediss+sentinel://u:p@a,b:2/mymaster/1?sentinelPassword=x%20y&sentinelUsername=s',
      'redis+sentinel://a/mymaster',
    ];
    const bad = [
      'http://localhost',
      'localhost:6379',
      'redis://',
      'redis://secret%@a',
      'redis://secret:secret@a@b',
      'redis://a:b:c',
      'redis://a:',
      'redis:// ?x',
      'redis://secret?@a:b:c',
      'redis://a:99999',
      'redis://a,',
      'redis://[::1',
      'redis://a/x',
      'redis://a/1/2',
      'redis+cluster://a:1/2',
      'redis+sentinel://a:1',
      'redis+sentinel://a:1/',
      'redis+sentinel://a:1/m/x',
      'redis+sentinel://a:1/m/1/2',
      'redis+other://a',
    ];
    for (const url of good) {
      assert.equal(load({ ...REAL, REDIS_URL: url }).store.redis?.url, url.trim(), url);
      assert.doesNotThrow(() => parseAddress(url), url);
    }
    for (const url of bad) {
      const [line = '', ...others] = complaints({ ...REAL, REDIS_URL: url });
      assert.match(line, /^REDIS_URL: must be redis:/, url);
      assert.ok(others.length === 0 && !line.includes('secret'), url);
      assert.throws(() => parseAddress(url), Error, url);
    }
  });

  test('WHEN_DOWN is accept unless somebody says refuse', () => {
    assert.equal(load(REAL).tenants[0]?.whenDown, 'accept');
    assert.equal(load({ ...REAL, WHEN_DOWN: 'refuse' }).tenants[0]?.whenDown, 'refuse');
    assert.match(complaints({ ...REAL, WHEN_DOWN: 'no' })[0] ?? '', /^WHEN_DOWN: must be one of accept, refuse/);
  });

  test('TRUST_PROXY as express takes it', () => {
    assert.equal(load({ TRUST_PROXY: '2' }).server.trustProxy, 2);
    assert.equal(load({ TRUST_PROXY: 'true' }).server.trustProxy, 1);
    assert.deepEqual(load({ TRUST_PROXY: 'loopback, 10.0.0.0/8' }).server.trustProxy, ['loopback', '10.0.0.0/8']);
    assert.equal(complaints({ TRUST_PROXY: 'everyone' }).length, 1);
  });

  test('PUBLIC_URL loses its last slash and must not name the base path', () => {
    assert.equal(
      load({ PUBLIC_URL: 'https://scim.example.com/bridge/' }).server.publicUrl,
      'https://scim.example.com/bridge',
    );
    assert.match(complaints({ PUBLIC_URL: 'https://scim.example.com/scim/v2' })[0] ?? '', /without \/scim\/v2/);
  });

  test('NODE_ENV=production refuses the sandbox', () => {
    assert.match(complaints({ NODE_ENV: 'production' }).join(), /ZITADEL_URL: missing/);
    assert.equal(load({ ...REAL, NODE_ENV: 'production' }).sandbox, false);
  });

  test('.env is read, the environment wins, an empty value is unset', () => {
    file('.env', 'PORT=1000\nHOST=0.0.0.0\n');
    assert.equal(load({ PORT: '2000', HOST: '' }).server.port, 2000);
    assert.equal(load({ PORT: '2000', HOST: '' }).server.host, '0.0.0.0');
  });

  test('every secret may stand in the file that NAME_FILE names', () => {
    const { SCIM_TOKEN: _, ...rest } = REAL;
    const config = load({ ...rest, SCIM_TOKEN_FILE: file('token', 'from-file-number-1\n') });
    assert.equal(config.tenants[0]?.tokens[0]?.sha256, hash('from-file-number-1'));
    assert.match(complaints({ ...rest, SCIM_TOKEN_FILE: '/none' })[0] ?? '', /SCIM_TOKEN_FILE: cannot read \/none/);
    assert.match(complaints({ ...REAL, SCIM_TOKEN_FILE: file('token', 'x') })[0] ?? '', /only one/);
    assert.match(complaints({ ...rest, SCIM_TOKEN_FILE: file('token', '\n') })[0] ?? '', /is empty/);
    const secrets = settingRows().flatMap((row) => (row.secret ? [row.name] : []));
    assert.deepEqual(secrets, [
      'REDIS_URL',
      'ZITADEL_TOKEN',
      'ZITADEL_CLIENT_SECRET',
      'SCIM_TOKEN',
      'PASSWORD_KEY',
      'ADMIN_TOKEN',
      'TLS_KEY',
    ]);
  });

  test('every setting has a description', () => {
    for (const row of settingRows()) assert.ok(row.description.length > 10, row.name);
  });
});

describe('credentials', () => {
  const { ZITADEL_TOKEN: _, ...rest } = REAL;

  test('client credentials', () => {
    const { tenants } = load({ ...rest, ZITADEL_CLIENT_ID: 'bridge', ZITADEL_CLIENT_SECRET: 'secret' });
    assert.deepEqual(tenants[0]?.zitadel?.credential, { kind: 'client', id: 'bridge', secret: 'secret' });
  });

  test('a key file, PKCS#1 as ZITADEL hands it out', () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
    file('key.json', JSON.stringify({ type: 'serviceaccount', keyId: '1', userId: '2', key }));
    const { tenants } = load({ ...rest, ZITADEL_KEY_FILE: 'key.json' });
    assert.deepEqual(tenants[0]?.zitadel?.credential, { kind: 'key', key: { keyId: '1', userId: '2', key } });
    file('key.json', '{}');
    assert.match(complaints({ ...rest, ZITADEL_KEY_FILE: 'key.json' })[0] ?? '', /not the JSON key of a service user/);
  });

  test('exactly one of the three', () => {
    assert.match(complaints(rest)[0] ?? '', /needs a token, a client id with its secret, or a key file/);
    assert.match(complaints({ ...rest, ZITADEL_CLIENT_ID: 'x' })[0] ?? '', /ZITADEL_CLIENT_SECRET: missing/);
    assert.match(complaints({ ...REAL, ZITADEL_KEY_FILE: 'x' })[0] ?? '', /only one credential/);
    assert.match(complaints({ ZITADEL_TOKEN: 'x' })[0] ?? '', /ZITADEL_URL: missing/);
  });

  test('SCIM_TOKEN needs an organization, and somebody must be able to sign in', () => {
    const { ZITADEL_ORG_ID: _id, ...noOrganization } = REAL;
    assert.match(complaints(noOrganization)[0] ?? '', /ZITADEL_ORG_ID: missing/);
    const { SCIM_TOKEN: _token, ...noToken } = REAL;
    assert.match(complaints(noToken)[0] ?? '', /nobody could sign in/);
  });
});

describe('bridge.yaml', () => {
  const tenant = (id: string, organization: string, token: string, more = '') =>
    `  - { id: ${id}, organization: "${organization}", tokens: [{ name: t, sha256: ${hash(token)} }]${more} }\n`;
  const HEAD = 'zitadel: { url: "https://id.example.com", token: pat }\n';

  test('tenants with defaults from the top and words of their own', () => {
    file(
      'bridge.yaml',
      `${HEAD}passwords: set\nwhenDown: refuse\nprotect: ["1"]\nuniqueExternalId: true\ntenants:\n${tenant('a', '10', 'x')}${tenant('b', '11', 'y', ', passwords: ignore, whenDown: accept, protect: [], mediaType: application/json')}`,
    );
    const [a, b] = load().tenants;
    assert.deepEqual([a?.passwords, a?.protect, a?.uniqueExternalId, a?.mediaType], ['set', ['1'], true, undefined]);
    assert.deepEqual(
      [b?.passwords, b?.protect, b?.uniqueExternalId, b?.mediaType],
      ['ignore', [], true, 'application/json'],
    );
    assert.equal(a?.zitadel?.url, 'https://id.example.com');
    assert.equal(load({ PASSWORDS: 'ignore' }).tenants[0]?.passwords, 'ignore');
    assert.deepEqual([a?.whenDown, b?.whenDown], ['refuse', 'accept']);
    assert.deepEqual(
      load({ WHEN_DOWN: 'accept' }).tenants.map(({ whenDown }) => whenDown),
      ['accept', 'accept'],
    );
  });

  test('the tenant of the environment stands beside them', () => {
    file('other.yaml', `tenants:\n${tenant('a', '10', 'x')}`);
    const config = load({ ...REAL, BRIDGE_CONFIG: 'other.yaml' });
    assert.deepEqual(
      config.tenants.map(({ id }) => id),
      ['default', 'a'],
    );
    assert.match(complaints({ BRIDGE_CONFIG: 'none.yaml' })[0] ?? '', /BRIDGE_CONFIG: cannot read/);
  });

  test('expires is the first moment of the day', () => {
    const entry = (day: string) => `{ name: t, sha256: ${hash('x')}, expires: ${day} }`;
    file('bridge.yaml', `${HEAD}tenants:\n  - { id: a, organization: "1", tokens: [${entry('2027-01-01')}] }\n`);
    assert.equal(load().tenants[0]?.tokens[0]?.expires, Date.UTC(2027, 0, 1));
    file('bridge.yaml', `${HEAD}tenants:\n  - { id: a, organization: "1", tokens: [${entry('2027-02-31')}] }\n`);
    assert.match(complaints()[0] ?? '', /tenants\[0\]\.tokens\[0\]\.expires: is not a day/);
  });

  test('unknown keys are named by their path', () => {
    file(
      'bridge.yaml',
      `${HEAD}groups: { rule: [] }\nwhenUp: accept\ntenants:\n${tenant('a', '1', 'x', ', colour: red')}`,
    );
    assert.deepEqual([...complaints()].toSorted(), [
      'bridge.yaml groups.rule: unknown key',
      'bridge.yaml tenants[0].colour: unknown key',
      'bridge.yaml whenUp: unknown key',
    ]);
  });

  test('rules of groups: defaults from the top, each key may be said again by a tenant', () => {
    const rules = [
      '{ match: { displayName: "Help desk*" }, orgRoles: [ORG_USER_MANAGER], allowPrivileged: true }',
      '{ match: { externalId: "00g1" }, project: "29", roles: [editor, "{displayName}"], createRoles: true }',
    ];
    file(
      'bridge.yaml',
      `${HEAD}uniqueDisplayName: true\ngroups: { strictMembers: true, rules: [${rules.join(', ')}] }\ntenants:\n${tenant('a', '10', 'x')}${tenant('b', '11', 'y', ', uniqueDisplayName: false, groupPatchAnswer: empty, groups: { applyOnStart: true, rules: [] }')}`,
    );
    const [a, b] = load().tenants;
    assert.deepEqual(a?.groups, {
      strictMembers: true,
      applyOnStart: false,
      rules: [
        {
          by: 'displayName',
          pattern: 'Help desk*',
          orgRoles: ['ORG_USER_MANAGER'],
          project: null,
          roles: [],
          createRoles: false,
          allowPrivileged: true,
        },
        {
          by: 'externalId',
          pattern: '00g1',
          orgRoles: [],
          project: '29',
          roles: ['editor', '{displayName}'],
          createRoles: true,
          allowPrivileged: false,
        },
      ],
    });
    assert.deepEqual(b?.groups, { strictMembers: true, applyOnStart: true, rules: [] });
    assert.deepEqual([a?.uniqueDisplayName, b?.uniqueDisplayName], [true, false]);
    assert.deepEqual([a?.groupPatchAnswer, b?.groupPatchAnswer], [undefined, 'empty']);
    file('bridge.yaml', '');
    const [own] = load(REAL).tenants;
    assert.deepEqual(own?.groups, { strictMembers: false, applyOnStart: false, rules: [] });
    assert.equal(own?.uniqueDisplayName, false);
  });

  test('every fault of every rule is told, with its place', () => {
    const rules = [
      'match: { displayName: a, externalId: b }, orgRoles: [ORG_OWNER_VIEWER]',
      'match: {}, orgRoles: [ORG_OWNER_VIEWER, ORG_OWNER]',
      'match: { displayName: a }',
      'match: { displayName: a }, roles: [editor]',
      'match: { displayName: a }, project: "1", orgRoles: ["{displayName}"]',
      'match: { displayName: a }, orgRoles: [ORG_OWNER], allowPrivileged: true, createRoles: true',
      'match: { displayName: "" }, project: 298357, roles: editor, allowPrivileged: 1',
    ];
    const list = rules.map((one) => `    - { ${one} }\n`).join('');
    file('bridge.yaml', `${HEAD}groups:\n  rules:\n${list}tenants:\n${tenant('a', '1', 'x')}`);
    assert.deepEqual(complaints(), [
      'bridge.yaml groups.rules[0].match: needs displayName or externalId, and only one of them',
      'bridge.yaml groups.rules[1].match: needs displayName or externalId, and only one of them',
      'bridge.yaml groups.rules[1].orgRoles[1]: can change the organization; to give it, add allowPrivileged: true to this rule',
      'bridge.yaml groups.rules[2]: gives nothing: needs orgRoles, or project and roles',
      'bridge.yaml groups.rules[3].project: missing, roles needs it',
      'bridge.yaml groups.rules[4].roles: missing, project needs it',
      'bridge.yaml groups.rules[4].orgRoles[0]: {displayName} can stand in roles only',
      'bridge.yaml groups.rules[5].createRoles: needs project and roles',
      'bridge.yaml groups.rules[6].match.displayName: must not be empty',
      'bridge.yaml groups.rules[6].project: must be a text; put numbers in quotes',
      'bridge.yaml groups.rules[6].roles: must be a list of roles',
      'bridge.yaml groups.rules[6].allowPrivileged: must be true or false',
    ]);
    const own = ', groupPatchAnswer: 204, groups: { rules: [{ match: { externalId: a }, orgRoles: [ORG_OWNER] }] }';
    file('bridge.yaml', `${HEAD}tenants:\n${tenant('a', '1', 'x', own)}`);
    assert.deepEqual(complaints(), [
      'bridge.yaml tenants[0].groupPatchAnswer: must be resource or empty',
      'bridge.yaml tenants[0].groups.rules[0].orgRoles[0]: can change the organization; to give it, add allowPrivileged: true to this rule',
    ]);
  });

  test('redis: the environment wins, and one of them must say where it is', () => {
    const real = { ...REAL, BRIDGE_CONFIG: 'bridge.yaml' };
    file('bridge.yaml', 'redis: { url: redis://file, replicas: 1 }\n');
    assert.deepEqual(load(real).store.redis, { url: 'redis://file', replicas: 1 });
    assert.deepEqual(load({ ...real, REDIS_URL: 'redis://env' }).store.redis, { url: 'redis://env', replicas: 1 });
    assert.equal(load({ ...real, ROLE: 'worker' }).role, 'worker');

    file('bridge.yaml', 'redis: { replicas: 1 }\n');
    assert.deepEqual(load({ ...real, REDIS_URL: 'redis://env' }).store.redis, { url: 'redis://env', replicas: 1 });
    assert.deepEqual(complaints(real), ['bridge.yaml redis.url: missing, and there is no REDIS_URL']);

    file('bridge.yaml', 'redis: { url: "secret:6379", replicas: -1, password: secret }\n');
    const found = complaints(real);
    assert.deepEqual(
      found.map((line) => line.split(': ', 1)[0]),
      ['bridge.yaml redis.url', 'bridge.yaml redis.replicas', 'bridge.yaml redis.password'],
    );
    assert.ok(!found.join('\n').includes('secret:6379'));
    file('bridge.yaml', `${HEAD}tenants:\n${tenant('a', '1', 'x', ', redis: { url: "redis://a" }')}`);
    assert.deepEqual(complaints(), ['bridge.yaml tenants[0].redis: unknown key']);
  });

  test('HTTP basic takes a bcrypt hash and no plain SHA-256, a JWT may have to meet more', () => {
    const write = (more: string): void =>
      void file('bridge.yaml', `${HEAD}tenants:\n  - { id: a, organization: "1", ${more} }\n`);
    write(`basic: { user: u, passwordHash: ${BCRYPT} }`);
    assert.deepEqual(load().tenants[0]?.basic, { user: 'u', passwordHash: BCRYPT });
    for (const bad of [
      `sha256: ${hash('p')}`,
      `passwordHash: ${hash('p')}`,
      `passwordHash: ${BCRYPT.replace('$10$', '$04$')}`,
      `passwordHash: ${BCRYPT.replace('$10$', '$31$')}`,
    ]) {
      write(`basic: { user: u, ${bad} }`);
      const found = complaints();
      assert.ok(found.every((line) => line.includes('npx scim-bridge token --basic')));
      assert.ok(found[0]?.startsWith('bridge.yaml tenants[0].basic.'), found[0]);
    }
    const jwt = (more: string): void =>
      write(`jwt: { issuer: "i", audience: "a", jwksUri: "https://i.example.com/k"${more} }`);
    jwt(', require: { azp: "c", ok: true }, typ: at+jwt');
    assert.deepEqual(load().tenants[0]?.jwt?.require, { azp: 'c', ok: true });
    assert.equal(load().tenants[0]?.jwt?.typ, 'at+jwt');
    jwt(', require: { azp: [c] }');
    assert.match(complaints()[0] ?? '', /jwt\.require\.azp: must be a text, a number, true or false/);
  });

  test('an organization without quotes would lose digits', () => {
    file(
      'bridge.yaml',
      `${HEAD}tenants:\n  - { id: a, organization: 400559977632107558, basic: { user: u, passwordHash: ${BCRYPT} } }\n`,
    );
    assert.match(complaints()[0] ?? '', /organization: must be a text; put numbers in quotes/);
  });

  test('a broken file is one complaint with its line and without its text', () => {
    file('bridge.yaml', 'zitadel: { token: very-secret\nx');
    const found = complaints().join('\n');
    assert.match(found, /line \d/);
    assert.ok(!found.includes('very-secret'));
  });

  test('two tenants cannot share a token, an organization of one ZITADEL, or an id', () => {
    file('bridge.yaml', `${HEAD}tenants:\n${tenant('a', '1', 'x')}${tenant('A', '1', 'x')}`);
    assert.deepEqual(complaints(), [
      'tenants "a" and "A" have the same id',
      'tenants "a" and "A" have the same organization',
      'tenants "a" and "A" have the same token',
    ]);
    const other = ', zitadel: { url: "https://other.example.com", token: z }';
    file('bridge.yaml', `${HEAD}tenants:\n${tenant('a', '1', 'x')}${tenant('b', '1', 'y', other)}`);
    assert.equal(load().tenants.length, 2);
  });

  test("the common credential is never sent to a tenant's own address", () => {
    file('bridge.yaml', `${HEAD}tenants:\n${tenant('a', '1', 'x', ', zitadel: { url: "https://other.example.com" }')}`);
    assert.match(complaints()[0] ?? '', /tenants\[0\]\.zitadel: needs token/);
  });
});
