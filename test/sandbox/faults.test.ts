import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { createSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { control, post } from './stage.ts';
import type { Json } from './stage.ts';
import { until } from './until.ts';

describe('sandbox faults', () => {
  let sandbox: Sandbox;
  let client: Client<typeof UserService>;
  let headers: Record<string, string>;
  let count = 0;

  before(async () => {
    sandbox = await createSandbox({ lag: false });
    client = createClient(UserService, createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }));
    headers = { authorization: `Bearer ${sandbox.seeds.tokens.managerA}` };
  });
  after(() => sandbox.close());
  afterEach(() => faults({ mode: 'ok' }));

  const faults = (body: Json): Promise<Json> => control(sandbox, 'faults', body);

  function create(userId: string, signal?: AbortSignal): Promise<unknown> {
    const human = {
      profile: { givenName: 'Ann', familyName: 'Alpha' },
      email: { email: 'ann@example.test', verification: { case: 'isVerified' as const, value: true } },
    };
    const userType = { case: 'human' as const, value: human };
    const organizationId = sandbox.seeds.organizations.a;
    return client.createUser(
      { organizationId, userId, userType, username: userId },
      { headers, ...(signal ? { signal } : {}) },
    );
  }

  function newId(): string {
    count += 1;
    return `fault-${count}`;
  }

  async function exists(userId: string): Promise<boolean> {
    await faults({ mode: 'ok' });
    return client.getUserByID({ userId }, { headers }).then(
      () => true,
      (reason) => {
        assert.match(String(reason), /QUERY-Dfbg2/);
        return false;
      },
    );
  }

  async function refused(promise: Promise<unknown>): Promise<ConnectError> {
    return await promise.then(() => assert.fail('answered'), ConnectError.from);
  }

  it('error: a code and an id, for one method, on each second call', async () => {
    await faults({ mode: 'error', code: 'INTERNAL', id: 'TEST-1', message: 'broken', method: 'CreateUser', every: 2 });
    const [one, two, three] = [newId(), newId(), newId()];
    await create(one);
    const error = await refused(create(two));
    assert.equal(error.code, Code.Internal);
    assert.equal(error.rawMessage, 'broken (TEST-1)');
    await client.getUserByID({ userId: one }, { headers });
    await create(three);
    assert.equal(await exists(two), false);
  });

  it('error: so many times, then ok', async () => {
    await faults({ mode: 'error', times: 2 });
    const id = newId();
    assert.equal((await refused(create(id))).code, Code.Unavailable);
    assert.equal((await refused(create(id))).code, Code.Unavailable);
    await create(id);
  });

  it('error: rate limit with Retry-After, HTTP 429', async () => {
    await faults({ mode: 'error', code: 'RESOURCE_EXHAUSTED', retryAfter: 7 });
    const error = await refused(create(newId()));
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.metadata.get('retry-after'), '7');
    const path = '/zitadel.user.v2.UserService/GetUserByID';
    const answer = await post(sandbox, path, { userId: 'x' }, headers);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers['retry-after'], '7');
  });

  it('error: the status and text of a proxy', async () => {
    await faults({ mode: 'error', status: 503, retryAfter: 2 });
    const path = '/zitadel.user.v2.UserService/GetUserByID';
    const answer = await post(sandbox, path, { userId: 'x' }, headers);
    assert.deepEqual([answer.status, answer.text], [503, 'Service Unavailable\n']);
    assert.equal((await refused(create(newId()))).code, Code.Unavailable);
  });

  it('dropAfter: applied, and the connection is cut', async () => {
    for (const transport of [
      createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }),
      createConnectTransport({ baseUrl: sandbox.url, httpVersion: '1.1' }),
      createGrpcTransport({ baseUrl: sandbox.url }),
    ]) {
      await faults({ dropAfter: true, method: 'DeactivateUser', times: 1 });
      const id = newId();
      await create(id);
      await refused(createClient(UserService, transport).deactivateUser({ userId: id }, { headers }));
      const again = await refused(client.deactivateUser({ userId: id }, { headers }));
      assert.match(again.message, /COMMAND-5gunjw0cd7/);
    }
  });

  it('dropBefore: not applied, and the connection is cut', async () => {
    await faults({ dropBefore: true });
    const id = newId();
    await refused(create(id));
    assert.equal(await exists(id), false);
  });

  it('hang: never answers; with hangMs it is applied all the same', async () => {
    for (const hangMs of [undefined, 1]) {
      await faults({ hang: true, method: 'CreateUser', ...(hangMs === undefined ? {} : { hangMs }) });
      const id = newId();
      const stop = new AbortController();
      const pending = refused(create(id, stop.signal));
      await until(async () => Number((await control(sandbox, 'calls')).CreateUser ?? 0) > 0);
      if (hangMs !== undefined) await until(() => logHas(id));
      stop.abort();
      await pending;
      assert.equal(await exists(id), hangMs !== undefined);
      await control(sandbox, 'calls', {});
    }
  });

  it('slow: answers late', async () => {
    await faults({ mode: 'slow', ms: 60 });
    const start = performance.now();
    await create(newId());
    assert(performance.now() - start >= 55);
  });

  it('several faults, each with its chance', async () => {
    await faults({
      faults: [
        { mode: 'slow', ms: 1 },
        { mode: 'error', p: 0.5 },
      ],
    });
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, () =>
        create(newId()).then(
          () => 1,
          () => 0,
        ),
      ),
    );
    const ok = outcomes.filter((one) => one === 1).length;
    assert(ok > 10 && ok < 50, `${ok} of 60`);
  });

  it('down: cuts every connection, refuses new ones, and stays reachable under /sandbox', async () => {
    const id = newId();
    await create(id);
    await faults({ mode: 'down' });
    await refused(create(newId()));
    await assert.rejects(post(sandbox, '/debug/healthz'), { code: 'ECONNRESET' });
    assert.deepEqual(await control(sandbox, 'faults'), { faults: [{ mode: 'down' }] });
    await faults({ mode: 'ok' });
    assert.equal((await post(sandbox, '/debug/healthz')).text, 'ok');
    assert.equal(await exists(id), true);
  });

  it('down for some time, then up by itself', async () => {
    await faults({ mode: 'down', ms: 30 });
    await refused(create(newId()));
    await until(async () => (await post(sandbox, '/debug/healthz').catch(() => undefined))?.status === 200);
  });

  async function logHas(userId: string): Promise<boolean> {
    const { text } = await post(sandbox, '/sandbox/log?from=0');
    return text.includes(`"userId":"${userId}"`);
  }
});
