import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { answered, type Json, type RunningBridge, startBridge, TOKEN } from './bridge.ts';
import { ada, named, patch, writes } from './people.ts';
import { startProcess } from './process.ts';
import { operate, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { damage, onlyEmbedded } from './store.ts';
import { until } from './until.ts';

// Nothing is sent and nothing is answered before it would survive a power cut.
const TIMING = { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50, heartbeatMs: 3_600_000 };

let sandbox: SandboxProcess;
/** commits as soon as it can */
let quick: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  quick = await startBridge(sandbox, { timing: TIMING });
});
after(async () => {
  await quick.stop();
  await sandbox.stop();
});
afterEach(() => sandbox.faults());

/** A bridge whose commits stand still while the gate is shut. */
async function gated(t: TestContext) {
  const availability = new Int32Array(new SharedArrayBuffer(4));
  const set = (shut: number): void => {
    Atomics.store(availability, 0, shut);
    Atomics.notify(availability, 0);
  };
  // nobody is told that the disk hangs: that is another test
  const bridge = await startBridge(sandbox, { timing: { ...TIMING, answerWithinMs: 600_000 }, hook: { availability } });
  t.after(async () => {
    set(0);
    await bridge.stop();
  });
  return { bridge, shut: () => set(1), open: () => set(0) };
}

interface Line {
  /** what came back so far */
  received(): string;
  end(): void;
}

/** Sends a request and keeps every byte that comes back. */
function send(bridge: RunningBridge, method: string, path: string, content?: object): Line {
  const { hostname, port, pathname } = new URL(bridge.base + path);
  const body = content === undefined ? '' : JSON.stringify(content);
  const socket: Socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const head = [
    `${method} ${pathname} HTTP/1.1`,
    `Host: ${hostname}`,
    `Authorization: Bearer ${TOKEN}`,
    'Content-Type: application/scim+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return { received: () => text, end: () => socket.destroy() };
}

const titled = patch({ op: 'replace', path: 'title', value: 'Countess' });

/** Both bridges have had time for far more than the requests before: the other one was answered, this one has read a lot. */
async function meanwhile(bridge: RunningBridge, id: string): Promise<void> {
  await answered(201, quick.scim('POST', '/Users', ada()));
  for (let n = 0; n < 50; n += 1) await answered(200, bridge.scim('GET', `/Users/${id}`));
}

for (const [when, fault] of [
  ['while all is well', []],
  ['in an outage', [{ mode: 'down' }]],
] as const)
  test(
    `a commit that stands still: no call at ZITADEL and no byte at the client (${when})`,
    onlyEmbedded('commits'),
    async (t) => {
      const { bridge, shut, open } = await gated(t);
      const [one, two, three] = [
        await answered(201, bridge.scim('POST', '/Users', ada())),
        await answered(201, bridge.scim('POST', '/Users', ada())),
        await answered(201, bridge.scim('POST', '/Users', ada())),
      ];
      await sandbox.faults(...fault);
      if (fault.length > 0) {
        // the breaker opens: from then on an answer is given in the same write
        await until(async () => {
          await bridge.scim('PATCH', `/Users/${three.id}`, titled);
          await bridge.scim('PATCH', `/Users/${one.id}`, patch({ op: 'replace', path: 'nickName', value: 'Ace' }));
          return (await bridge.metrics()).includes('scim_bridge_unavailable{tenant="default",kind="unreachable"} 1');
        });
      }
      await sandbox.reset();
      shut();
      const user = ada();
      const lines = [
        send(bridge, 'POST', '/Users', user),
        send(bridge, 'PATCH', `/Users/${one.id}`, titled),
        send(bridge, 'DELETE', `/Users/${two.id}`),
      ];
      t.after(() => lines.forEach((line) => line.end()));
      await meanwhile(bridge, three.id);
      assert.deepEqual(
        lines.map((line) => line.received()),
        ['', '', ''],
      );
      assert.deepEqual(await writes(sandbox), fault.length > 0 ? {} : { CreateUser: 1 }); // the other bridge's
      open();
      await until(() => lines.every((line) => line.received() !== ''));
      assert.deepEqual(
        lines.map((line) => line.received().slice(0, 12)),
        ['HTTP/1.1 201', 'HTTP/1.1 200', 'HTTP/1.1 204'],
      );
      await sandbox.faults();
      await settled(bridge);
      await settled(quick);
      assert.equal((await named(sandbox, user['userName'])).length, 1);
      assert.deepEqual(await named(sandbox, two.userName), []);
    },
  );

test(
  'the disk is full: 503, nothing half-written, reading goes on; with room again all works',
  onlyEmbedded('a disk of its own'),
  async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
    const started: RunningBridge[] = [];
    t.after(async () => {
      for (const each of started) await each.stop();
      await rm(dataDir, { recursive: true });
    });
    const full = await startBridge(sandbox, { dataDir, timing: TIMING, hook: { maxPages: 80 } });
    started.push(full);
    const total = async ({ scim }: RunningBridge): Promise<number> =>
      (await answered(200, scim('GET', '/Users?count=0'))).totalResults;
    const listed = async ({ scim }: RunningBridge) => {
      const { Resources, totalResults } = await answered(200, scim('GET', '/Users?count=1000'));
      return { resources: Resources.map(({ id }: Json) => id) as readonly string[], totalResults };
    };
    const others = await total(full);
    const made: Json[] = [];
    const refused: Record<string, Json>[] = [];
    // each of them takes pages
    const wide = (): Record<string, Json> => ada({ title: 'x'.repeat(20_000) });
    while (refused.length < 3) {
      const user = wide();
      const { status, headers, body } = await full.scim('POST', '/Users', user);
      if (status === 201) made.push(body);
      else {
        assert.equal(status, 503, JSON.stringify(body));
        assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
        refused.push(user);
      }
      assert.ok(made.length < 100, 'the disk never was full');
    }
    const [first] = made;
    assert.ok(first);
    const seen = ({ meta: _meta, ...user }: Json): Json => user;
    for (const each of made)
      assert.deepEqual(seen(await answered(200, full.scim('GET', `/Users/${each.id}`))), seen(each));
    // what was answered stays in lists, though its settlement rode with a commit that failed
    const { resources, totalResults } = await listed(full);
    assert.equal(totalResults, others + made.length);
    for (const { id } of made) assert.ok(resources.includes(id), id);
    const longer = patch({ op: 'replace', path: 'title', value: 'y'.repeat(200_000) });
    assert.equal((await full.scim('PATCH', `/Users/${first.id}`, longer)).status, 503);
    assert.equal((await full.scim('GET', `/Users/${first.id}`)).body.title, first.title);
    await started.pop()?.stop();

    const roomy = await startBridge(sandbox, { dataDir, timing: TIMING });
    started.push(roomy);
    await settled(roomy);
    for (const each of made)
      assert.deepEqual(seen(await answered(200, roomy.scim('GET', `/Users/${each.id}`))), seen(each));
    for (const user of refused) {
      const { id } = await answered(201, roomy.scim('POST', '/Users', user));
      assert.deepEqual(
        (await named(sandbox, user['userName'])).map(({ userId }) => userId),
        [id],
      );
    }
    assert.equal(await total(roomy), others + made.length + refused.length);
    await answered(200, roomy.scim('PATCH', `/Users/${first.id}`, longer));
  },
);

const doctor = async (bridge: RunningBridge): Promise<string> => (await operate(bridge, 'doctor')).lines.join('\n');

test('one damaged record: the others are listed, its id is 503 with what to do, doctor names it, drop mends it', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const first = await startBridge(sandbox, { dataDir, timing: TIMING });
  const [whole, broken] = [
    await answered(201, first.scim('POST', '/Users', ada())),
    await answered(201, first.scim('POST', '/Users', ada())),
  ];
  await settled(first);
  await first.stop();
  await damage(dataDir, broken.id);

  const bridge = await startBridge(sandbox, { dataDir, timing: TIMING });
  t.after(() => bridge.stop());
  const ids = async (): Promise<string[]> =>
    (await answered(200, bridge.scim('GET', '/Users?count=1000'))).Resources.map(({ id }: Json) => id);
  assert.ok((await ids()).includes(whole.id));
  assert.ok(!(await ids()).includes(broken.id));
  for (const [method, body] of [['GET'], ['PATCH', titled], ['DELETE']] as const) {
    const { detail } = await answered(503, bridge.scim(method, `/Users/${broken.id}`, body));
    assert.match(detail, /is damaged: the administrator finds it by `scim-bridge doctor`/u);
  }
  assert.equal((await bridge.scim('POST', '/Users', ada({ userName: broken.userName }))).status, 503);
  assert.equal((await named(sandbox, broken.userName)).length, 1, 'nobody was made beside it');
  assert.match(await doctor(bridge), new RegExp(`records: 1 damaged record: ${broken.id}`, 'u'));
  await operate(bridge, 'queue drop', { id: broken.id });
  assert.ok((await ids()).includes(broken.id));
  assert.equal((await answered(200, bridge.scim('GET', `/Users/${broken.id}`))).userName, broken.userName);
  assert.match(await doctor(bridge), /ok +records/u);
});

test(
  'DATA_DIR is deleted while the bridge runs: no 201 any more, readyz says why, and the process ends',
  onlyEmbedded('files'),
  async (t) => {
    const above = await mkdtemp(join(tmpdir(), 'bridge-'));
    const dataDir = join(above, 'data');
    const bridge = await startProcess(sandbox, dataDir, { HOLD_AFTER: '2s' }); // a heartbeat is a quarter of it
    t.after(async () => {
      await bridge.kill();
      await rm(above, { recursive: true });
    });
    const origin = new URL(bridge.base).origin;
    await rename(dataDir, `${dataDir}.away`);
    await until(async () => (await fetch(`${origin}/readyz`)).status === 503);
    assert.match(
      await (await fetch(`${origin}/readyz`)).text(),
      /bridge\.db|lock\.db.*was deleted, moved or replaced/u,
    );
    await answered(503, bridge.scim('POST', '/Users', ada()));
    await rename(`${dataDir}.away`, dataDir);
    await until(async () => (await fetch(`${origin}/readyz`)).ok);
    await answered(201, bridge.scim('POST', '/Users', ada()));
    await rm(dataDir, { recursive: true });
    const user = ada();
    const answer = await bridge.scim('POST', '/Users', user).catch(() => undefined); // it may be gone already
    assert.notEqual(answer?.status, 201);
    assert.equal(await bridge.ended(), 1);
    assert.match(bridge.output(), /"level":"fatal".*the process ends/u);
    assert.match(bridge.output(), /^\S+ was deleted, moved or replaced while the bridge was running/mu);
    assert.deepEqual(await named(sandbox, user['userName']), []);
  },
);
