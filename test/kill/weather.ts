/** What ZITADEL does to the bridge during a run: it fails, loses answers, hangs, is slow, and is away half of the time. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../../sandbox/faults.ts';
import type { SandboxProcess } from '../end-to-end/sandbox.ts';
import type { Random } from '../mapping/random.ts';
import { persist } from './watch.ts';

/** A call that hangs is applied so much later, ms: past the bridge's own deadline. */
export const HANG = 1_500;

const FAULTS: readonly Fault[] = [
  { mode: 'slow', p: 0.3, ms: 25 },
  // 5 % of the calls fail: nothing was applied, or nobody knows
  { mode: 'error', p: 0.02, code: 'UNAVAILABLE' },
  { mode: 'error', p: 0.01, code: 'INTERNAL' },
  { mode: 'error', p: 0.01, status: 502 },
  { mode: 'error', p: 0.01, code: 'DEADLINE_EXCEEDED', afterApply: true },
  // 2 % of the answers are lost after the call was applied
  { mode: 'error', p: 0.02, dropAfter: true },
  // reads lose a user: at once and for good, after any write, or for a while only
  { mode: 'lose', method: 'CreateUser', p: 0.02 },
  { mode: 'lose', p: 0.002 },
  { mode: 'lose', p: 0.01, ms: 1_500 },
  // 1 % of the calls hang
  { mode: 'error', p: 0.01, hang: true, hangMs: HANG },
];

export interface Weather {
  /** Begins to change. */
  start(): void;
  /** Now it is so, until the next change. */
  set(kind: 'down' | 'up'): Promise<void>;
  /** The next write of any kind hangs. */
  hang(): Promise<void>;
  /** All is well from now on. */
  calm(): Promise<void>;
  /** ms that it was away, and that it was there, since the start */
  times(): Readonly<Record<'down' | 'up', number>>;
}

const WRITES = [
  'UpdateUser',
  'SetUserMetadata',
  'DeleteUserMetadata',
  'DeactivateUser',
  'ReactivateUser',
  'CreateUser',
  'DeleteUser',
  'CreateAdministrator',
  'UpdateAdministrator',
  'DeleteAdministrator',
  'CreateAuthorization',
  'UpdateAuthorization',
  'DeleteAuthorization',
];

/** @param longest of a stretch, ms */
export function createWeather(sandbox: SandboxProcess, random: Random, longest: number): Weather {
  const stopping = new AbortController();
  let changing: Promise<void> = Promise.resolve();
  let is: 'down' | 'up' = 'up';
  let since = Date.now();
  const spent = { down: 0, up: 0 };

  function note(kind: 'down' | 'up'): void {
    spent[is] += Date.now() - since;
    is = kind;
    since = Date.now();
  }

  async function set(kind: 'down' | 'up', more: readonly Fault[] = []): Promise<void> {
    note(kind);
    await persist(() => sandbox.faults(...(kind === 'down' ? [{ mode: 'down' }] : [...more, ...FAULTS])));
  }

  /** Whichever it was for less time is next, so that it is away half of the time whatever tests set between. */
  async function change(): Promise<void> {
    while (!stopping.signal.aborted) {
      note(is);
      await set(spent.down < spent.up ? 'down' : 'up');
      await pause(longest * (0.2 + 0.8 * random()));
    }
  }

  return {
    start: () => void (changing = change()),
    set: (kind) => set(kind),
    hang: () =>
      set(
        'up',
        WRITES.map((method) => ({ mode: 'error', method, hang: true, hangMs: HANG, times: 1 })),
      ),
    async calm() {
      stopping.abort();
      await changing;
      note('up');
      await persist(() => sandbox.faults());
    },
    times: () => spent,
  };
}
