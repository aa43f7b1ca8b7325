import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { type AdminSocket, createAdminSocket } from '../../src/admin/socket.ts';
import { socketPath } from '../../src/admin/socket-path.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { ask, Refused } from '../../src/cli/ask.ts';
import { EXPLAINED, fakeOperator, type FakeOperator, SYNCED } from './fake-operator.ts';
import { deskOf } from './run.ts';

let folder: string;
let north: FakeOperator;
let running: AdminSocket[];
let errors: unknown[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'admin-'));
  north = fakeOperator('north', { id: 'u1', conditions: ['deadLetter'] });
  north.explained.push(EXPLAINED);
  running = [];
  errors = [];
});
afterEach(async () => {
  for (const each of running) await each.stop();
  rmSync(folder, { recursive: true });
});

async function listen(path = socketPath(folder)): Promise<string> {
  running.push(await createAdminSocket({ path, desk: deskOf({ north }), onError: (error) => errors.push(error) }));
  return path;
}

async function send(
  socket: string,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; lines: unknown[] }> {
  const asked = request({ socketPath: socket, path, method, agent: false }).end(body);
  const [response] = await once(asked, 'response');
  const lines = (await text(response)).trim().split('\n');
  return { status: response.statusCode, lines: lines.map((line) => JSON.parse(line) as unknown) };
}

/** A process that listens there and is killed. */
async function killedListener(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(existsSync(path));
}

describe('the file', () => {
  test('mode 0600, whatever the umask, and the umask is as before', async () => {
    const before = process.umask(0);
    try {
      const path = await listen();
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.ok(statSync(path).isSocket());
      assert.equal(process.umask(), 0);
    } finally {
      process.umask(before);
    }
  });

  test('goes away at stop', async () => {
    const path = await listen();
    await running.pop()?.stop();
    assert.equal(existsSync(path), false);
  });

  test('that of a killed process is replaced', async () => {
    await killedListener(socketPath(folder));
    const path = await listen();
    assert.equal((await send(path, 'POST', '/doctor')).status, 200);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('that of a living one is not, and nothing else is removed either', async () => {
    const path = await listen();
    await assert.rejects(listen(path), /another process answers/);
    assert.equal((await send(path, 'POST', '/doctor')).status, 200);
    const file = join(folder, 'text');
    writeFileSync(file, 'keep me');
    await assert.rejects(listen(file), /is not a socket/);
    assert.ok(existsSync(file));
  });

  test('a path longer than the kernel takes is refused in words', () => {
    const fits = `/${'d'.repeat(107 - '/'.length - '/admin.sock'.length)}`;
    if (process.platform === 'linux') assert.equal(socketPath(fits).length, 107);
    assert.throws(() => socketPath(`${fits}d`), /DATA_DIR is too deep/);
    assert.throws(() => socketPath(`/${'ü'.repeat(60)}`), /DATA_DIR is too deep/);
  });
});

describe('commands', () => {
  test('each verb has its path and answers lines, a value and an exit code', async () => {
    const path = await listen();
    for (const { name, on } of VERBS) {
      const body = on === undefined ? '{}' : JSON.stringify({ id: 'u1' });
      const { status, lines } = await send(path, 'POST', `/${name.replace(' ', '/')}`, body);
      if (status === 409) continue; // the row has nothing of that kind
      assert.equal(status, 200, name);
      assert.deepEqual(Object.keys(lines[0] as object), ['lines', 'value', 'exit'], name);
    }
  });

  for (const [method, path, body, status] of [
    ['POST', '/', '{}', 404],
    ['POST', '/queue', '{}', 404],
    ['POST', '/queue/list/', '{}', 404],
    ['POST', '/queue%2Flist', '{}', 404],
    ['GET', '/doctor', '', 405],
    ['POST', '/queue/list', '{', 400],
    ['POST', '/queue/list', '[]', 400],
    ['POST', '/queue/list', '{"kind":"lost"}', 400],
    ['POST', '/queue/list', `{"kind":"${'x'.repeat(70_000)}"}`, 413],
    ['POST', '/queue/show', '{"id":"nobody"}', 404],
    ['POST', '/queue/release', '{"id":"u1"}', 409],
  ] as const) {
    test(`${method} ${path} ${body.slice(0, 20)}: ${status}`, async () => {
      const answer = await send(await listen(), method, path, body);
      assert.equal(answer.status, status);
      const [line] = answer.lines as { error: string; exit: number }[];
      assert.ok((line?.error.length ?? 0) > 5);
      assert.equal(line?.exit, status === 409 ? 1 : 2);
      assert.deepEqual(errors, []);
    });
  }

  test('what nobody expected is 500 without its text, and is told to the log', async () => {
    const path = await listen();
    north.state = () => Promise.reject(new TypeError('secret'));
    const { status, lines } = await send(path, 'POST', '/queue/list');
    assert.equal(status, 500);
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
    assert.ok(errors[0] instanceof TypeError);
  });
});

describe('the client', () => {
  const quiet = { args: {}, progress: () => {} };

  test('gets progress before the answer', async () => {
    const socket = await listen();
    const many = Array.from({ length: 600 }, (_, at) => ({
      id: `u${String(at).padStart(3, '0')}`,
      conditions: ['deadLetter' as const],
    }));
    north.rows.splice(0, 1, ...many);
    const progress: string[] = [];
    const answer = await ask({
      socket,
      verb: 'queue drop',
      args: { all: true, kind: 'dead-letter' },
      progress: (line) => progress.push(line),
    });
    assert.deepEqual([progress, answer?.lines], [['north: 500 rows so far'], ['600 rows: forgotten']]);
  });

  test('gets an error as Refused, with its exit code, also after progress', async () => {
    const socket = await listen();
    await assert.rejects(ask({ ...quiet, socket, verb: 'queue release', args: { id: 'u1' } }), (error: unknown) => {
      assert.ok(error instanceof Refused);
      assert.equal(error.exit, 1);
      return true;
    });
  });

  test('who reads slowly is waited for: no plan is held in memory as a whole', async () => {
    const socket = await listen();
    const TOTAL = 50_000;
    let planned = 0;
    north.groups.plan = async function* () {
      for (; planned < TOTAL; planned += 1)
        yield { id: `${'u'.repeat(100)}${planned}`, add: [{ project: null, role: 'ORG_OWNER_VIEWER' }], remove: [] };
    };
    const asked = request({ socketPath: socket, path: '/groups/plan', method: 'POST', agent: false }).end('{}');
    const [response] = await once(asked, 'response');
    // nothing is read until the plan has stood still for many turns
    for (let before = -1, still = 0; still < 200; before = planned) {
      await turn();
      still = planned === before ? still + 1 : 0;
    }
    assert.ok(planned < TOTAL / 2, `${planned} users were planned for a client that reads none`);
    const lines = (await text(response)).trim().split('\n');
    assert.equal(lines.length, TOTAL + 1);
    assert.match(lines.at(-1) ?? '', /50000 users would change/);
  });

  test('who leaves in the middle of a plan ends it', async () => {
    const socket = await listen();
    const ended = Promise.withResolvers<void>();
    north.groups.plan = async function* () {
      try {
        for (let at = 0; ; at += 1) yield { id: `u${at}`, add: [{ project: '1', role: 'editor' }], remove: [] };
      } finally {
        ended.resolve();
      }
    };
    const asked = request({ socketPath: socket, path: '/groups/plan', method: 'POST', agent: false }).end('{}');
    const [response] = await once(asked, 'response');
    response.destroy();
    await ended.promise;
    assert.deepEqual(errors, []);
  });

  test('who leaves in the middle of an apply aborts it', async () => {
    const socket = await listen();
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    north.applies = async (_, signal) => {
      signal.addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      await aborted.promise;
      return { rows: 0, told: 'cut off' };
    };
    const asked = request({ socketPath: socket, path: '/groups/apply', method: 'POST', agent: false }).end('{}');
    asked.on('error', () => undefined);
    await begun.promise;
    asked.destroy();
    await aborted.promise;
    assert.deepEqual(errors, []);
  });

  test('undefined where nobody listens: no file, or that of a killed process', async () => {
    const socket = socketPath(folder);
    assert.equal(await ask({ ...quiet, socket, verb: 'doctor' }), undefined);
    await killedListener(socket);
    assert.equal(await ask({ ...quiet, socket, verb: 'doctor' }), undefined);
  });

  test('a bridge that ends in the middle of an answer is told', async () => {
    const socket = await listen();
    const begun = Promise.withResolvers<void>();
    const rest = Promise.withResolvers<typeof SYNCED>();
    north.syncs = () => {
      begun.resolve();
      return rest.promise;
    };
    const lost = assert.rejects(ask({ ...quiet, socket, verb: 'sync' }), /the bridge ended before it had answered/);
    await begun.promise;
    await running.pop()?.stop();
    await lost;
    rest.reject(new Error('the store is closed'));
    await turn(); // the command has ended by now
    assert.deepEqual(errors, []);
  });
});
