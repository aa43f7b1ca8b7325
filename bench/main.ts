/**
 * `npm run bench`: measures, prints a table, and with `--write` puts it into docs/benchmarks.md. A measurement and no test: whatever the
 * figures say, it ends with 0. With ZITADEL_URL, ZITADEL_TOKEN and ZITADEL_ORG_ID the single requests are measured there.
 * `--only name` (again for more): these parts alone. `--short`: small sizes, to try it. `--rows n`: pending creates in the drain.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withoutRedis } from '../test/redis/server.ts';
import { openDisk } from './disk.ts';
import { PARTS } from './parts.ts';
import type { Zitadel } from './person.ts';
import { figure, load, machine, machineLine, table, withFigures } from './report.ts';
import { createRun, type Sizes } from './run.ts';

const FULL: Sizes = { users: 10_000, large: 100_000, outage: 10_000, owed: 100_000 };
const SHORT: Sizes = { users: 500, large: 2_000, outage: 1_000, owed: 5_000 };
const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const { values: asked } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    short: { type: 'boolean', default: false },
    rows: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const unknown = asked.only?.filter((name) => !PARTS.some((part) => part.name === name)) ?? [];
if (unknown.length > 0) stop(`no part ${unknown.join(', ')}; there are: ${PARTS.map(({ name }) => name).join(', ')}`);
if (asked.write && (asked.only !== undefined || asked.short)) stop('only a whole run is written down');
const sizes = asked.short ? SHORT : FULL;
const owed = Number(asked.rows ?? sizes.owed);
if (!Number.isInteger(owed) || owed < 1) stop('--rows: a whole number from 1 on');

const { ZITADEL_URL: url, ZITADEL_TOKEN: token, ZITADEL_ORG_ID: organization } = process.env;
const real: Zitadel | undefined = url && token && organization ? { url, token, organization } : undefined;

// on the disk that a bridge started here would use; that of Redis, which is made for a while, too
await mkdir('data', { recursive: true });
const folder = await mkdtemp(resolve('data', 'bench-'));
process.env['TMPDIR'] = folder;
const began = performance.now();
const loadBefore = load();
const disk = await openDisk(folder);
const run = createRun(folder, disk, { ...sizes, owed });
const parts = PARTS.filter(({ name }) => asked.only?.includes(name) ?? true).filter(
  (part) => part.real === true || real === undefined,
);
const hasRedis = !parts.some(({ needsRedis }) => needsRedis) || withoutRedis() === false;

try {
  for (const { section, needsRedis, work } of parts) {
    if (!hasRedis && needsRedis === true) continue;
    run.begin(section);
    await work(run, real);
  }
} finally {
  await disk.close();
  await rm(folder, { recursive: true, force: true });
}

const where = machine(real === undefined ? 'sandbox' : 'a real ZITADEL');
const took = `The run took ${figure((performance.now() - began) / 1000, 's')}; load of the machine (1 minute) ${loadBefore} before, ${load()} after.`;
console.log(`\n${table(run.figures())}\n\n${machineLine(where)}\n${took}`);
if (asked.write) await writeFile(DOCUMENT, withFigures(await readFile(DOCUMENT, 'utf8'), run.figures(), where, took));
process.exit(0); // connections to ZITADEL may be open still

function stop(why: string): never {
  console.error(why);
  process.exit(2);
}
