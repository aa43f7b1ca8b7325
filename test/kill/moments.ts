/** THE MOMENTS TABLE: when a bridge is killed. By chance alone the short windows would hardly ever be hit. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxProcess } from '../end-to-end/sandbox.ts';
import { int, type Random } from '../mapping/random.ts';
import type { UserLoad } from './load.ts';
import { writtenAt } from './people.ts';
import { persist } from './watch.ts';
import type { Weather } from './weather.ts';
import type { Window } from './windows.ts';

export interface Scenery {
  readonly sandbox: SandboxProcess;
  readonly load: UserLoad;
  readonly weather: Weather;
  readonly random: Random;
  /** aborted: it is waited for no longer */
  readonly signal: AbortSignal;
}

export interface Moment {
  readonly name: string;
  /** the window that it is meant to hit */
  readonly aim?: Window;
  /** answers of this process leave up to so many ms late */
  readonly slowLine?: number;
  /** Resolves when it has come, or when nobody waits any more. */
  come(scenery: Scenery): Promise<void>;
}

export const MOMENTS: readonly Moment[] = [
  {
    name: 'any time',
    come: ({ random }) => pause(int(random, 1_500)),
  },
  {
    name: 'a call hangs',
    aim: 'sent, not answered by ZITADEL',
    async come({ sandbox, weather, signal }) {
      await weather.hang();
      await aCall(sandbox, signal);
    },
  },
  {
    name: 'a write was applied',
    aim: 'answered by ZITADEL, not settled',
    async come({ sandbox, weather, signal }) {
      await weather.set('up');
      const from = (await writtenAt(sandbox)).length + 1;
      while (!signal.aborted && !(await writtenAt(sandbox, from)).some(({ answered }) => answered));
    },
  },
  {
    name: 'a client was answered while ZITADEL is away',
    aim: 'answered, not delivered',
    async come({ load, weather }) {
      await weather.set('down');
      await load.answer();
      await load.answer();
    },
  },
  {
    name: 'answers leave late',
    aim: 'settled, not answered to the client',
    slowLine: 200,
    async come({ random, weather }) {
      await weather.set('up');
      await pause(200 + int(random, 300));
    },
  },
  {
    name: 'all slots are taken',
    aim: 'appended, not sent',
    async come({ sandbox, weather, random, signal }) {
      await weather.hang();
      await aCall(sandbox, signal);
      await pause(50 + int(random, 100));
    },
  },
];

/** A call of any kind arrives. */
async function aCall(sandbox: SandboxProcess, signal: AbortSignal): Promise<void> {
  const count = async (): Promise<number> =>
    Object.entries(await persist(() => sandbox.calls())).reduce(
      (sum, [method, calls]) => sum + (/^(Get|List)/.test(method) ? 0 : calls),
      0,
    );
  const before = await count();
  while (!signal.aborted && (await count()) === before);
}
