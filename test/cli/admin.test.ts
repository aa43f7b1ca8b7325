import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Command } from 'commander';
import { createAdminSocket } from '../../src/admin/socket.ts';
import { socketPath } from '../../src/admin/socket-path.ts';
import { adminCommands } from '../../src/cli/admin.ts';
import type { Offline } from '../../src/cli/offline.ts';
import { EXPLAINED, fakeOperator, type FakeOperator, setup } from '../admin/fake-operator.ts';
import { deskOf } from '../admin/run.ts';

let folder: string;
let acme: FakeOperator;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  acme = fakeOperator('acme', { id: 'u1', conditions: ['deadLetter'] });
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly out: string[];
  readonly err: string[];
  readonly exit: number | undefined;
  /** how often the store was opened and closed by the command */
  readonly opened: number;
  readonly closed: number;
}

const noStore = (): Promise<Offline> => Promise.reject(new Error('DATA_DIR is in use by process 7'));

/** `scim-bridge <words>` as a process would run it. */
async function scimBridge(
  words: string,
  env: Record<string, string> = {},
  offline?: () => Promise<Offline>,
): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  let exit: number | undefined;
  let opened = 0;
  let closed = 0;
  const fake = async (): Promise<Offline> => {
    opened += 1;
    return { operators: new Map([['acme', acme]]), setups: [setup('acme')], stop: async () => void (closed += 1) };
  };
  const program = new Command().exitOverride();
  const commands = adminCommands({
    env: { DATA_DIR: folder, ...env },
    cwd: folder,
    print: (line) => out.push(line),
    tell: (line) => err.push(line),
    exit: (code) => (exit = code),
    offline: offline ?? fake,
  });
  for (const each of commands) program.addCommand(each);
  await program.parseAsync(words.split(' '), { from: 'user' });
  return { out, err, exit, opened, closed };
}

describe('while a bridge runs', () => {
  /** Runs `check` beside a bridge that listens. */
  async function beside(check: () => Promise<void>): Promise<void> {
    const socket = await createAdminSocket({
      path: socketPath(folder),
      desk: deskOf({ acme }),
      onError: (error) => assert.fail(String(error)),
    });
    try {
      await check();
    } finally {
      await socket.stop();
    }
  }

  test('it is asked, and the store is left to it', () =>
    beside(async () => {
      const { out, err, exit, opened } = await scimBridge('queue retry u1');
      assert.deepEqual([out, err, exit, opened], [['tried now'], [], 0, 0]);
      assert.deepEqual(acme.asked, ['retry u1']);
    }));

  test('options reach it, --json prints the value', () =>
    beside(async () => {
      const listed = await scimBridge('queue list --kind dead-letter --tenant acme --limit 5 --json');
      assert.deepEqual(
        (JSON.parse(listed.out.join('\n')) as { id: string }[]).map(({ id }) => id),
        ['u1'],
      );
      await scimBridge('sync --accept-removals');
      await scimBridge('queue drop --all --kind dead-letter');
      assert.deepEqual(acme.asked, ['sync true', 'drop u1']);
    }));

  test('groups: explain, plan and apply, with progress beside the output', () =>
    beside(async () => {
      acme.explained.push(EXPLAINED);
      acme.applies = async (onProgress) => {
        onProgress({ users: 500, changed: 2 });
        return { rows: 2, told: '2 users changed' };
      };
      const explained = await scimBridge('groups explain u1');
      assert.deepEqual([explained.out, explained.exit], [['u1 of acme: 0 groups, 0 rights'], 0]);
      const planned = await scimBridge('groups plan --tenant acme --json');
      assert.deepEqual(JSON.parse(planned.out.join('\n')), {
        acme: { differs: false, first: false, users: 0, given: [], taken: [], changes: [] },
      });
      const applied = await scimBridge('groups apply');
      assert.deepEqual(
        [applied.out, applied.err, applied.exit],
        [['acme: 2 users changed'], ['acme: 500 users evaluated, 2 changed'], 0],
      );
      const nobody = await scimBridge('groups explain nobody');
      assert.deepEqual([nobody.out, nobody.err, nobody.exit], [[], ['there is no user nobody'], 2]);
    }));

  test('what it refuses is told beside the output, with its exit code', () =>
    beside(async () => {
      const nothing = await scimBridge('queue release u1');
      assert.deepEqual([nothing.out, nothing.exit], [[], 1]);
      assert.match(nothing.err.join(), /nothing of u1/);
      assert.equal((await scimBridge('queue show nobody')).exit, 2);
    }));

  test('the exit code of doctor', () =>
    beside(async () => {
      assert.equal((await scimBridge('doctor')).exit, 1);
      acme.rows.length = 0;
      assert.equal((await scimBridge('doctor')).exit, 0);
    }));
});

describe('while none runs', () => {
  test('the store is opened, and closed again, whatever happens', async () => {
    const { out, err, exit, opened, closed } = await scimBridge('queue retry u1');
    assert.deepEqual([out, exit, opened, closed], [['tried now'], 0, 1, 1]);
    assert.match(err.join(), /no bridge runs on .*: the store is opened by this command/);
    const refused = await scimBridge('queue show nobody');
    assert.deepEqual([refused.exit, refused.opened, refused.closed], [2, 1, 1]);
    acme.show = () => Promise.reject(new TypeError('a mistake'));
    const failed = await scimBridge('queue show u1');
    assert.deepEqual([failed.exit, failed.closed], [2, 1]);
  });

  test('a store that cannot be opened is a finding of doctor, and the end of any other command', async () => {
    const sick = await scimBridge('doctor', {}, noStore);
    assert.match(sick.out[0] ?? '', /^fail {2}store: DATA_DIR is in use by process 7\. To do: /);
    assert.equal(sick.exit, 1);
    const list = await scimBridge('queue list', {}, noStore);
    assert.deepEqual([list.out, list.exit], [[], 2]);
    assert.match(list.err.join(), /in use by process 7/);
  });
});

describe('the configuration', () => {
  test('a fault is the first line of doctor, exit 1', async () => {
    const { out, exit, opened } = await scimBridge('doctor', { PORT: 'seven', HOLD_AFTER: 'x' });
    assert.match(out[0] ?? '', /config: PORT: must be a whole number.*To do: /);
    assert.match(out[1] ?? '', /config: HOLD_AFTER: /);
    assert.deepEqual([exit, opened], [1, 0]);
  });

  test('any other command cannot be run with it', async () => {
    const { out, err, exit } = await scimBridge('queue list', { PORT: 'seven' });
    assert.deepEqual([out, exit], [[], 2]);
    assert.match(err.join(), /PORT: must be/);
  });
});

test('wrong words are refused before anything is opened', async () => {
  for (const words of ['queue drop --all', 'queue retry', 'queue retry u1 --all', 'queue list --kind lost']) {
    const { exit, opened, err } = await scimBridge(words);
    assert.deepEqual([exit, opened, err.length], [2, 0, 1], words);
  }
});
