import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Timing } from '../../src/bridge/timing.ts';
import { answered, type Client, type Json, type RunningBridge, startBridge } from './bridge.ts';
import { ada, inZitadel, metadata, named, patch } from './people.ts';
import { startProcess } from './process.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// ZITADEL applies a call long after the bridge has given it up, and after newer changes: the newest one wins all the same.
const TIMING: Partial<Timing> = {
  backoffFirstMs: 20,
  backoffMaxMs: 200,
  probeMs: 50,
  readCallMs: 1_000,
  writeCallMs: 300,
  leaseMs: 500,
  horizonMs: 2_500,
};

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox, { timing: TIMING });
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

const countOf = (methods: readonly string[], method: string): number =>
  methods.filter((each) => each === method).length;

/** The next call of each method hangs so long and is applied then, ms; named twice, the next two. */
const hang = (ms: number, ...methods: readonly string[]): Promise<void> =>
  sandbox.faults(
    ...[...new Set(methods)].map((method) => {
      const times = countOf(methods, method);
      return { mode: 'error', hang: true, hangMs: ms, method, times };
    }),
  );

const replace = (path: string, value: unknown): object => patch({ op: 'replace', path, value });
const create = (scim: Client, over: object = {}): Promise<Json> => answered(201, scim('POST', '/Users', ada(over)));
const change = (scim: Client, id: string, path: string, value: unknown): Promise<Json> =>
  answered(200, scim('PATCH', `/Users/${id}`, replace(path, value)));

/** What a late call may overwrite: how it is asked, and how ZITADEL has it. */
interface Case {
  /** of the user before */
  readonly over?: object;
  readonly method: string;
  readonly path: string;
  readonly late: unknown;
  readonly newer: unknown;
  /** in ZITADEL */
  readonly there: (id: string) => Promise<unknown>;
  readonly shown: (user: Json) => unknown;
}

/** '' clears, and is read as undefined. */
const text = (path: 'title' | 'profileUrl' | 'timezone') => ({
  path,
  there: async (id: string) => (await metadata(sandbox, id))[path] ?? '',
  shown: (user: Json) => user[path] ?? '',
});
const active = {
  path: 'active',
  there: async (id: string) => (await inZitadel(sandbox, id)).state === 'USER_STATE_ACTIVE',
  shown: (user: Json) => user.active,
};
const givenName = {
  path: 'name.givenName',
  there: async (id: string) => (await inZitadel(sandbox, id)).human.profile.givenName,
  shown: ({ name }: Json) => name.givenName,
};

// biome-ignore format: one row is one case
const CASES: readonly Case[] = [
  { method: 'SetUserMetadata', ...text('title'), late: 'Miss', newer: 'Countess' },
  { method: 'SetUserMetadata', ...text('timezone'), late: 'Europe/Zurich', newer: '' },
  { method: 'DeleteUserMetadata', over: { profileUrl: 'https://old.example' }, ...text('profileUrl'), late: '', newer: 'https://new.example' },
  { method: 'UpdateUser', ...givenName, late: 'Late', newer: 'Augusta' },
  { method: 'DeactivateUser', ...active, late: false, newer: true },
  { method: 'ReactivateUser', over: { active: false }, ...active, late: true, newer: false },
];

describe('a call lands long after its deadline', { concurrency: true }, () => {
  /** the calls of all these tests hang at the same time */
  const { promise: hung, resolve } = Promise.withResolvers<{
    readonly users: readonly Json[];
    readonly renamed: Json;
    /** in the log of the sandbox */
    readonly from: number;
  }>();
  before(async () => {
    const users = await Promise.all(CASES.map(({ over }) => create(bridge.scim, over)));
    const renamed = await create(bridge.scim);
    await sandbox.reset();
    await hang(2_000, ...CASES.map(({ method }) => method), 'UpdateUser', 'CreateUser');
    resolve({ users, renamed, from: (await sandbox.log()).length });
  });

  test('a call that lands after a newer change was delivered: the newer value is back, and is all that is ever read', async () => {
    const { users } = await hung;
    await Promise.all(CASES.map(({ path, late }, n) => change(bridge.scim, users[n].id, path, late)));
    await Promise.all(CASES.map(({ path, newer }, n) => change(bridge.scim, users[n].id, path, newer)));
    await Promise.all(
      CASES.map(async ({ late, newer, there, shown }, n) => {
        const { id } = users[n];
        const becomes = (value: unknown): Promise<void> =>
          until(async () => {
            assert.equal(shown((await bridge.scim('GET', `/Users/${id}`)).body), newer);
            return (await there(id)) === value;
          });
        await becomes(newer);
        await becomes(late);
        await becomes(newer);
      }),
    );
  });

  test('a create that lands after its user was deleted is taken away again; its name is free for another one', async () => {
    const { from } = await hung;
    const user = await create(bridge.scim);
    await answered(204, bridge.scim('DELETE', `/Users/${user.id}`));
    const hidden = async (): Promise<void> => void (await answered(404, bridge.scim('GET', `/Users/${user.id}`)));
    await until(async () => {
      await hidden();
      const ended = (await sandbox.log()).slice(from).filter(({ method }) => method === 'CreateUser');
      return ended.length === (await sandbox.calls())['CreateUser'];
    });
    await until(async () => {
      await hidden();
      return (await named(sandbox, user.userName)).length === 0;
    });
    const { totalResults } = await answered(
      200,
      bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${user.userName}"`)}`),
    );
    assert.equal(totalResults, 0);
    const next = await answered(201, bridge.scim('POST', '/Users', ada({ userName: user.userName })));
    assert.deepEqual(
      (await named(sandbox, user.userName)).map(({ userId }) => userId),
      [next.id],
    );
  });

  test('a rename that lands after a newer one: the name it took is free again for whoever asks for it', async () => {
    const { renamed: user } = await hung;
    const [late, newer] = [`late-${user.userName}`, `newer-${user.userName}`];
    await change(bridge.scim, user.id, 'userName', late);
    await change(bridge.scim, user.id, 'userName', newer);
    await until(async () => (await inZitadel(sandbox, user.id)).username === late);
    const next = await answered(201, bridge.scim('POST', '/Users', ada({ userName: late })));
    await settled(bridge);
    assert.equal((await inZitadel(sandbox, user.id)).username, newer);
    assert.deepEqual(
      (await named(sandbox, late)).map(({ userId }) => userId),
      [next.id],
    );
    assert.deepEqual(await queue(bridge, 'dead-letter'), []);
  });
});

test('killed while calls hang: whatever lands after the next start, the last answered value stays', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const timing = { ...TIMING, horizonMs: 3_500 };
  const first = await startProcess(sandbox, dataDir, {}, timing);
  let second = first;
  t.after(async () => {
    await second.kill();
    await rm(dataDir, { recursive: true });
  });
  const users = await Promise.all(CASES.map(({ over }) => create(first.scim, over)));
  await sandbox.reset();
  const methods = [...CASES.map(({ method }) => method), 'CreateUser'];
  await hang(3_000, ...methods);
  const hung = Date.now();
  const wish = ada();
  const lost = [
    ...CASES.map(({ path, late }, n) => first.scim('PATCH', `/Users/${users[n].id}`, replace(path, late))),
    first.scim('POST', '/Users', wish),
  ].map((asked) => asked.catch(() => undefined));
  await until(async () => {
    const calls = await sandbox.calls();
    return methods.every((method) => (calls[method] ?? 0) >= countOf(methods, method));
  });
  await first.kill();
  const killed = Date.now();
  await Promise.all(lost);

  second = await startProcess(sandbox, dataDir, {}, timing);
  const { scim } = second;
  await Promise.all(CASES.map(({ path, newer }, n) => change(scim, users[n].id, path, newer)));
  const made = await answered(201, scim('POST', '/Users', wish));
  await answered(204, scim('DELETE', `/Users/${made.id}`));

  // each of the calls that hung has landed, or was refused
  await until(async () => {
    const log = (await sandbox.log()).filter(({ began }) => began >= hung && began <= killed);
    const landed = log.map(({ method }) => method);
    return methods.every((method) => countOf(landed, method) >= countOf(methods, method));
  });
  for (const [n, { newer, there, shown }] of CASES.entries()) {
    const { id } = users[n];
    await until(async () => (await there(id)) === newer);
    assert.equal(shown((await scim('GET', `/Users/${id}`)).body), newer);
  }
  await until(async () => (await named(sandbox, made.userName)).length === 0);
  assert.equal((await scim('GET', `/Users/${made.id}`)).status, 404);
});
