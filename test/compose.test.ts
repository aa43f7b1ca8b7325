import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { settingRows } from '../src/config/settings.ts';
import { loadConfig } from '../src/config/config.ts';
import names from './compose-names.json' with { type: 'json' };

interface Service {
  readonly build?: string;
  readonly image?: string;
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly env_file?: readonly { readonly path: string; readonly required: boolean }[];
}

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
const text = read('docker-compose.yml');
const { services, configs } = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: { readonly balancer: { readonly content: string } };
};

const settings = new Set(settingRows().flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
/** Services that run this repository. */
const own = Object.keys(services).filter((name) => services[name]?.build !== undefined);
const confirmed: Readonly<Record<string, ReadonlySet<string>>> = {
  ...Object.fromEntries(own.map((name) => [name, settings])),
  zitadel: new Set(names.zitadel.names),
  postgres: new Set(names.postgres.names),
};

describe('docker-compose.yml', () => {
  for (const [service, { environment = {}, image }] of Object.entries(services)) {
    test(`${service}: every name of its environment is documented`, () => {
      assert.deepEqual(
        Object.keys(environment).filter((name) => !confirmed[service]?.has(name)),
        [],
      );
    });
    test(`${service}: its image is pinned to a version`, () => {
      if (own.includes(service)) assert.equal(image, undefined);
      else assert.match(image ?? '', /:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
    });
  }

  test('every name it takes from outside is one of those', () => {
    const all = new Set(Object.values(confirmed).flatMap((each) => [...each]));
    const taken = [...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1] ?? '');
    assert.deepEqual(
      taken.filter((name) => !all.has(name)),
      [],
    );
  });

  for (const service of own)
    test(`${service}: its environment, over the .env of the first lines, is a configuration the bridge takes`, () => {
      const { environment = {}, env_file } = services[service] ?? {};
      assert.deepEqual(env_file, [{ path: '.env', required: false }]);
      const dotenv = Object.fromEntries(
        [...text.matchAll(/^# {3}([A-Z_]+)=(.+)$/gm)].map(([, name = '', value = '']) => [name, value]),
      );
      assert.deepEqual(Object.keys(dotenv), ['ZITADEL_URL', 'ZITADEL_TOKEN_FILE', 'ZITADEL_ORG_ID', 'SCIM_TOKEN']);
      const { ZITADEL_TOKEN_FILE: file, ...rest } = dotenv;
      assert.equal(file, '/bootstrap/bridge.pat');
      const made = { ZITADEL_TOKEN: 'x', ZITADEL_ORG_ID: '1', SCIM_TOKEN: 'sixteen-letters!' };
      const config = loadConfig({ ...rest, ...made, NODE_ENV: 'production', ...environment }, '/nowhere');
      assert.equal(config.tenants[0]?.zitadel?.url, 'http://zitadel:8080');
      // .env cannot move what `ports`, the volume and the health check rely on
      const { host, port, metricsPort } = config.server;
      assert.deepEqual([host, port, metricsPort, config.store.dataDir], ['0.0.0.0', 7644, 7646, '/data']);
    });

  test('each process reads bridge.yaml of ./config, where the image looks for it, and secrets of ./secrets', () => {
    const workdir = [...read('Dockerfile').matchAll(/^WORKDIR (.+)$/gm)].at(-1)?.[1];
    for (const service of own) {
      const { volumes = [] } = services[service] ?? {};
      assert.ok(volumes.includes(`./config:${workdir}:ro`), service);
      assert.ok(volumes.includes('./secrets:/run/secrets:ro'), service);
      assert.ok(volumes.includes('bootstrap:/bootstrap:ro'), service);
    }
  });

  test('one process embedded; in profile scale two that answer requests and one that delivers, before one Redis', () => {
    const roles = own.map((name) => {
      const { profiles, environment = {} } = services[name] ?? {};
      return [name, profiles?.join() ?? '', environment['ROLE'] ?? '', environment['REDIS_URL'] ?? ''];
    });
    assert.deepEqual(roles, [
      ['bridge', '', '', ''],
      ['api-1', 'scale', 'api', 'redis://redis:6379'],
      ['api-2', 'scale', 'api', 'redis://redis:6379'],
      ['worker', 'scale', 'worker', 'redis://redis:6379'],
    ]);
    const [command = ''] = [services['redis']?.command];
    for (const need of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction'])
      assert.ok(command.includes(need), need);
  });

  test('the balancer asks /readyz of each process that answers requests, and follows its address', () => {
    const { content } = configs.balancer;
    assert.match(content, /^ *option httpchk GET \/readyz$/m);
    const [, resolvers] = /^resolvers (\w+)$/m.exec(content) ?? [];
    const apis = own.filter((name) => services[name]?.environment?.['ROLE'] === 'api');
    assert.deepEqual(
      [...content.matchAll(/^ *server (\S+) (\S+) check .* resolvers (\w+) init-addr libc,none$/gm)].map(
        ([, name, address, by]) => [name, address, by],
      ),
      apis.map((name) => [name, `${name}:7644`, resolvers]),
    );
  });
});

describe('the balancer of docker-compose.yml', () => {
  const { content } = configs.balancer;
  const rules = [...content.matchAll(/^ *acl served (path|path_beg)( -i)? (.+)$/gm)].map(
    ([, how, anyCase, values = '']) => ({
      isBeginning: how === 'path_beg',
      fold: (text: string) => (anyCase === undefined ? text : text.toLowerCase()),
      values: values.split(' '),
    }),
  );
  /** What HAProxy's path and path_beg do. */
  const isServed = (path: string): boolean =>
    rules.some(({ isBeginning, fold, values }) =>
      values.some((value) => (isBeginning ? fold(path).startsWith(fold(value)) : fold(path) === fold(value))),
    );

  test('lets through what clients need, and no spelling of /metrics', () => {
    assert.match(content, /^ *http-request deny unless served$/m);
    for (const path of [
      '/',
      '/healthz',
      '/readyz',
      '/scim',
      '/scim/v2/Users',
      '/SCIM/v2/Users/1',
      '/admin/queues',
      '/admin/queues/api/queues',
    ])
      assert.ok(isServed(path), path);
    const spellings = ['/metrics', '/METRICS', '/Metrics', '/mEtRiCs', '/%6detrics', '/metric%73', '/metrics;x'];
    for (const spelling of spellings)
      for (const path of [
        spelling,
        `${spelling}/`,
        `${spelling}//`,
        `/${spelling}`,
        `/.${spelling}`,
        `/x/..${spelling}`,
      ])
        assert.ok(!isServed(path), path);
  });

  test('no process has its metrics on a port that is published', () => {
    for (const service of own) assert.equal(services[service]?.environment?.['METRICS_PORT'], '7646', service);
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    assert.deepEqual(published, ['127.0.0.1:7644:7644', '127.0.0.1:7644:7644']);
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('has the node of package-lock.json', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version: string }> };
    const version = lock.packages['node_modules/node']?.version;
    assert.deepEqual(
      new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)),
      new Set([`node:${version}-slim`]),
    );
  });

  test('has no sandbox, starts what the package starts, and asks it by healthcheck', () => {
    assert.doesNotMatch(dockerfile, /^COPY .*sandbox/m);
    assert.ok(read('.dockerignore').split('\n').includes('sandbox'));
    assert.match(dockerfile, /^HEALTHCHECK .* CMD \["scim-bridge", "healthcheck"\]$/m);
    assert.match(dockerfile, /^CMD \["node", .*"\/app\/bin\/scim-bridge\.mjs", "start"\]$/m);
  });

  test('every name of its ENV is a setting', () => {
    const block = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile)?.[1] ?? '';
    const found = [...block.matchAll(/([A-Z_]+)=/g)].map((match) => match[1] ?? '');
    assert.ok(found.length > 0);
    assert.deepEqual(
      found.filter((name) => !settings.has(name)),
      [],
    );
  });
});
