import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { answered, type Json } from './bridge.ts';
import { ada, applied, atZitadel, human, inZitadel, metadata, named, patch, writes } from './people.ts';
import { type BridgeProcess, startProcess } from './process.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { isOnRedis } from './store.ts';
import { until } from './until.ts';

// kill -9 while ZITADEL is away: the next process serves at once, shows what was answered and delivers it.
let sandbox: SandboxProcess;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());
afterEach(() => sandbox.faults());

/** Starts processes on one DATA_DIR; what still runs at the end of the test is killed. */
async function processes(t: TestContext): Promise<(env?: Readonly<Record<string, string>>) => Promise<BridgeProcess>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const started: BridgeProcess[] = [];
  t.after(async () => {
    for (const each of started) await each.kill();
    await rm(dataDir, { recursive: true });
  });
  return async (env = {}) => {
    // on Redis the lease of one that was killed lasts
    const lease = isOnRedis ? { lease: 2_000 } : {};
    const made = await startProcess(sandbox, dataDir, env, {
      backoffFirstMs: 20,
      backoffMaxMs: 200,
      probeMs: 50,
      ...lease,
    });
    started.push(made);
    return made;
  };
}

const replace = (value: object): object => patch({ op: 'replace', value });
/** Without meta.location: the port is another one. */
const seen = ({ meta: { location: _location, ...meta }, ...user }: Json): Json => ({ ...user, meta });

test('killed in an outage: a restart serves at once and shows what was answered; all of it is delivered, once', async (t) => {
  const start = await processes(t);
  const first = await start();
  const [titled, leaver, gone] = [
    await answered(201, first.scim('POST', '/Users', ada())),
    await answered(201, first.scim('POST', '/Users', ada())),
    await answered(201, first.scim('POST', '/Users', ada())),
  ];
  const from = (await sandbox.log()).length;
  await sandbox.faults({ mode: 'down' });
  // the first ones are sent in vain, the last ones are answered without a call
  const countess = await answered(200, first.scim('PATCH', `/Users/${titled.id}`, replace({ title: 'Countess' })));
  const made: Json[] = [];
  for (let n = 0; n < 6; n += 1) made.push(await answered(201, first.scim('POST', '/Users', ada())));
  const put = { ...leaver, active: false, emails: [{ ...leaver.emails[0], value: `new-${leaver.userName}` }] };
  const left = await answered(200, first.scim('PUT', `/Users/${leaver.id}`, put));
  await answered(204, first.scim('DELETE', `/Users/${gone.id}`));
  await first.kill();

  const second = await start();
  for (const each of [countess, left, ...made])
    assert.deepEqual(seen(await answered(200, second.scim('GET', `/Users/${each.id}`))), seen(each));
  await answered(404, second.scim('GET', `/Users/${gone.id}`));
  const { totalResults } = await answered(200, second.scim('GET', '/Users'));
  assert.equal(totalResults, 2 + made.length);
  const again = await answered(200, second.scim('PATCH', `/Users/${titled.id}`, replace({ title: 'Duchess' })));
  assert.equal(again.title, 'Duchess');
  assert.deepEqual((await sandbox.log()).slice(from), []);

  await sandbox.faults();
  await settled(second);
  assert.equal((await metadata(sandbox, titled.id))['title'], 'Duchess');
  const { state, human } = await inZitadel(sandbox, leaver.id);
  assert.deepEqual([state, human.email.email], ['USER_STATE_INACTIVE', `new-${leaver.userName}`]);
  assert.deepEqual(await named(sandbox, gone.userName), []);
  for (const { id, userName } of made) {
    assert.deepEqual(await applied(sandbox, id, from), ['CreateUser']);
    assert.deepEqual(
      (await named(sandbox, userName)).map(({ userId }) => userId),
      [id],
    );
  }
  assert.deepEqual(await applied(sandbox, titled.id, from), ['SetUserMetadata']);
  assert.deepEqual(await applied(sandbox, gone.id, from), ['DeleteUser']);
  assert.deepEqual(await queue(second, 'dead-letter'), []);
});

test('a POST whose answer never left, repeated after a kill in the outage: 201 with the same id, no twin', async (t) => {
  const start = await processes(t);
  const { id: other } = await atZitadel(sandbox, 'CreateUser', human('other', sandbox.seeds.organizations.a));
  const first = await start({ BRIDGE_SILENT: 'POST' });
  await sandbox.faults({ mode: 'down' });
  const users = Array.from({ length: 6 }, () => ada());
  const ids = new Map<string, string>();
  for (const user of users) {
    const { userName } = user;
    const lost = first.scim('POST', '/Users', user).catch(() => 'lost');
    const byName = `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`;
    await until(async () => {
      const [found] = (await first.scim('GET', byName)).body.Resources;
      if (found !== undefined) ids.set(userName, found.id);
      return found !== undefined;
    });
    t.after(async () => assert.equal(await lost, 'lost'));
  }
  // once a later write is answered, those before it are durable
  await answered(200, first.scim('PATCH', `/Users/${other}`, replace({ title: 'Countess' })));
  await first.kill();

  const second = await start();
  const repeated = await Promise.all(users.map((user) => answered(201, second.scim('POST', '/Users', user))));
  for (const { id, userName } of repeated) assert.equal(id, ids.get(userName));
  await until(async () => {
    const statuses = await Promise.all(users.map(async (user) => (await second.scim('POST', '/Users', user)).status));
    return statuses.every((status) => status === 409);
  });
  await sandbox.faults();
  await settled(second);
  for (const { id, userName } of repeated) {
    assert.deepEqual(
      (await named(sandbox, userName)).map(({ userId }) => userId),
      [id],
    );
    assert.deepEqual(await applied(sandbox, id), ['CreateUser']);
  }
});

test('killed before a request was answered: it is finished, and what ZITADEL refuses of it is no dead letter', async (t) => {
  const start = await processes(t);
  const first = await start();
  const user = await answered(201, first.scim('POST', '/Users', ada()));
  await sandbox.reset();
  await sandbox.faults({ mode: 'error', hang: true });
  const phone = { value: '+12', type: 'work', primary: true };
  const lost = first
    .scim('PATCH', `/Users/${user.id}`, replace({ title: 'Countess', phoneNumbers: [phone] }))
    .catch(() => 'lost');
  await until(async () => Object.keys(await writes(sandbox)).length > 0);
  await first.kill();
  assert.equal(await lost, 'lost');
  await sandbox.faults();
  const second = await start();
  await settled(second);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  assert.deepEqual(await queue(second, 'dead-letter'), []);
  const { title, phoneNumbers } = await answered(200, second.scim('GET', `/Users/${user.id}`));
  assert.deepEqual([title, phoneNumbers], ['Countess', undefined]);
});
