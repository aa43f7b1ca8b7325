import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, applied, atZitadel, inZitadel, metadata, named, patch } from './people.ts';
import { operate, queue, settled, shown } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// What was answered in an outage and ZITADEL then refuses is never lost: it waits as a dead letter for an operator.
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

const post = (user: object): Promise<Answer> => bridge.scim('POST', '/Users', user);
const get = (id: string): Promise<Answer> => bridge.scim('GET', `/Users/${id}`);
const change = (id: string, ...operations: object[]): Promise<Answer> =>
  bridge.scim('PATCH', `/Users/${id}`, patch(...operations));
const replace = (path: string, value: unknown): object => ({ op: 'replace', path, value });
const ids = (body: Json): string[] => body.Resources.map(({ id }: Json) => id);

/** A user made in the outage whose userName somebody takes in ZITADEL meanwhile. Gives both. */
async function overtaken(wish: Record<string, Json>): Promise<{ readonly made: Json; readonly taker: string }> {
  await away();
  const made = await answered(201, post(wish));
  const prefix = wish['userName'].slice(0, -1);
  assert.equal(wish['userName'], `${prefix}0`);
  await sandbox.post('/sandbox/fill', { users: 1, prefix });
  await sandbox.faults();
  await settled(bridge);
  const [taker] = await named(sandbox, wish['userName']);
  return { made, taker: taker.userId };
}

test('a create that ZITADEL refuses: 404, gone from lists, a dead letter that says why', async () => {
  const wish = ada({ userName: 'taken-0', title: 'Countess' });
  const { made, taker } = await overtaken(wish);
  assert.notEqual(taker, made.id);
  await answered(404, get(made.id));
  await answered(404, change(made.id, replace('title', 'nobody')));
  assert.ok(!ids((await bridge.scim('GET', '/Users')).body).includes(made.id));
  const [letter] = await queue(bridge, 'dead-letter');
  assert.equal(letter?.id, made.id);
  assert.match(letter?.deadLetters[0]?.reason ?? '', /userName is already taken/);
  const { lines } = await operate(bridge, 'queue list', { kind: 'dead-letter' });
  assert.ok(lines.some((line) => line.includes(made.id) && line.includes('userName is already taken')));

  const again = await operate(bridge, 'queue retry', { id: made.id });
  assert.match(again.lines.join(), /dead letter again|belongs to another user/);
  await answered(404, get(made.id));
});

test('retried after the cause is gone a dead create is delivered whole, under the id that was answered', async () => {
  const wish = ada({ userName: 'freed-0', title: 'Countess', active: false });
  const { made, taker } = await overtaken(wish);
  await atZitadel(sandbox, 'DeleteUser', { userId: taker });
  await operate(bridge, 'queue retry', { id: made.id });
  await settled(bridge);
  assert.deepEqual(await answered(200, get(made.id)), made);
  const user = await inZitadel(sandbox, made.id);
  assert.deepEqual([user.username, user.state], ['freed-0', 'USER_STATE_INACTIVE']);
  assert.equal((await metadata(sandbox, made.id))['title'], 'Countess');
  assert.ok(!(await queue(bridge, 'dead-letter')).some(({ id }) => id === made.id));
});

test('a dead create is closed when another POST takes its userName', async () => {
  const wish = ada();
  await away();
  const made = await answered(201, post(wish));
  await sandbox.faults({ mode: 'error', code: 'INVALID_ARGUMENT', id: 'EMAIL-599BI', method: 'CreateUser', times: 1 });
  await settled(bridge);
  assert.ok((await queue(bridge, 'dead-letter')).some(({ id }) => id === made.id));
  const second = await answered(201, post(wish));
  assert.notEqual(second.id, made.id);
  assert.ok(!(await queue(bridge, 'dead-letter')).some(({ id }) => id === made.id));
  await assert.rejects(operate(bridge, 'queue retry', { id: made.id }), /no row|no user|nothing to retry/);
  await answered(404, get(made.id));
  assert.deepEqual(
    (await named(sandbox, wish['userName'])).map(({ userId }) => userId),
    [second.id],
  );
});

test('a dead create and its later changes are one letter; a delete on top of it leaves nothing to do', async () => {
  await away();
  const [kept, dropped] = [await answered(201, post(ada())), await answered(201, post(ada()))];
  await answered(200, change(kept.id, replace('title', 'Countess')));
  await answered(204, bridge.scim('DELETE', `/Users/${dropped.id}`));
  await sandbox.faults({ mode: 'error', code: 'INVALID_ARGUMENT', id: 'EMAIL-599BI', method: 'CreateUser' });
  await settled(bridge);
  const dead = await queue(bridge, 'dead-letter');
  assert.ok(dead.some(({ id }) => id === kept.id));
  assert.ok(!dead.some(({ id }) => id === dropped.id));
  await answered(404, get(kept.id));
  await answered(404, get(dropped.id));
  await sandbox.faults();
  await operate(bridge, 'queue retry', { id: kept.id });
  await settled(bridge);
  assert.equal((await answered(200, get(kept.id))).title, 'Countess');
  assert.equal((await metadata(sandbox, kept.id))['title'], 'Countess');
});

test('a title answered in the outage survives a phone that is refused later', async () => {
  const user = await answered(201, post(ada()));
  await away();
  await answered(200, change(user.id, replace('title', 'Countess')));
  const phone = { value: '+12', type: 'work', primary: true };
  assert.deepEqual((await answered(200, change(user.id, replace('phoneNumbers', [phone])))).phoneNumbers, [phone]);
  await sandbox.faults();
  await settled(bridge);
  const seen = await answered(200, get(user.id));
  assert.deepEqual([seen.title, seen.phoneNumbers], ['Countess', undefined]);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  assert.equal((await inZitadel(sandbox, user.id)).human.phone?.phone, undefined);
  const detail = await shown(bridge, user.id);
  assert.deepEqual(detail.conditions, ['dead-letter']);
  assert.match(detail.deadLetters[0]?.reason ?? '', /phoneNumbers/);
  assert.ok(detail.deadLetters.every(({ facts }) => !facts.some((fact) => fact.includes('title'))));
});

test('of a change with a title and a refused phone the title arrives; retried the phone leaves newer facts alone', async () => {
  const user = await answered(201, post(ada()));
  await away();
  const phone = { value: '+12', type: 'work', primary: true };
  await answered(200, change(user.id, { op: 'replace', value: { title: 'Countess', phoneNumbers: [phone] } }));
  await sandbox.faults();
  await settled(bridge);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
  const mended = [{ value: '+41791234567', type: 'work', primary: true }];
  await answered(200, change(user.id, { op: 'replace', value: { title: 'Duchess', phoneNumbers: mended } }));
  await assert.rejects(operate(bridge, 'queue retry', { id: user.id }), /nothing to retry/);
  assert.equal((await inZitadel(sandbox, user.id)).human.phone.phone, '+41791234567');
  assert.equal((await metadata(sandbox, user.id))['title'], 'Duchess');
});

test('dropped, a dead letter is forgotten; a rename that is refused leaves the old name', async () => {
  const user = await answered(201, post(ada()));
  await away();
  await answered(200, change(user.id, replace('userName', 'renamed-0')));
  assert.equal((await answered(200, get(user.id))).userName, 'renamed-0');
  await sandbox.post('/sandbox/fill', { users: 1, prefix: 'renamed-' });
  await sandbox.faults();
  await settled(bridge);
  assert.equal((await answered(200, get(user.id))).userName, user.userName);
  assert.equal((await inZitadel(sandbox, user.id)).username, user.userName);
  const from = (await sandbox.log()).length;
  await operate(bridge, 'queue drop', { id: user.id });
  assert.deepEqual((await shown(bridge, user.id)).conditions, []);
  assert.deepEqual(await applied(sandbox, user.id, from), []);
  // the name is the other user's: found by it, and not this one
  const byName = await bridge.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "renamed-0"')}`);
  assert.deepEqual(
    ids(byName.body),
    (await named(sandbox, 'renamed-0')).map(({ userId }) => userId),
  );
});
