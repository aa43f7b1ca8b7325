/**
 * The embedded store in a process with nothing beside it: many rows are written durably at the same time, again and again. Prints one
 * line of JSON. Arguments: folder, ms added to each commit.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Write } from '../src/bridge/ports/store.ts';
import { emptyRow, indexOf } from '../src/bridge/row/views.ts';
import { toFacts } from '../src/mapping/users.ts';
import { createSqliteStore } from '../src/store/sqlite/store.ts';
import { scimUser } from './person.ts';

export interface StoreLook {
  /** event loop: the longest it was held in each round, ms */
  readonly held: readonly number[];
  /** the same while nothing was written: what the machine adds */
  readonly idle: readonly number[];
  /** of each round */
  readonly commits: readonly number[];
}

const [directory = '', delayMs = '0'] = process.argv.slice(2);
const AT_ONCE = 200;
const ROUNDS = 40;
/** The first of them are slow: nothing is compiled yet. */
const WARM_UP = 40;
const RESOLUTION = 1;

let made = 0;
const store = await createSqliteStore({
  directory,
  hook: { delayMs: Number(delayMs) },
  onCommit: () => (made += 1),
});
const unique = { instance: 'bench', externalId: false };

function write(n: number, version: number): Write {
  const key = { tenant: 'bench', id: `user-${n}` };
  const facts = toFacts({ ...scimUser(`person-${n}`), title: `round ${version}` }, key.id);
  const row = emptyRow(key, n, { version, confirmed: facts });
  return { key, expect: version - 1, row, index: indexOf(row, unique) };
}

const loop = monitorEventLoopDelay({ resolution: RESOLUTION });

/** The longest time, in ms, that the loop is held during some work. */
async function held(work: () => Promise<unknown>): Promise<number> {
  loop.reset();
  await delay(5); // what is recorded is the time between two looks: there has to be a first one
  await work();
  await delay(5); // so that the last piece is seen
  return Math.max(0, loop.max / 1e6 - RESOLUTION);
}

loop.enable();
const look: { held: number[]; idle: number[]; commits: number[] } = { held: [], idle: [], commits: [] };
for (let round = 1; round <= WARM_UP + ROUNDS; round += 1) {
  const writes = Array.from({ length: AT_ONCE }, (_, n) => write(n, round));
  const idle = await held(() => delay(Number(delayMs) + 10));
  made = 0;
  const busy = await held(() => Promise.all(writes.map((each) => store.write(each))));
  if (round <= WARM_UP) continue;
  look.idle.push(idle);
  look.held.push(busy);
  look.commits.push(made);
}
await store.close();
console.log(JSON.stringify(look satisfies StoreLook));
