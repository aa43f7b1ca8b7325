/** ZITADEL is back and very many rows are owed, on Redis: how fast they are delivered, and what each takes there. */
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import { millisecondsOf } from './measure.ts';
import { bareLoop, down, fill, up } from './outage.ts';
import { connectDirectly, type Zitadel } from './person.ts';
import { startBridge } from './processes.ts';
import type { OwnRedis } from './redis.ts';
import { figure, type Figure, percent } from './report.ts';

/** A bare loop runs so long before and after, ms. */
const BARE = 8_000;
/** bytes */
const GOAL = 1_500;

export interface DrainStage {
  readonly zitadel: Zitadel;
  readonly sandbox: SandboxProcess;
  readonly redis: OwnRedis;
  readonly folder: string;
  readonly rows: number;
  /** what is special about this ZITADEL, for the table */
  readonly where: string;
}

/** One process, with as many calls under way as the bare loop has. */
export async function drain({ zitadel, sandbox, redis, folder, rows, where }: DrainStage): Promise<Figure[]> {
  const direct = connectDirectly(zitadel);
  const bridge = await startBridge(zitadel, folder, { ...redis.settings, MAX_PENDING: String(2 * rows) });
  await bridge.synced();
  const stage = { sandbox, bridge, direct };
  const before = await bareLoop(stage, BARE);
  const empty = await redis.memory();
  await down(stage);
  await fill(stage, rows);
  const owed = await bridge.metric('scim_bridge_pending_rows');
  const full = await redis.memory();
  const waiting = await redis.keys();

  await sandbox.reset();
  const took = await millisecondsOf(() => up(stage));
  const { CreateUser: created = 0, ...others } = await sandbox.calls();
  const settled = await redis.memory();
  const keys = await redis.keys();
  const bare = (before + (await bareLoop(stage, BARE))) / 2;
  await bridge.stop();

  const rate = (owed / took) * 1000;
  const count = owed.toLocaleString('en');
  const bytes = (from: number, to: number): number => (to - from) / owed;
  const more = Object.entries(others).map(([method, calls]) => `, ${calls.toLocaleString('en')} ${method}`);
  return [
    {
      work: `Redis: ZITADEL back, ${count} pending creates delivered${where}`,
      against: `bare loop of CreateUser, 8 in flight: ${figure(bare, '/s')}`,
      measured: `${figure(rate, '/s')}: ${percent(rate / bare)}; ${figure(took / 1000, 's')}, ${created.toLocaleString('en')} CreateUser${more.join('')}`,
      goal: '>= 60 %',
      reached: rate / bare >= 0.6,
    },
    {
      work: `Redis: memory per row with a pending create${where}`,
      against: `the same rows once delivered: ${figure(bytes(empty, settled), 'bytes')}`,
      measured: `${figure(bytes(empty, full), 'bytes')}; ${waiting.jobs.toLocaleString('en')} jobs included, ${keys.jobs} at the end`,
      goal: '<= 1.5 kB',
      reached: bytes(empty, full) <= GOAL,
    },
  ];
}
