/** What a Redis must be like, what it promises, and how it is addressed. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Cluster, Redis } from 'ioredis';
import { parseAddress } from '../../src/store/redis/address.ts';
import { connectAs, type Connection } from '../../src/store/redis/connect.ts';
import { createRedisStore } from '../../src/store/redis/store.ts';
import { withoutRedis } from '../redis/server.ts';
import { DURABLE, PATIENT, SILENCE, useStores } from '../redis/stores.ts';
import { unavailable } from './folders.ts';
import { write } from './rows.ts';

/** Within it Redis has said why it cannot be used, ms: it is waited for to the end. */
const START = 3_000;

describe('store/redis, start', { skip: withoutRedis() }, () => {
  const { server, open, redis } = useStores();

  it('refuses a Redis that throws data away when it is full', async () => {
    const own = await server({ 'maxmemory-policy': 'allkeys-lru' });
    await assert.rejects(createRedisStore({ url: own.url, ...PATIENT }), /allkeys-lru.*set it to noeviction/);
  });

  it('says what answered writes survive, and warns', async () => {
    for (const [config, survives, warning] of [
      [{}, 'nothing', /appendonly yes/],
      [{ appendonly: 'yes', appendfsync: 'everysec' }, 'nothing', /appendfsync always/],
      [{ appendonly: 'yes', appendfsync: 'no' }, 'process', undefined],
      [DURABLE, 'os', undefined],
    ] as const) {
      const warnings: string[] = [];
      const store = await open(await server(config), { onWarning: (text) => warnings.push(text) });
      assert.equal(store.durability().survives, survives);
      if (warning === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join('\n'), warning);
    }
  });

  it('says why Redis cannot be used, and shows no password', async () => {
    const own = await server({ requirepass: 's3cret' });
    const url = (user: string) => `redis://${user}@127.0.0.1:${own.port}/3`;
    await assert.rejects(createRedisStore({ url: url(':wrong-pass'), startTimeoutMs: START }), (error: unknown) => {
      assert.ok(
        error instanceof Error && error.message.includes(`127.0.0.1:${own.port} cannot be used`),
        String(error),
      );
      assert.match(error.message, /WRONGPASS|NOAUTH/);
      assert.doesNotMatch(error.message, /wrong-pass/);
      return true;
    });
    const admin = redis({ url: url(':s3cret') });
    await admin.acl('SETUSER', 'bridge', 'on', '>p@ss:/?', '~*', '&*', '+@all');
    const store = await open({ url: url('bridge:p%40ss%3A%2F%3F') });
    await store.write(write({ tenant: 't', id: 'a' }));
    assert.equal(await admin.hlen('scim:{t}:rows'), 1, 'in database 3');
    await own.kill();
    await assert.rejects(createRedisStore({ url: url(':s3cret'), startTimeoutMs: START }), /ECONNREFUSED/);
  });

  it('says what to do when Redis asks for a password or closes the connection', async () => {
    const own = await server({ requirepass: 's3cret' });
    const at = { url: own.url, startTimeoutMs: START };
    await assert.rejects(createRedisStore(at), /NOAUTH.*\(it asks for a password: user:password@ before the host\)$/);
    const deaf = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo;
    const url = `redis://127.0.0.1:${port}`;
    await assert.rejects(createRedisStore({ url, startTimeoutMs: START }), /ECONNRESET.*rediss:\/\//);
    deaf.close();
  });

  it('TLS: the certificate is looked at for the name that was given; an IP address is no server name (RFC 6066 §3)', async () => {
    const made = (url: string): Connection => {
      const connection = connectAs(url, {});
      connection.on('error', () => undefined).disconnect();
      return connection;
    };
    const tls = (url: string): unknown => (made(url) as Redis).options.tls;
    assert.deepEqual(tls('rediss://redis.invalid'), { servername: 'redis.invalid' });
    for (const host of ['127.0.0.1', '[::1]']) assert.deepEqual(tls(`rediss://${host}:1`), {});
    assert.equal(tls('redis://redis.invalid'), undefined);
    const { dnsLookup } = (made('rediss+cluster://node.invalid:1') as Cluster).options;
    assert.equal(await promisify(dnsLookup ?? lookup)('node.invalid'), 'node.invalid');
  });

  it('replicas: a write is answered once they have it, and never without them', async () => {
    const [master, replica] = [await server({ 'repl-diskless-sync-delay': '0', appendonly: 'yes' }), await server()];
    await redis(replica).replicaof('127.0.0.1', master.port);
    const admin = redis(master);
    await admin.set('warm', 'up');
    while ((await admin.wait(1, 1_000)) < 1) await sleep(20);
    const warnings: string[] = [];
    const store = await open(master, { ...SILENCE, replicas: 1, onWarning: (text) => warnings.push(text) });
    assert.equal(store.durability().survives, 'failover');
    assert.match(warnings.join('\n'), /set min-replicas-to-write 1/);
    await assert.rejects(createRedisStore({ url: replica.url, ...PATIENT }), /is a replica/);

    const keys = Array.from({ length: 50 }, (_, n) => ({ tenant: 't', id: `id-${n}` }));
    const results = await Promise.all(keys.map((key, n) => store.write(write(key), { durable: n % 5 !== 0 })));
    assert.ok(results.every(({ kind }) => kind === 'ok'));
    assert.equal(await redis(replica).hlen('scim:{t}:rows'), 50);
    await store.setState('x', 1);

    await replica.kill();
    const late = write({ tenant: 't', id: 'late' });
    await assert.rejects(store.write(late), unavailable);
    await assert.rejects(store.setState('x', 2), unavailable);
    assert.deepEqual(await store.write({ ...late, row: null, expect: 1 }, { durable: false }), { kind: 'ok' });
  });

  it('reads addresses of every kind', () => {
    const usual = { kind: 'single', tls: false, db: 0 };
    const at = (host: string, port: number) => ({ host, port });
    for (const [url, address] of [
      ['redis://localhost', { ...usual, hosts: [at('localhost', 6379)] }],
      [
        'rediss://u:p%3A@[::1]:7000/2',
        { ...usual, tls: true, username: 'u', password: 'p:', db: 2, hosts: [at('::1', 7000)] },
      ],
      ['redis://:secret@redis', { ...usual, password: 'secret', hosts: [at('redis', 6379)] }],
      ['redis+cluster://a:1,b:2', { ...usual, kind: 'cluster', hosts: [at('a', 1), at('b', 2)] }],
      [
        'rediss+sentinel://u:p@a,b:2/mymaster/1?sentinelPassword=x%20y&sentinelUsername=s',
        {
          kind: 'sentinel',
          tls: true,
          username: 'u',
          password: 'p',
          sentinelUsername: 's',
          sentinelPassword: 'x y',
          master: 'mymaster',
          db: 1,
          hosts: [at('a', 26_379), at('b', 2)],
        },
      ],
    ] as const) {
      assert.deepEqual(parseAddress(url), address, url);
    }
    for (const url of [
      'http://localhost',
      'redis://',
      'redis://a:b:c',
      'redis://a:99999',
      'redis://secret%@a',
      'redis://a/x',
      'redis://a/1/2',
      'redis+sentinel://a:1',
      'redis+cluster://a:1/2',
      'localhost:6379',
    ]) {
      assert.throws(
        () => parseAddress(url),
        (error: unknown) => error instanceof Error && !error.message.includes('secret'),
        url,
      );
    }
  });
});
