import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import {
  answered,
  type BridgeOptions,
  createClient,
  type Json,
  type RunningBridge,
  startBridge,
  TOKEN,
} from './bridge.ts';
import { ada, applied, inZitadel, metadata, named, patch } from './people.ts';
import { operate, queue, settled, shown } from './queue.ts';
import { type LogEntry, type SandboxProcess, startSandbox } from './sandbox.ts';
import { copyStore, onlyEmbedded } from './store.ts';

// After a long sleep, or out of a restored back-up, nothing that was owed is sent by itself.
let sandbox: SandboxProcess;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());
afterEach(() => sandbox.faults());

/** Bridges on folders of one test, one after another. */
function bridges(t: TestContext): {
  start(folder: string, held?: boolean, more?: BridgeOptions): Promise<RunningBridge>;
  folder(): Promise<string>;
} {
  const folders: string[] = [];
  const started: RunningBridge[] = [];
  t.after(async () => {
    for (const each of started) await each.stop();
    for (const each of folders) await rm(each, { recursive: true });
  });
  return {
    async folder() {
      const made = await mkdtemp(join(tmpdir(), 'bridge-'));
      folders.push(made);
      return made;
    },
    async start(dataDir, held = false, more = {}) {
      // the store says that it lives at the start only: any sleep is a long one
      const sleep = held ? { holdAfterMs: 1, heartbeat: 3_600_000 } : {};
      // a disk that stands still for long is another test
      const patience = 'hook' in more ? { answerWithin: 600_000 } : {};
      const bridge = await startBridge(sandbox, {
        ...more,
        dataDir,
        timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50, ...sleep, ...patience },
      });
      started.push(bridge);
      return { ...bridge, stop: () => (started.splice(started.indexOf(bridge), 1), bridge.stop()) };
    },
  };
}

const replace = (value: object): object => patch({ op: 'replace', value });

async function people({ scim }: RunningBridge, count: number): Promise<Json[]> {
  const made: Json[] = [];
  for (let n = 0; n < count; n += 1) made.push(await answered(201, scim('POST', '/Users', ada())));
  return made;
}

test('a restored back-up sends no old orders: they are held, compared, released or dropped', async (t) => {
  const { start, folder } = bridges(t);
  const [own, copy] = [await folder(), await folder()];
  let bridge = await start(own);
  const [titled, left, deleted] = await people(bridge, 3);
  await sandbox.faults({ mode: 'down' });
  await answered(200, bridge.scim('PATCH', `/Users/${titled.id}`, replace({ title: 'old' })));
  await answered(200, bridge.scim('PATCH', `/Users/${left.id}`, replace({ active: false })));
  await answered(204, bridge.scim('DELETE', `/Users/${deleted.id}`));
  const made = await answered(201, bridge.scim('POST', '/Users', ada()));
  await bridge.stop();
  await copyStore(own, copy);

  // the true one goes on: all is delivered, and newer orders come
  await sandbox.faults();
  bridge = await start(own);
  await settled(bridge);
  await answered(200, bridge.scim('PATCH', `/Users/${titled.id}`, replace({ title: 'new' })));
  await answered(200, bridge.scim('PATCH', `/Users/${left.id}`, replace({ active: true })));
  await answered(204, bridge.scim('DELETE', `/Users/${made.id}`));
  await bridge.stop();
  const from = (await sandbox.log()).length;

  const old = await start(copy, true);
  const held = [titled, left, deleted, made].map(({ id }) => id);
  assert.deepEqual(new Set((await queue(old, 'on-hold')).map(({ id }) => id)), new Set(held));
  assert.match(await old.metrics(), /scim_bridge_on_hold_rows\{tenant="default"\} 4/);
  assert.match((await operate(old, 'doctor')).lines.join('\n'), /on hold.*4 rows/);
  await operate(old, 'sync');
  for (const id of held) await old.scim('GET', `/Users/${id}`);
  const [other] = await people(old, 1);
  await answered(200, old.scim('PATCH', `/Users/${other.id}`, replace({ active: false })));
  const nothing = async (): Promise<void> => {
    // an update of nothing only asks whether a user is gone
    const asks = ({ method, request = {} }: LogEntry): boolean =>
      method === 'UpdateUser' && JSON.stringify(request['human']) === '{}' && !('username' in request);
    const log = (await sandbox.log()).slice(from).filter(({ userId }) => held.includes(userId));
    assert.deepEqual(
      log.filter((entry) => !asks(entry)),
      [],
    );
  };
  await nothing();

  const detail = await shown(old, titled.id);
  assert.deepEqual(
    detail.differences.find(({ fact }) => fact.endsWith('title')),
    { fact: 'urn:zitadel:scim:title', asked: 'old', known: null, zitadel: 'new' },
  );
  assert.equal(detail.pending.length, 1);
  assert.equal(detail.pending[0]?.onHold, true);
  assert.equal((await shown(old, left.id)).differences.find(({ fact }) => fact === 'state')?.zitadel, 'active');
  assert.equal((await shown(old, deleted.id)).zitadel, 'gone');
  await nothing();

  await operate(old, 'queue drop', { id: left.id });
  await operate(old, 'queue drop', { id: deleted.id });
  await operate(old, 'queue drop', { id: made.id });
  await nothing();
  assert.equal((await answered(200, old.scim('GET', `/Users/${left.id}`))).active, true);
  await answered(404, old.scim('GET', `/Users/${deleted.id}`));
  await answered(404, old.scim('GET', `/Users/${made.id}`));
  await operate(old, 'queue release', { id: titled.id });
  await settled(old);
  assert.equal((await metadata(sandbox, titled.id))['title'], 'old');
  assert.deepEqual(await applied(sandbox, titled.id, from), ['SetUserMetadata']);
  assert.deepEqual(await queue(old, 'on-hold'), []);
  assert.deepEqual(await named(sandbox, made.userName), []);
});

test('a new request on a held user sends its own facts only; what it names is no longer held', async (t) => {
  const { start, folder } = bridges(t);
  const own = await folder();
  let bridge = await start(own);
  const [user] = await people(bridge, 1);
  await sandbox.faults({ mode: 'down' });
  await answered(
    200,
    bridge.scim('PATCH', `/Users/${user.id}`, replace({ title: 'old', nickName: 'Ace', active: false })),
  );
  await bridge.stop();
  await sandbox.faults();
  const from = (await sandbox.log()).length;
  bridge = await start(own, true);
  const heldFacts = async (): Promise<readonly string[]> =>
    (await shown(bridge, user.id)).pending.flatMap(({ onHold: held, facts }) => (held ? facts : []));

  await answered(200, bridge.scim('PATCH', `/Users/${user.id}`, replace({ 'name.givenName': 'Augusta' })));
  assert.deepEqual(await applied(sandbox, user.id, from), ['UpdateUser']);
  const there = await inZitadel(sandbox, user.id);
  assert.deepEqual(
    [there.state, there.human.profile.givenName, there.human.profile.nickName],
    ['USER_STATE_ACTIVE', 'Augusta', ''],
  );
  assert.deepEqual(new Set(await heldFacts()), new Set(['state', 'nickName', 'urn:zitadel:scim:title']));

  await answered(200, bridge.scim('PATCH', `/Users/${user.id}`, replace({ title: 'newest' })));
  assert.deepEqual(await applied(sandbox, user.id, from), ['UpdateUser', 'SetUserMetadata']);
  assert.deepEqual(new Set(await heldFacts()), new Set(['state', 'nickName']));
  await operate(bridge, 'queue release', { id: user.id });
  await settled(bridge);
  const now = await inZitadel(sandbox, user.id);
  assert.deepEqual([now.state, now.human.profile.nickName], ['USER_STATE_INACTIVE', 'Ace']);
  assert.equal((await metadata(sandbox, user.id))['title'], 'newest');
});

test('a held create is released by any write to that user, a held delete by nothing but an operator', async (t) => {
  const { start, folder } = bridges(t);
  const own = await folder();
  let bridge = await start(own);
  const [gone, kept] = await people(bridge, 2);
  await sandbox.faults({ mode: 'down' });
  const made = await answered(201, bridge.scim('POST', '/Users', ada({ title: 'Countess' })));
  await answered(204, bridge.scim('DELETE', `/Users/${gone.id}`));
  await answered(204, bridge.scim('DELETE', `/Users/${kept.id}`));
  await bridge.stop();
  await sandbox.faults();
  const from = (await sandbox.log()).length;
  bridge = await start(own, true);

  assert.equal((await queue(bridge, 'on-hold')).length, 3);
  await answered(200, bridge.scim('PATCH', `/Users/${made.id}`, replace({ nickName: 'Ace' })));
  const there = await inZitadel(sandbox, made.id);
  assert.deepEqual([there.username, there.human.profile.nickName], [made.userName, 'Ace']);
  assert.equal((await metadata(sandbox, made.id))['title'], 'Countess');

  for (const { id } of [gone, kept]) {
    await answered(404, bridge.scim('PATCH', `/Users/${id}`, replace({ title: 'Duchess' })));
    await answered(404, bridge.scim('DELETE', `/Users/${id}`));
    assert.deepEqual(await applied(sandbox, id, from), []);
  }
  await operate(bridge, 'queue drop', { id: kept.id });
  assert.equal((await answered(200, bridge.scim('GET', `/Users/${kept.id}`))).userName, kept.userName);
  await operate(bridge, 'queue release', { all: true });
  await settled(bridge);
  assert.deepEqual(await named(sandbox, gone.userName), []);
  assert.deepEqual(await applied(sandbox, gone.id, from), ['DeleteUser']);
  assert.equal((await named(sandbox, kept.userName)).length, 1);
});

test(
  'nothing is served before old orders are held, however long that takes',
  onlyEmbedded('writes that stand still'),
  async (t) => {
    const { start, folder } = bridges(t);
    const own = await folder();
    const first = await start(own);
    const [user] = await people(first, 1);
    await sandbox.faults({ mode: 'down' });
    await answered(200, first.scim('PATCH', `/Users/${user.id}`, replace({ title: 'old' })));
    await first.stop();
    await sandbox.faults();
    const from = (await sandbox.log()).length;

    // its first write stands still
    const availability = new Int32Array(new SharedArrayBuffer(4));
    availability[0] = 1;
    const { promise: listening, resolve: onListening } = Promise.withResolvers<string>();
    const starting = start(own, true, { hook: { availability }, onListening });
    const origin = await listening;
    const scim = createClient(`${origin}/scim/v2`, TOKEN);
    try {
      for (let n = 0; n < 50; n += 1) {
        assert.equal((await fetch(`${origin}/readyz`)).status, 503);
        assert.equal((await scim('GET', `/Users/${user.id}`)).status, 503);
        assert.equal((await scim('PATCH', `/Users/${user.id}`, replace({ nickName: 'Ace' }))).status, 503);
      }
    } finally {
      Atomics.store(availability, 0, 0);
      Atomics.notify(availability, 0);
      await starting;
    }
    const bridge = await starting;
    assert.deepEqual(
      (await queue(bridge, 'on-hold')).map(({ id }) => id),
      [user.id],
    );
    await answered(200, bridge.scim('GET', `/Users/${user.id}`));
    assert.deepEqual((await sandbox.log()).slice(from), []);
  },
);
