/** When a bridge has come to rest: nothing is owed, nothing in doubt, nothing to be confirmed, and a sync finds nothing more to do. */
import { setTimeout as pause } from 'node:timers/promises';
import { groupsLeft, rowsLeft } from './left.ts';
import { dataDirOf } from './process.ts';

/** Waits for it, at most `patience` ms. Gives one line for each row that did not come to rest, or that ended in a dead letter. */
export async function quiet(origin: string, folder: string, patience: number): Promise<readonly string[]> {
  const dataDir = dataDirOf(folder);
  /** when syncs finished since all has been at rest: the second one began after that */
  const syncs = new Set<number>();
  let since = Date.now();
  for (const end = since + patience; Date.now() < end && syncs.size < 2; await pause(100)) {
    const { owed, synced } = await metricsOf(origin);
    const rows = owed > 0 ? [] : rowsLeft(dataDir);
    const isAtRest = rows.every((row) => row.changes.length === 0 && !row.doubt && row.confirm === null);
    if (owed > 0 || !isAtRest || groupsLeft(dataDir).length > 0) {
      since = Date.now();
      syncs.clear();
    } else if (synced > since) syncs.add(synced);
  }
  return [
    ...(syncs.size < 2 ? ['it never came to rest'] : []),
    ...groupsLeft(dataDir).map((id) => `group ${id} is not at rest`),
    ...rowsLeft(dataDir).map(({ id, changes, doubt, confirm, dead, lastError, blocked }) => {
      const what = {
        changes: changes.length,
        doubt,
        confirm: confirm !== null,
        dead: dead.map(({ reason }) => reason),
        lastError,
        blocked,
      };
      return `row ${id} is not at rest: ${JSON.stringify(what)}`;
    }),
  ];
}

/** Rows with something owed or in doubt, and when a sync last finished, ms since 1970 (0: none did), as /metrics says. */
async function metricsOf(origin: string): Promise<{ readonly owed: number; readonly synced: number }> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const valuesOf = (name: RegExp): readonly number[] =>
    text.split('\n').flatMap((line) => (name.test(line) ? [Number(line.slice(line.lastIndexOf(' ') + 1))] : []));
  return {
    owed: valuesOf(/^scim_bridge_(?:owed|doubt)_rows\{/).reduce((sum, n) => sum + n, 0),
    synced: Math.max(0, ...valuesOf(/^scim_bridge_sync_finished_timestamp_seconds\{/)) * 1_000,
  };
}
