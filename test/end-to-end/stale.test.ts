import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, atZitadel, human, inZitadel, named, patch, writes } from './people.ts';
import { operate } from './queue.ts';
import { type SandboxProcess, startLagging } from './sandbox.ts';

// ZITADEL's lists lag behind its writes; here they stand still until they are told to catch up.
const NEVER = 1_000_000_000;

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startLagging({ idle: NEVER, max: NEVER });
  bridge = await startBridge(sandbox);
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

const get = (id: string): Promise<Answer> => bridge.scim('GET', `/Users/${id}`);
const change = (id: string, value: object): Promise<Json> =>
  answered(200, bridge.scim('PATCH', `/Users/${id}`, patch({ op: 'replace', value })));
const catchUp = (): Promise<unknown> => sandbox.post('/sandbox/settle');
const sync = (): Promise<unknown> => operate(bridge, 'sync', { acceptRemovals: true });

async function found(filter: string): Promise<string[]> {
  const { Resources } = await answered(200, bridge.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`));
  return Resources.map(({ id }: Json) => id);
}

/** A user that the lists know as it was made. */
async function create(): Promise<Json> {
  const user = await answered(201, bridge.scim('POST', '/Users', ada()));
  await catchUp();
  return user;
}

test('a stale list page overwrites no newer row', async () => {
  const user = await create();
  const newer = { userName: `new-${user.userName}`, 'name.givenName': 'Augusta', active: false, title: 'Countess' };
  const changed = await change(user.id, newer);
  const [listed] = await named(sandbox, user.userName);
  assert.equal(listed.userId, user.id, 'the list is stale');
  await sync();
  await sync();
  assert.deepEqual(await answered(200, get(user.id)), changed);
  assert.deepEqual(await found(`userName eq "${changed.userName}"`), [user.id]);
  assert.deepEqual(await found(`userName eq "${user.userName}"`), []);
  // nothing is set again on the word of the list
  await sandbox.reset();
  await change(user.id, { title: 'Duchess' });
  assert.deepEqual(await writes(sandbox), { SetUserMetadata: 1 });
  await catchUp();
  await sync();
  const { title, name, active } = await answered(200, get(user.id));
  assert.deepEqual([title, name.givenName, active], ['Duchess', 'Augusta', false]);
  assert.equal((await inZitadel(sandbox, user.id)).state, 'USER_STATE_INACTIVE');
});

test('a stale list page revives no deleted user, and its name is free', async () => {
  const user = await create();
  await answered(204, bridge.scim('DELETE', `/Users/${user.id}`));
  const gone = async (): Promise<void> => {
    assert.equal((await named(sandbox, user.userName))[0].userId, user.id, 'the list is stale');
    await answered(404, get(user.id));
    assert.deepEqual(await found(`userName eq "${user.userName}"`), []);
    assert.deepEqual(await found(`emails.value eq "${user.userName}"`), []);
    assert.deepEqual(await found(`id eq "${user.id}"`), []);
    const { Resources } = await answered(200, bridge.scim('GET', '/Users?count=1000'));
    assert.ok(!Resources.some(({ id }: Json) => id === user.id));
  };
  await gone();
  await sync();
  await gone();
  await sync();
  await gone();
  const next = await answered(201, bridge.scim('POST', '/Users', ada({ userName: user.userName })));
  await sync();
  assert.deepEqual(await found(`userName eq "${user.userName}"`), [next.id]);
  await answered(404, get(user.id));
});

test('a user that the lists do not show yet is not taken away', async () => {
  const user = await answered(201, bridge.scim('POST', '/Users', ada()));
  const { id } = await atZitadel(sandbox, 'CreateUser', human('made-in-the-console', sandbox.seeds.organizations.a));
  await answered(200, get(id));
  assert.deepEqual(await named(sandbox, user.userName), []);
  await sync();
  await sync();
  await answered(200, get(user.id));
  await answered(200, get(id));
  assert.deepEqual(await found(`userName eq "${user.userName}"`), [user.id]);
  assert.deepEqual(await found('userName eq "made-in-the-console"'), [id]);
});
