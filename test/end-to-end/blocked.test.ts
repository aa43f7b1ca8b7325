import assert from 'node:assert/strict';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import type { Timing } from '../../src/bridge/timing.ts';
import { answered, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, applied, atZitadel, inZitadel, metadata, named, patch } from './people.ts';
import { operate, queue, settled, shown } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// The token may not do its work: nothing is lost, dead-lettered or removed for it, and the operator is told why.
let sandbox: SandboxProcess;

before(async () => {
  sandbox = await startSandbox();
});
after(() => sandbox.stop());
afterEach(() => sandbox.faults());

async function start(t: TestContext, timing: Partial<Timing> = {}): Promise<RunningBridge> {
  // every GET of a user is one of ZITADEL, so that what it says falsely would be seen
  const bridge = await startBridge(sandbox, {
    timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50, tokenCheckMs: 50, viewMaxAgeMs: 0, ...timing },
  });
  t.after(() => bridge.stop());
  return bridge;
}

const titled = (value: string): object => patch({ op: 'replace', path: 'title', value });
const inactive = patch({ op: 'replace', path: 'active', value: false });

const unavailableBy = async (bridge: RunningBridge, kind: string): Promise<boolean> =>
  (await bridge.metrics()).includes(`scim_bridge_unavailable{tenant="default",kind="${kind}"} 1`);

const setToken = (revoked: boolean) => async (): Promise<void> =>
  void (await sandbox.post('/sandbox/tokens', { token: sandbox.seeds.tokens.managerA, revoked }));
const setRoles =
  (...roles: string[]) =>
  async (): Promise<void> => {
    const { users, organizations } = sandbox.seeds;
    const member = { userId: users['org-a-manager'], organization: organizations.a, roles };
    await sandbox.post('/sandbox/members', member);
  };

for (const [what, take, give, said] of [
  ['the token is revoked', setToken(true), setToken(false), /AUTH-7fs1e|token/],
  ['the role is taken away', setRoles(), setRoles('ORG_USER_MANAGER'), /no role|ORG_USER_MANAGER/],
  ['the role is lowered to a viewer', setRoles('ORG_OWNER_VIEWER'), setRoles('ORG_USER_MANAGER'), /user\.write/],
] as const)
  test(`${what}, and given back: answered in between, nothing dead or removed, all delivered`, async (t) => {
    const bridge = await start(t);
    const { scim } = bridge;
    const people: Json[] = [];
    for (let n = 0; n < 4; n += 1) people.push(await answered(201, scim('POST', '/Users', ada())));
    const [one, two, gone, still] = people;
    const from = (await sandbox.log()).length;
    await take();
    t.after(give);

    await answered(200, scim('PATCH', `/Users/${one.id}`, titled('Countess')));
    await until(() => unavailableBy(bridge, 'suspended'));
    await answered(200, scim('PUT', `/Users/${two.id}`, { ...two, active: false }));
    await answered(204, scim('DELETE', `/Users/${gone.id}`));
    const made = await answered(201, scim('POST', '/Users', ada()));
    for (const { id } of [one, two, still, made]) await answered(200, scim('GET', `/Users/${id}`));
    await operate(bridge, 'sync');
    await operate(bridge, 'sync', { acceptRemovals: true });
    for (const { id } of [one, two, still, made]) await answered(200, scim('GET', `/Users/${id}`));
    const byName = `/Users?filter=${encodeURIComponent(`userName eq "${still.userName}"`)}`;
    assert.equal((await answered(200, scim('GET', byName))).totalResults, 1);

    assert.deepEqual(await queue(bridge, 'dead-letter'), []);
    assert.equal((await queue(bridge, 'pending')).length, 4);
    const doctor = await operate(bridge, 'doctor');
    assert.equal(doctor.exit, 1);
    assert.match(doctor.lines.join('\n'), said);
    assert.match(doctor.lines.join('\n'), /access suspended/);
    assert.deepEqual(
      (await sandbox.log()).slice(from).filter((each) => each.applied !== null),
      [],
    );

    await give();
    await settled(bridge);
    assert.equal(await unavailableBy(bridge, 'suspended'), false);
    assert.equal((await metadata(sandbox, one.id))['title'], 'Countess');
    assert.equal((await inZitadel(sandbox, two.id)).state, 'USER_STATE_INACTIVE');
    assert.deepEqual(await named(sandbox, gone.userName), []);
    assert.equal((await named(sandbox, made.userName))[0].userId, made.id);
    assert.deepEqual(await applied(sandbox, one.id, from), ['SetUserMetadata']);
    await answered(200, scim('GET', `/Users/${still.id}`));
    assert.deepEqual(await queue(bridge, 'dead-letter'), []);
  });

test('one call is not permitted: only that step of that user waits, the others go on', async (t) => {
  const bridge = await start(t, { syncIntervalMs: 300_000 });
  const { scim } = bridge;
  const [one, two] = [
    await answered(201, scim('POST', '/Users', ada())),
    await answered(201, scim('POST', '/Users', ada())),
  ];
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'SetUserMetadata' });
  const both = patch({ op: 'replace', value: { active: false, title: 'Countess', displayName: 'Countess Ada' } });
  await answered(200, scim('PATCH', `/Users/${one.id}`, both));
  const there = await inZitadel(sandbox, one.id);
  assert.deepEqual([there.state, there.human.profile.displayName], ['USER_STATE_INACTIVE', 'Countess Ada']);
  assert.equal((await scim('GET', `/Users/${one.id}`)).body.title, 'Countess');
  const detail = await shown(bridge, one.id);
  assert.deepEqual(detail.conditions, ['pending', 'blocked']);
  assert.match(detail.blocked ?? '', /SetUserMetadata.*AUTH-AWfge/);
  assert.deepEqual(
    detail.pending.flatMap(({ facts }) => facts),
    ['urn:zitadel:scim:title'],
  );
  assert.equal(await unavailableBy(bridge, 'suspended'), false);
  assert.match(await bridge.metrics(), /scim_bridge_blocked_rows\{tenant="default"\} 1/);
  assert.match((await operate(bridge, 'doctor')).lines.join('\n'), /blocked.*1 row/);

  await answered(200, scim('PATCH', `/Users/${two.id}`, inactive));
  assert.equal((await inZitadel(sandbox, two.id)).state, 'USER_STATE_INACTIVE');
  await answered(200, scim('PATCH', `/Users/${one.id}`, patch({ op: 'replace', path: 'active', value: true })));
  assert.equal((await inZitadel(sandbox, one.id)).state, 'USER_STATE_ACTIVE');
  assert.deepEqual((await shown(bridge, one.id)).conditions, ['pending', 'blocked']);
  await sandbox.faults();
  await operate(bridge, 'queue retry', { all: true, kind: 'blocked' });
  assert.equal((await metadata(sandbox, one.id))['title'], 'Countess');
  assert.deepEqual((await shown(bridge, one.id)).conditions, []);
});

test('what is not permitted is tried again each SYNC_INTERVAL, and ends by itself once it is', async (t) => {
  const bridge = await start(t, { syncIntervalMs: 200 });
  const user = await answered(201, bridge.scim('POST', '/Users', ada()));
  await sandbox.reset();
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'SetUserMetadata' });
  await answered(200, bridge.scim('PATCH', `/Users/${user.id}`, titled('Countess')));
  await until(async () => ((await sandbox.calls())['SetUserMetadata'] ?? 0) >= 3);
  assert.deepEqual(await queue(bridge, 'dead-letter'), []);
  await sandbox.faults();
  await settled(bridge);
  assert.equal((await metadata(sandbox, user.id))['title'], 'Countess');
});

test('a create that is not permitted waits like any other change; the other users go on', async (t) => {
  const bridge = await start(t, { syncIntervalMs: 300_000 });
  const { scim } = bridge;
  const other = await answered(201, scim('POST', '/Users', ada()));
  await sandbox.faults({ mode: 'error', code: 'PERMISSION_DENIED', id: 'AUTH-AWfge', method: 'CreateUser' });
  const made = await answered(201, scim('POST', '/Users', ada()));
  await answered(200, scim('PATCH', `/Users/${made.id}`, titled('Countess')));
  await answered(200, scim('PATCH', `/Users/${other.id}`, inactive));
  assert.equal((await inZitadel(sandbox, other.id)).state, 'USER_STATE_INACTIVE');
  await operate(bridge, 'sync');
  assert.equal((await answered(200, scim('GET', `/Users/${made.id}`))).title, 'Countess');
  await sandbox.faults();
  await operate(bridge, 'queue retry', { id: made.id });
  await settled(bridge);
  assert.equal((await metadata(sandbox, made.id))['title'], 'Countess');
  await atZitadel(sandbox, 'GetUserByID', { userId: made.id });
});
