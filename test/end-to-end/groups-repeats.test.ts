import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { answered, type Json, type RunningBridge, startBridge, TOKEN } from './bridge.ts';
import { createUser, createUsers, definitions, keysOf, team, valued } from './groups.ts';
import { startProcess } from './process.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// Names of groups may repeat; still a POST whose answer was lost makes no twin.
let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { timing: { backoffFirstMs: 20, backoffMaxMs: 100 } });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});
beforeEach(() => sandbox.faults());

const filterOf = ({ displayName }: Json): string => encodeURIComponent(`displayName eq "${displayName}"`);

/** Ids of the groups of this name that the holder has. */
async function inZitadel(wish: Json): Promise<readonly string[]> {
  const all = Object.entries(await definitions(sandbox));
  return all.flatMap(([id, { displayName }]) => (displayName === wish.displayName ? [id] : []));
}

/** Sends a POST and hangs up once ZITADEL has been asked, before the answer. */
async function hangUp(wish: object): Promise<void> {
  const { hostname, port } = new URL(bridge.base);
  const body = JSON.stringify(wish);
  const socket = connect(Number(port), hostname);
  const head = `POST /scim/v2/Groups HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${TOKEN}\r\n`;
  socket.write(
    `${head}Content-Type: application/scim+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await until(async () => ((await sandbox.calls())['SetUserMetadata'] ?? 0) > 0);
  socket.destroy();
}

test('a POST repeated because the answer never reached the client is 201 with the same group', async () => {
  const users = await createUsers(bridge.scim, 3);
  const wish = team({ externalId: 'repeated', members: valued(...users) });
  await sandbox.reset();
  await sandbox.faults({ mode: 'slow', ms: 60, method: 'SetUserMetadata' });
  await hangUp(wish);
  const again = await answered(201, bridge.scim('POST', '/Groups', wish));
  assert.equal(again.members.length, 3);
  await settled(bridge);
  assert.deepEqual(await inZitadel(wish), [again.id]);
  for (const user of users) assert.deepEqual(await keysOf(sandbox, user), [again.id]);
  assert.equal((await answered(200, bridge.scim('GET', `/Groups?filter=${filterOf(wish)}`))).totalResults, 1);
});

test('a POST whose answer arrived makes a group of the same name each time; other content is another group', async () => {
  const wish = team();
  const first = await answered(201, bridge.scim('POST', '/Groups', wish));
  await until(async () => (await bridge.scim('POST', '/Groups', wish)).body.id !== first.id);
  const hung = team();
  await sandbox.reset();
  await sandbox.faults({ mode: 'slow', ms: 60, method: 'SetUserMetadata' });
  await hangUp(hung);
  await answered(201, bridge.scim('POST', '/Groups', { ...hung, externalId: 'another' }));
  await settled(bridge);
  assert.equal((await inZitadel(hung)).length, 2);
});

test('an answer of ZITADEL that is lost on the way: 201, one group', async () => {
  const user = await createUser(bridge.scim);
  const wish = team({ members: valued(user) });
  await sandbox.faults({ mode: 'error', dropAfter: true, method: 'SetUserMetadata', times: 2 });
  const { id } = await answered(201, bridge.scim('POST', '/Groups', wish));
  await settled(bridge);
  assert.deepEqual([await inZitadel(wish), await keysOf(sandbox, user)], [[id], [id]]);
});

test('killed before the answer: the repeat is 201 with the group that was made, and its members', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const first = await startProcess(sandbox, dataDir);
  const started = [first];
  t.after(async () => {
    for (const each of started) await each.kill();
    await rm(dataDir, { recursive: true });
  });
  const users = await createUsers(first.scim, 2);
  const wish = team({ members: valued(...users) });
  await sandbox.faults({ mode: 'error', hang: true, hangMs: 50, method: 'SetUserMetadata' });
  const lost = first.scim('POST', '/Groups', wish).catch(() => 'lost');
  await until(async () => (await inZitadel(wish)).length === 1);
  await first.kill();
  assert.equal(await lost, 'lost');
  await sandbox.faults();
  const second = await startProcess(sandbox, dataDir);
  started.push(second);
  const again = await answered(201, second.scim('POST', '/Groups', wish));
  assert.deepEqual(await inZitadel(wish), [again.id]);
  for (const user of users) await until(async () => (await keysOf(sandbox, user)).includes(again.id));
  assert.equal(again.members.length, 2);
  assert.equal((await answered(200, second.scim('GET', `/Groups?filter=${filterOf(wish)}`))).totalResults, 1);
});
