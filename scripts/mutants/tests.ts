/** Runs a test file of a copy. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** ms for each test, more than `npm test` gives it, for thorough runs take longer; and for a whole file, which a fault may keep from ending */
const TIMEOUT = 300_000;
const LONGEST = 600_000;

/**
 * Names of the tests that failed. Throws when the file fails without any of its tests: it does not even run, which says
 * nothing about what the tests see. @param env beside the process's own
 */
export async function failures(root: string, file: string, env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const options = ['--test', '--test-reporter=tap', `--test-timeout=${TIMEOUT}`];
  // in a group of its own, so that whatever it started can be ended with it
  const child = spawn(process.execPath, [...options, file], {
    cwd: root,
    env: { ...outside(process.env), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const hangs = setTimeout(() => endGroup(child), LONGEST);
  const [output, [code]] = (await Promise.all([text(child.stdout), once(child, 'exit')])) as [string, [number | null]];
  clearTimeout(hangs);
  if (code === null) return ['it never ends'];
  const names = [...output.matchAll(/^ *not ok \d+ - (.+)$/gm)].map(([, name = '']) => name);
  const failed = names.filter((name) => !name.endsWith(file));
  if (code !== 0 && failed.length === 0) throw new Error(`${file} does not run:\n${output}`);
  return failed;
}

/** Without the mark of node:test: a runner started by a test would not run. */
function outside({ NODE_TEST_CONTEXT: _context, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

function endGroup({ pid }: ChildProcessByStdio<null, Readable, null>): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}
