/**
 * Shows that the tests can fail: switches on the faults of scripts/mutants/table.ts, one after another, each in a copy of the
 * repository. `node scripts/mutants.ts [name ...]`. Without any fault the same tests have to pass; a fault that they do not see fails the run.
 */
import { rm } from 'node:fs/promises';
import { copyRepository } from './mutants/copy.ts';
import { MUTANTS } from './mutants/table.ts';
import { failures } from './mutants/tests.ts';

/** More than usual: no fault is to get away by chance. */
const THOROUGH = { MODEL_RUNS: '3000' };

const asked = process.argv.slice(2);
const mutants = MUTANTS.filter(({ name }) => asked.length === 0 || asked.includes(name));
if (mutants.length < Math.max(1, asked.length)) {
  console.error(`the faults are: ${MUTANTS.map(({ name }) => `"${name}"`).join(', ')}`);
  process.exit(2);
}
const copy = await copyRepository();
try {
  for (const mutant of mutants) await (await copy.change(mutant))(); // all of them can be switched on: said before the tests take their time
  let survived = 0;
  for (const file of new Set(mutants.flatMap(({ tests }) => tests))) {
    const failed = await failures(copy.root, file);
    if (failed.length > 0) throw new Error(`without any fault ${file} fails: ${failed.join('; ')}`);
    console.log(`no fault: ${file} passes`);
  }
  for (const mutant of mutants) {
    const restore = await copy.change(mutant);
    const seen = await firstSeen(mutant.tests);
    await restore();
    survived += seen === undefined ? 1 : 0;
    console.log(`${mutant.name}: ${seen === undefined ? 'SURVIVED' : `seen by ${seen}`}`);
  }
  console.log(`${mutants.length - survived} of ${mutants.length} faults seen`);
  process.exitCode = survived === 0 ? 0 : 1;
} finally {
  await rm(copy.root, { recursive: true });
}

/** The first of the files that fails, with the first of its tests that did. */
async function firstSeen(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const failed = await failures(copy.root, file, THOROUGH);
    if (failed.length > 0) return `${file}: ${failed[0]}`;
  }
  return undefined;
}
