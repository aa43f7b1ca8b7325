/** Throws random filters at the parser and the matcher, and generous forms of values at every way in: `node scripts/fuzz.ts [cases] [seed]`. Prints the seed, so that a failure can be had again. */

import { fuzzFilters } from '../test/mapping/filter-fuzz.ts';
import { assertForms, WAYS } from '../test/scim/generous-laws.ts';

const cases = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 32));
console.log(`${cases} cases, seed ${seed}`);
const start = performance.now();
const { matched, refused, slowest } = fuzzFilters(cases, seed);
const seconds = (performance.now() - start) / 1_000;
console.log(
  `no failure in ${seconds.toFixed(1)} s: ${matched} matched, ${refused} refused, slowest ${slowest.toFixed(2)} ms`,
);
for (const read of Object.values(WAYS)) assertForms(read, { numRuns: Math.ceil(cases / 1_000), seed: seed | 0 });
console.log('no failure: every form of every attribute is read as its value');
