/** When a bridge has come to rest: nothing is owed, nothing in doubt, nothing to be confirmed. */
import { setTimeout as pause } from 'node:timers/promises';
import { rowsLeft } from './left.ts';
import { dataDirOf } from './process.ts';

/** Waits for it, at most `patience` ms. Gives one line for each row that did not come to rest, or that ended in a dead letter. */
export async function quiet(origin: string, folder: string, patience: number): Promise<readonly string[]> {
  const left = (): ReturnType<typeof rowsLeft> => rowsLeft(dataDirOf(folder));
  for (const end = Date.now() + patience; Date.now() < end; await pause(100)) {
    if ((await owed(origin)) > 0) continue;
    if (left().every((row) => row.changes.length === 0 && !row.doubt && row.confirm === null)) break;
  }
  return left().map(({ id, changes, doubt, confirm, dead, lastError, blocked }) => {
    const what = {
      changes: changes.length,
      doubt,
      confirm: confirm !== null,
      dead: dead.map(({ reason }) => reason),
      lastError,
      blocked,
    };
    return `row ${id} is not at rest: ${JSON.stringify(what)}`;
  });
}

/** Rows with something owed or in doubt, as /metrics says. */
async function owed(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return [...text.matchAll(/^scim_bridge_(?:owed|doubt)_rows\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}
