import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, applied, inZitadel, metadata, named, patch } from './people.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// Changes that depend on each other: whatever order they are delivered in, the last answered value is what stays.
let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 } });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});
afterEach(() => sandbox.faults());

const away = (): Promise<void> => sandbox.faults({ mode: 'down' });
const back = async (): Promise<void> => {
  await sandbox.faults();
  await settled(bridge);
};

const post = (user: object): Promise<Json> => answered(201, bridge.scim('POST', '/Users', user));
const get = (id: string): Promise<Json> => answered(200, bridge.scim('GET', `/Users/${id}`));
const remove = (id: string): Promise<Json> => answered(204, bridge.scim('DELETE', `/Users/${id}`));
const change = (id: string, path: string, value: unknown): Promise<Json> =>
  answered(200, bridge.scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path, value })));
const rename = (id: string, userName: string): Promise<Json> => change(id, 'userName', userName);

async function isNamed(id: string, userName: string): Promise<void> {
  assert.equal((await inZitadel(sandbox, id)).username, userName);
  assert.equal((await get(id)).userName, userName);
  assert.deepEqual(
    (await named(sandbox, userName)).map(({ userId }) => userId),
    [id],
  );
}

const none = async (): Promise<void> => assert.deepEqual(await queue(bridge, 'dead-letter'), []);

for (const [when, begin] of [
  ['while all is well', async () => undefined],
  ['in an outage', away],
] as const)
  test(`two PATCHes that add different e-mails to one user at once: both are there (${when})`, async () => {
    const user = await post(ada());
    await begin();
    const add = (value: string): Promise<Answer> =>
      bridge.scim(
        'PATCH',
        `/Users/${user.id}`,
        patch({ op: 'add', path: 'emails', value: [{ value, type: 'other' }] }),
      );
    const wanted = Array.from({ length: 6 }, (_, n) => `other${n}-${user.userName}`);
    await Promise.all(wanted.map((value) => answered(200, add(value))));
    await back();
    const values = (emails: Json): Set<string> => new Set(emails.map(({ value }: Json) => value));
    const all = new Set([user.userName, ...wanted]);
    assert.deepEqual(values((await get(user.id)).emails), all);
    assert.deepEqual(values(JSON.parse((await metadata(sandbox, user.id))['emails'] ?? '[]')), all);
    assert.equal((await inZitadel(sandbox, user.id)).human.email.email, user.userName);
  });

for (const [when, begin] of [
  ['while all is well', async () => undefined],
  ['in an outage', away],
] as const)
  test(`one userName asked for by many at once: one gets it (${when})`, async () => {
    const [other] = [await post(ada())];
    await begin();
    const userName = `one-of-many-${other.userName}`;
    const asked = [
      ...Array.from({ length: 8 }, (_, n) =>
        bridge.scim(
          'POST',
          '/Users',
          ada({ userName: n % 2 === 0 ? userName : userName.toUpperCase(), title: `${n}` }),
        ),
      ),
      bridge.scim('PATCH', `/Users/${other.id}`, patch({ op: 'replace', path: 'userName', value: userName })),
    ];
    const answers = await Promise.all(asked);
    const got = answers.filter(({ status }) => status < 300);
    assert.equal(got.length, 1, JSON.stringify(answers.map(({ status }) => status)));
    assert.ok(answers.every(({ status }) => status < 300 || status === 409));
    await back();
    const there = await named(sandbox, userName);
    assert.deepEqual(
      there.map(({ userId }) => userId),
      [got[0]?.body.id],
    );
    await none();
  });

test('two users swap their names in an outage', async () => {
  const [a, b] = [await post(ada({ userName: 'swap-a' })), await post(ada({ userName: 'swap-b' }))];
  await away();
  await rename(a.id, 'swap-tmp');
  await rename(b.id, 'swap-a');
  await rename(a.id, 'swap-b');
  await back();
  await isNamed(a.id, 'swap-b');
  await isNamed(b.id, 'swap-a');
  assert.deepEqual(await named(sandbox, 'swap-tmp'), []);
  await none();
});

test('three users pass their names round in an outage, with a fourth who takes one that came free', async () => {
  const people: Json[] = [];
  for (const n of [0, 1, 2]) people.push(await post(ada({ userName: `ring-${n}` })));
  await away();
  await rename(people[0].id, 'ring-tmp');
  for (const n of [1, 2]) await rename(people[n].id, `ring-${n - 1}`);
  await rename(people[0].id, 'ring-2');
  const fourth = await post(ada({ userName: 'ring-tmp' }));
  await back();
  await isNamed(people[0].id, 'ring-2');
  await isNamed(people[1].id, 'ring-0');
  await isNamed(people[2].id, 'ring-1');
  await isNamed(fourth.id, 'ring-tmp');
  await none();
});

test('a chain of renames in an outage, asked for from its free end, in whatever order it is delivered', async () => {
  const people: Json[] = [];
  for (let n = 0; n < 6; n += 1) people.push(await post(ada({ userName: `chain-${n}` })));
  await away();
  for (let n = 5; n >= 0; n -= 1) await rename(people[n].id, `chain-${n + 1}`);
  const first = await post(ada({ userName: 'chain-0' }));
  await back();
  for (let n = 0; n < 6; n += 1) await isNamed(people[n].id, `chain-${n + 1}`);
  await isNamed(first.id, 'chain-0');
  await none();
});

test('deleted and made again under the same userName in an outage: a new id, one user in the end', async () => {
  const old = await post(ada({ title: 'Miss' }));
  await away();
  await remove(old.id);
  const second = await post(ada({ userName: old.userName }));
  await remove(second.id);
  const third = await post(ada({ userName: old.userName }));
  assert.equal(new Set([old.id, second.id, third.id]).size, 3);
  await back();
  await isNamed(third.id, old.userName);
  assert.equal((await bridge.scim('GET', `/Users/${old.id}`)).status, 404);
  assert.equal((await bridge.scim('GET', `/Users/${second.id}`)).status, 404);
  assert.deepEqual(await applied(sandbox, second.id), []);
  assert.deepEqual(await applied(sandbox, old.id), ['CreateUser', 'DeleteUser']);
  await none();
});

test('two users that pass through one name in an outage', async () => {
  const [a, b] = [await post(ada({ userName: 'pass-a' })), await post(ada({ userName: 'pass-b' }))];
  await away();
  for (const name of ['pass-middle', 'pass-a-end']) await rename(a.id, name);
  for (const name of ['pass-middle', 'pass-b-end']) await rename(b.id, name);
  await back();
  await isNamed(a.id, 'pass-a-end');
  await isNamed(b.id, 'pass-b-end');
  await none();
});

test('the name of a user that is renamed, given to a new one, the old one deleted: in one outage', async () => {
  const old = await post(ada());
  const free = `was-${old.userName}`;
  await away();
  await rename(old.id, free);
  const next = await post(ada({ userName: old.userName }));
  await remove(old.id);
  const last = await post(ada({ userName: free }));
  await back();
  await isNamed(next.id, old.userName);
  await isNamed(last.id, free);
  await none();
});

test('switched off and on again in an outage: the last word stays, and ends nobody half-way', async () => {
  const [off, on] = [await post(ada()), await post(ada())];
  await away();
  for (const active of [false, true, false]) await change(off.id, 'active', active);
  for (const active of [false, true]) await change(on.id, 'active', active);
  await back();
  assert.equal((await inZitadel(sandbox, off.id)).state, 'USER_STATE_INACTIVE');
  assert.equal((await inZitadel(sandbox, on.id)).state, 'USER_STATE_ACTIVE');
  assert.deepEqual([(await get(off.id)).active, (await get(on.id)).active], [false, true]);
});

test('a rename that is refused later gives the name back, also from one who was promised it', async () => {
  const user = await post(ada());
  await away();
  await rename(user.id, 'promised-0');
  const other = await post(ada({ userName: user.userName }));
  await sandbox.post('/sandbox/fill', { users: 1, prefix: 'promised-' });
  await back();
  await isNamed(user.id, user.userName);
  assert.equal((await bridge.scim('GET', `/Users/${other.id}`)).status, 404);
  assert.deepEqual(new Set((await queue(bridge, 'dead-letter')).map(({ id }) => id)), new Set([user.id, other.id]));
  const byName = `/Users?filter=${encodeURIComponent(`userName eq "${user.userName}"`)}`;
  assert.deepEqual(
    (await bridge.scim('GET', byName)).body.Resources.map(({ id }: Json) => id),
    [user.id],
  );
  await away();
  assert.equal((await bridge.scim('POST', '/Users', ada({ userName: user.userName }))).status, 409);
});
