/**
 * The full kill test of many processes: `node test/kill/scale/kill.ts [seed] [troubles]`. Exit code 1 when anything answered was lost,
 * when calls overlapped and nobody looked what became of them, or when nothing of groups was left to judge.
 */
import { withoutRedis } from '../../redis/server.ts';
import { reportOf } from '../report.ts';
import { overlapsTold } from './report.ts';
import { run } from './run.ts';

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 1_000_000));
const rounds = Number(process.argv[3] ?? 50);
if (withoutRedis() === false) await main();
else process.exitCode = 1;

async function main(): Promise<void> {
  console.log(`seed ${seed}, ${rounds} troubles`);
  const outcome = await run({
    seed,
    rounds,
    users: 40,
    clients: 10,
    groups: 10,
    groupClients: 5,
    patience: 120_000,
    tell: console.log,
  });
  console.log(reportOf(outcome, outcome.troubles));
  console.log(overlapsTold(outcome.overlaps));
  const isWorth = outcome.memberships > 0 && outcome.holders > 0;
  if (!isWorth) console.log('nobody held anything in the end');
  const passed = isWorth && outcome.violations.length === 0 && outcome.faults.length === 0;
  console.log(passed ? 'passed' : `FAILED; outputs and evidence: ${outcome.folder}`);
  process.exitCode = passed ? 0 : 1;
}
