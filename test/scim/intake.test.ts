import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { TenantAccess } from '../../src/scim/http/auth.ts';
import { createIntake } from '../../src/scim/http/intake.ts';
import { until } from '../end-to-end/until.ts';
import { createFakeGroups } from './fake-groups.ts';
import { createFakeUsers } from './fake-users.ts';
import { GROUP_URN, hash, serve, TOKEN, type Served } from './serve.ts';

const MB = 1024 * 1024;
const isBusy = { status: 429, retryAfter: 1 };

describe('what of one tenant is in work at a time', () => {
  test('requests and bytes are bounded, and go on in the order they came', async () => {
    const intake = createIntake({ requests: 2, bytes: 10, waiting: 3, waitMs: 60_000 });
    const order: string[] = [];
    const enter = async (name: string, bytes: number): Promise<() => void> => {
      const leave = await intake.enter('a', bytes, () => undefined);
      order.push(name);
      return leave;
    };
    const [first, second] = [await enter('first', 4), await enter('second', 4)];
    const third = enter('third', 8);
    const fourth = enter('fourth', 1);
    const fifth = enter('fifth', 1);
    await assert.rejects(enter('sixth', 0), isBusy);
    (await intake.enter('b', 10, () => undefined))(); // another tenant has its own room
    assert.deepEqual(order, ['first', 'second']);
    first();
    await Promise.resolve();
    assert.deepEqual(order, ['first', 'second'], '8 bytes do not fit beside 4, and nobody overtakes');
    second();
    const [leaveThird, leaveFourth] = await Promise.all([third, fourth]);
    assert.deepEqual(order, ['first', 'second', 'third', 'fourth']);
    leaveThird();
    (await fifth)();
    leaveFourth();
    (await enter('large', 11))();
  });

  test('who waits too long, or is gone, gives the place up', async () => {
    const intake = createIntake({ requests: 1, bytes: 1, waiting: 2, waitMs: 1 });
    const leave = await intake.enter('a', 0, () => undefined);
    await assert.rejects(
      intake.enter('a', 0, () => undefined),
      isBusy,
    );
    const patient = createIntake({ requests: 1, bytes: 1, waiting: 1, waitMs: 60_000 });
    const end = await patient.enter('a', 0, () => undefined);
    let hangUp = (): void => assert.fail();
    const gone = patient.enter('a', 0, (away) => (hangUp = away));
    hangUp();
    await assert.rejects(gone, isBusy);
    const next = patient.enter('a', 0, () => undefined);
    end();
    (await next)();
    leave();
  });
});

const OTHER = 'another-token-of-128-bits';

/** A bridge whose first tenant's group creations do not end before `open`. */
async function held(t: TestContext) {
  const users = createFakeUsers();
  const groups = createFakeGroups(Date.now, users);
  const other: TenantAccess = {
    tenant: { id: 'other', organization: '9', users, groups, ready: () => true },
    tokens: [{ name: 'entra', sha256: hash(OTHER) }],
  };
  const availability = Promise.withResolvers<void>();
  const work = { now: 0, most: 0 };
  const slow: typeof groups = {
    ...groups,
    async create(...args) {
      work.now += 1;
      work.most = Math.max(work.most, work.now);
      await availability.promise;
      work.now -= 1;
      return groups.create(...args);
    },
  };
  const served: Served = serve({ tenant: { groups: slow }, others: [other] });
  const server = served.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}/scim/v2`;
  const ask = (path: string, token: string, body?: string): Promise<Response> =>
    fetch(base + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      ...(body === undefined ? {} : { body }),
    });
  return { ask, open: () => availability.resolve(), work, port };
}

test('bodies of 64 MB at once are in memory, the others wait, beyond that 429; other tenants are not concerned', async (t) => {
  const { ask, open, work } = await held(t);
  const group = (n: number): string =>
    JSON.stringify({ schemas: [GROUP_URN], displayName: `g${n}`, x: 'y'.repeat(4.4 * MB) });
  const large = Array.from({ length: 20 }, (_, n) => ask('/Groups', TOKEN, group(n)));
  await until(async () => work.now === 14);
  const small = Array.from({ length: 300 }, () => ask('/Users', TOKEN));
  const first = await Promise.race(small);
  assert.deepEqual([first.status, first.headers.get('retry-after')], [429, '1']);
  assert.equal(first.headers.get('content-type'), 'application/scim+json');
  assert.equal((await ask('/Users', OTHER)).status, 200);
  open();
  assert.deepEqual(new Set((await Promise.all(large)).map(({ status }) => status)), new Set([201]));
  const statuses = (await Promise.all(small)).map(({ status }) => status);
  assert.ok(statuses.filter((status) => status === 200).length >= 250);
  assert.equal(work.most, 14);
});

test('before authentication nothing of a body is asked for', async (t) => {
  const { port } = await held(t);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /scim/v2/Groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
  socket.destroy();
});
