import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { createSandbox } from '../../sandbox/server.ts';
import { control, post } from './stage.ts';
import type { Json } from './stage.ts';
import { until } from './until.ts';

const sandbox = await createSandbox({ lag: false });
const client = createClient(UserService, createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }));
const headers = { authorization: `Bearer ${sandbox.seeds.tokens.managerA}` };

const faults = (...all: Json[]): Promise<Json> => control(sandbox, 'faults', { faults: all });

function create(userId: string, signal?: AbortSignal): Promise<unknown> {
  const human = {
    profile: { givenName: 'Ann', familyName: 'Alpha' },
    email: { email: 'ann@example.test', verification: { case: 'isVerified' as const, value: true } },
  };
  const request = {
    organizationId: sandbox.seeds.organizations.a,
    userId,
    username: userId,
    userType: { case: 'human' as const, value: human },
  };
  return client.createUser(request, { headers, ...(signal ? { signal } : {}) });
}

async function logOf(userId: string): Promise<readonly Json[]> {
  const { text } = await post(sandbox, '/sandbox/log?from=0');
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Json).filter((line) => line.userId === userId);
}

/** method, whether applied, whether answered, outcome */
const shown = (lines: readonly Json[]): unknown[] =>
  lines.map(({ method, applied, answered, outcome }) => [method, applied !== null, answered, outcome]);

describe('the log of the sandbox', () => {
  after(() => sandbox.close());
  afterEach(() => faults());

  it('says of each write whether it was applied and whether the caller was told', async () => {
    const cases = [
      ['fine', {}, [true, true, 'ok']],
      ['dropped-before', { dropBefore: true }, [false, false, 'fault']],
      ['dropped-after', { dropAfter: true }, [true, false, 'ok']],
      ['failed', { mode: 'error', code: 'INTERNAL' }, [false, false, 'fault']],
      ['failed-after', { mode: 'error', code: 'INTERNAL', afterApply: true }, [true, false, 'ok']],
      ['proxied', { mode: 'error', status: 503 }, [false, false, 'fault']],
      ['proxied-after', { mode: 'error', status: 503, afterApply: true }, [true, false, 'ok']],
    ] as const;
    for (const [id, fault, [applied, answered, outcome]] of cases) {
      await faults(fault);
      await create(id).catch(() => undefined);
      await until(async () => (await logOf(id)).length === 1);
      assert.deepEqual(shown(await logOf(id)), [['CreateUser', applied, answered, outcome]], id);
    }
  });

  it('says who refused: the service with its id, or the validation before it', async () => {
    await create('once');
    await create('once').catch(() => undefined);
    await client.updateUser({ userId: 'once', username: 'x'.repeat(201) }, { headers }).catch(() => undefined);
    assert.deepEqual(shown(await logOf('once')), [
      ['CreateUser', true, true, 'ok'],
      ['CreateUser', false, true, 'COMMAND-7yiox1isql'],
      ['UpdateUser', false, true, 'INVALID_ARGUMENT'],
    ]);
  });

  it('a call hung past the patience of its caller is applied later, in its own place', async () => {
    await create('hung');
    await faults({ hang: true, hangMs: 800, method: 'LockUser' });
    const stop = new AbortController();
    const locking = client.lockUser({ userId: 'hung' }, { headers, signal: stop.signal }).catch(() => 'cut off');
    await until(async () => (await control(sandbox, 'calls')).LockUser === 1);
    stop.abort();
    assert.equal(await locking, 'cut off');
    await client.deactivateUser({ userId: 'hung' }, { headers });
    assert.equal((await control(sandbox, 'users/hung')).state, 'inactive');
    await until(async () => (await logOf('hung')).length === 3);
    const [created, deactivated, locked] = await logOf('hung');
    assert.deepEqual(shown([deactivated ?? {}, locked ?? {}]), [
      ['DeactivateUser', true, true, 'ok'],
      ['LockUser', false, false, 'COMMAND-lgws8wtsqf'],
    ]);
    assert.ok(Number(locked?.began) <= Number(deactivated?.began) && Number(locked?.time) >= Number(deactivated?.time));
    assert.equal(Number(deactivated?.applied), Number(created?.applied) + 1);
  });

  it('numbers what was applied without gaps, in its order', async () => {
    await faults({ mode: 'error', p: 0.5 });
    const ids = Array.from({ length: 40 }, (_, at) => `many-${at}`);
    await Promise.all(ids.map((id) => create(id).catch(() => undefined)));
    const { text } = await post(sandbox, '/sandbox/log?from=0');
    const lines = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Json);
    const applied = lines.flatMap((line) => (line.applied === null ? [] : [line.applied]));
    assert.deepEqual(
      applied,
      Array.from(applied, (_, at) => at + 1),
    );
    assert.ok(lines.some(({ outcome }) => outcome === 'fault'));
  });

  it('who went away before the answer was not told', async () => {
    await faults({ mode: 'slow', ms: 500 });
    await control(sandbox, 'calls', {});
    const stop = new AbortController();
    const creating = create('gone', stop.signal).catch(() => 'cut off');
    await until(async () => (await control(sandbox, 'calls')).CreateUser === 1);
    stop.abort();
    await creating;
    await until(async () => (await logOf('gone')).length === 1);
    assert.deepEqual(shown(await logOf('gone')), [['CreateUser', true, false, 'ok']]);
  });

  it('calls that were dropped leave nothing in flight: later ones do not collide', async () => {
    await create('crowd');
    await faults({ dropAfter: true });
    for (let each = 0; each < 12; each += 1)
      await client.lockUser({ userId: 'crowd' }, { headers }).catch(() => undefined);
    await faults();
    await client.unlockUser({ userId: 'crowd' }, { headers });
    assert.equal((await logOf('crowd')).at(-1)?.parallel, 1);
  });
});
