/** The full kill test: `node test/kill/kill.ts [seed] [rounds]`. Exit code 1 when anything answered was lost, a window was never hit, or nothing of groups was left to judge. */
import { reportOf } from './report.ts';
import { run } from './run.ts';
import { WINDOWS } from './windows.ts';

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 1_000_000));
const rounds = Number(process.argv[3] ?? 20);
console.log(`seed ${seed}, ${rounds} rounds`);
const outcome = await run({
  seed,
  rounds,
  extra: 30,
  users: 40,
  clients: 10,
  groups: 10,
  groupClients: 5,
  patience: 120_000,
  tell: console.log,
});
console.log(reportOf(outcome, { what: 'users hit in each window', counts: outcome.windows }));
const missed = WINDOWS.filter((window) => outcome.windows.get(window) === 0);
for (const window of missed) console.log(`never hit: ${window}`);
const isWorth = outcome.memberships > 0 && outcome.holders > 0;
if (!isWorth) console.log('nobody held anything in the end');
const passed = isWorth && outcome.violations.length === 0 && outcome.faults.length === 0 && missed.length === 0;
console.log(passed ? 'passed' : `FAILED; outputs, store and evidence: ${outcome.folder}`);
process.exitCode = passed ? 0 : 1;
