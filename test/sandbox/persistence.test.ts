import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { answered, call, control } from './stage.ts';
import type { Json, Outcome } from './stage.ts';
import type { Sandbox, Seeds } from '../../sandbox/server.ts';

const USER = 'zitadel.user.v2.UserService';

describe('sandbox kept in a file', () => {
  let folder: string;
  let child: ChildProcess | undefined;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  });
  after(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts the sandbox as npm run sandbox does and waits for its first line. */
  async function start(): Promise<Sandbox> {
    const main = new URL('../../sandbox/main.ts', import.meta.url).pathname;
    const env = { ...process.env, PORT: '0', SANDBOX_FILE: join(folder, 'sandbox.db'), SANDBOX_LAG: 'false' };
    child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [first] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(first.toString())?.[1]);
    const seeds = (await control({ port }, 'seeds')) as unknown as Seeds;
    return { port, url: `http://127.0.0.1:${port}`, seeds, close: async () => {} };
  }

  async function killed(): Promise<void> {
    child?.kill('SIGKILL');
    await once(child as ChildProcess, 'exit');
  }

  it('finds everything that was answered after kill -9, with the same seeds', async () => {
    const first = await start();
    const token = first.seeds.tokens.managerA;
    const send = (sandbox: Sandbox, method: string, request: Json): Promise<Outcome> =>
      call(sandbox, USER, method, request, { token });
    const human = {
      profile: { givenName: 'Ann', familyName: 'Alpha' },
      email: { email: 'ann@example.test', isVerified: true },
      metadata: [{ key: 'k', value: 'djE=' }],
    };
    const ids = Array.from({ length: 50 }, (_, n) => `kept-${n}`);
    const organizationId = first.seeds.organizations.a;
    await Promise.all(
      ids.map((id) => send(first, 'CreateUser', { organizationId, userId: id, username: `name-${id}`, human })),
    );
    await send(first, 'DeactivateUser', { userId: 'kept-0' });
    await send(first, 'DeleteUser', { userId: 'kept-1' });
    await send(first, 'UpdateUser', { userId: 'kept-2', username: 'renamed', human: {} });
    await killed();

    const second = await start();
    assert.deepEqual(second.seeds, first.seeds);
    for (const id of ids.slice(2)) assert((await send(second, 'GetUserByID', { userId: id })).response, id);
    const state = answered(await send(second, 'GetUserByID', { userId: 'kept-0' })).user as Json;
    assert.equal(state.state, 'USER_STATE_INACTIVE');
    assert.equal((await send(second, 'GetUserByID', { userId: 'kept-1' })).error?.id, 'QUERY-Dfbg2');
    const rows = answered(await send(second, 'ListUserMetadata', { userId: 'kept-2' }));
    assert.deepEqual(
      (rows.metadata as Json[]).map(({ key, value }) => [key, value]),
      [['k', 'djE=']],
    );
    const taken = { organizationId, username: 'RENAMED', human };
    assert.equal((await send(second, 'CreateUser', taken)).error?.id, 'V3-DKcYh');
    const free = { organizationId, username: 'name-kept-2', human };
    assert((await send(second, 'CreateUser', free)).response);
    await killed();
  });
});
