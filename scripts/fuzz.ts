/**
 * Throws random filters at the parser and the matcher, generous forms of values at every way in, then headers and bodies of doubled length at all that reads them:
 * `node scripts/fuzz.ts [cases] [seed]`. Prints the seed, so that a failure can be repeated.
 */

import { fuzzFilters } from '../test/mapping/filter-fuzz.ts';
import { assertForms, WAYS } from '../test/scim/generous-laws.ts';
import { fuzzGrowth, growthOfAll } from '../test/scim/growth.ts';

const cases = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 32));
/** Each is measured at two lengths, the longer one of 16 to 64 KB. */
const grown = Math.ceil(cases / 20);
console.log(`${cases} filters, ${grown} growths, seed ${seed}`);
const start = performance.now();
const { matched, refused, slowest } = fuzzFilters(cases, seed);
const seconds = (performance.now() - start) / 1_000;
console.log(
  `no failure in ${seconds.toFixed(1)} s: ${matched} matched, ${refused} refused, slowest ${slowest.toFixed(2)} ms`,
);
const all = await growthOfAll(seed);
await fuzzGrowth(grown, seed);
console.log(`${all + grown} headers and bodies take work in step with their length`);
for (const read of Object.values(WAYS)) assertForms(read, { numRuns: Math.ceil(cases / 1_000), seed: seed | 0 });
console.log('no failure: every form of every attribute is read as its value');
