/** The full kill test: `node test/kill/kill.ts [seed] [rounds]`. Exit code 1 when anything answered was lost, a window was never hit, or nothing of groups was left to judge. */
import { askedFor, FULL, endedWell } from './full.ts';
import { reportOf } from './report.ts';
import { run } from './run.ts';
import { WINDOWS } from './windows.ts';

const { seed, rounds } = askedFor('npm run kill -- [seed] [rounds]', 20);
console.log(`seed ${seed}, ${rounds} rounds`);
const outcome = await run({ ...FULL, seed, rounds, extra: 30, tell: console.log });
console.log(reportOf(outcome, { what: 'users hit in each window', counts: outcome.windows }));
const missed = WINDOWS.filter((window) => outcome.windows.get(window) === 0);
for (const window of missed) console.log(`never hit: ${window}`);
const passed = endedWell(outcome) && missed.length === 0;
console.log(passed ? 'passed' : `FAILED; outputs, store and evidence: ${outcome.folder}`);
process.exitCode = passed ? 0 : 1;
