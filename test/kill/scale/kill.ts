/**
 * The full kill test of many processes: `node test/kill/scale/kill.ts [seed] [troubles]`. Exit code 1 when anything answered was lost,
 * when calls overlapped and nobody looked what became of them, or when nothing of groups was left to judge.
 */
import { withoutRedis } from '../../redis/server.ts';
import { askedFor, FULL, endedWell } from '../full.ts';
import { reportOf } from '../report.ts';
import { overlapsTold } from './report.ts';
import { run } from './run.ts';

const { seed, rounds } = askedFor('npm run kill:scale -- [seed] [troubles]', 50);
if (withoutRedis() === false) await main();
else process.exitCode = 1;

async function main(): Promise<void> {
  console.log(`seed ${seed}, ${rounds} troubles`);
  const outcome = await run({ ...FULL, seed, rounds, tell: console.log });
  console.log(reportOf(outcome, outcome.conditions));
  console.log(overlapsTold(outcome.overlaps));
  const passed = endedWell(outcome);
  console.log(passed ? 'passed' : `FAILED; outputs and evidence: ${outcome.folder}`);
  process.exitCode = passed ? 0 : 1;
}
