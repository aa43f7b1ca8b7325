/** When bridges have come to rest: nothing is owed, nothing in doubt, nothing to be confirmed, and a sync finds nothing more to do. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Left } from './left.ts';

/** Waits for it, at most `patience` ms. Gives one line for each row that did not come to rest, or that ended in a dead letter. */
export async function quiet(left: Left, patience: number): Promise<readonly string[]> {
  /** when syncs finished since all has been at rest: the second one began after that */
  const syncs = new Set<number>();
  let since = Date.now();
  for (const end = since + patience; Date.now() < end && syncs.size < 2; await pause(100)) {
    const synced = await left.synced();
    const rows = await left.rows();
    const isAtRest = rows.every((row) => row.pending.length === 0 && !row.doubt && row.recheck === null);
    if (!isAtRest || (await left.groups()).length > 0) {
      since = Date.now();
      syncs.clear();
    } else if (synced > since) syncs.add(synced);
  }
  return [
    ...(syncs.size < 2 ? ['it never came to rest'] : []),
    ...(await left.groups()).map((id) => `group ${id} is not at rest`),
    ...(await left.rows()).map(
      ({ id, pending: changes, doubt, recheck: confirm, deadLetters: dead, lastError, blocked }) => {
        const what = {
          changes: changes.length,
          doubt,
          confirm: confirm !== null,
          dead: dead.map(({ reason }) => reason),
          lastError,
          blocked,
        };
        return `row ${id} is not at rest: ${JSON.stringify(what)}`;
      },
    ),
  ];
}
