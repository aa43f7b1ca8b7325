import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type RunningBridge, startBridge } from './bridge.ts';
import { ada, named, patch, writes } from './people.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { onlyEmbedded } from './store.ts';
import { until } from './until.ts';

// A disk that hangs (a frozen file system, a lost network disk) fails no write: it never ends one.
let sandbox: SandboxProcess;
let bridge: RunningBridge;
const availability = new Int32Array(new SharedArrayBuffer(4));
const set = (shut: 0 | 1): void => {
  Atomics.store(availability, 0, shut);
  Atomics.notify(availability, 0);
};

before(async () => {
  sandbox = await startSandbox();
  const timing = {
    answerWithinMs: 6_000,
    backoffFirstMs: 20,
    backoffMaxMs: 200,
    heartbeatMs: 3_600_000,
    leaseMs: 2_000,
  };
  bridge = await startBridge(sandbox, { timing, hook: { availability } });
});
after(async () => {
  set(0);
  await bridge.stop();
  await sandbox.stop();
});

const readyz = async () => {
  const answer = await fetch(`${new URL(bridge.base).origin}/readyz`);
  return { status: answer.status, body: await answer.text() };
};

test(
  'a hung disk: 503 for writes, reads and health answer, and back in service by itself',
  onlyEmbedded('a disk'),
  async () => {
    const { scim } = bridge;
    const user = ada();
    const { id } = await answered(201, scim('POST', '/Users', user));
    await settled(bridge);
    await sandbox.reset();

    set(1);
    const [late, second] = [ada(), ada()];
    const titled = patch({ op: 'replace', path: 'title', value: 'Countess' });
    const refused = await Promise.all([
      scim('POST', '/Users', late),
      scim('PATCH', `/Users/${id}`, titled),
      scim('DELETE', `/Users/${id}`),
    ]);
    refused.push(await scim('POST', '/Users', second));
    for (const { status, headers, body } of refused) {
      assert.equal(status, 503, JSON.stringify(body));
      assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
    }
    assert.deepEqual(await writes(sandbox), {}, 'nothing is sent that is not durable');
    // what was answered before is still read
    assert.equal((await answered(200, scim('GET', `/Users/${id}`))).userName, user['userName']);
    const filter = encodeURIComponent(`userName eq "${user['userName']}"`);
    assert.equal((await answered(200, scim('GET', `/Users?filter=${filter}`))).totalResults, 1);
    assert.equal(
      (await answered(200, scim('GET', '/Users'))).Resources.some((each: { id: string }) => each.id === id),
      true,
    );
    const { status, body } = await readyz();
    assert.equal(status, 503);
    assert.match(body, /the store cannot be written: The disk has not answered/);
    assert.match(await bridge.metrics(), /scim_bridge_store_failing 1/);
    assert.equal(bridge.lines.filter((line) => line.includes('the store failed')).length, 1);

    set(0);
    await until(async () => (await readyz()).status === 200);
    assert.match(await bridge.metrics(), /scim_bridge_store_failing 0/);
    // what was refused is asked again, and is there once
    assert.ok([200, 201].includes((await scim('POST', '/Users', second)).status));
    await until(async () => {
      const { status: again } = await scim('POST', '/Users', late);
      return again === 201 || again === 200 || again === 409;
    });
    await settled(bridge);
    for (const each of [late, second]) assert.equal((await named(sandbox, each['userName'])).length, 1);
  },
);

test('GET /metrics writes nothing', onlyEmbedded('a disk'), async () => {
  await settled(bridge);
  await bridge.metrics();
  set(1);
  // no figure waits for a commit: they are told while the disk stands still
  const text = await bridge.metrics();
  set(0);
  assert.match(text, /scim_bridge_store_failing 0/);
  assert.match(text, /scim_bridge_rows\{tenant="default"\} \d/);
});
