/** The rows of a bridge's store, looked at from outside: of a dead process as it left them, of a living one as they are. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Row } from '../../src/bridge/row/types.ts';
import { dataDirOf } from './process.ts';

/** What is left to do, as the store of living bridges says it. */
export interface Left {
  /** that are not quiet */
  rows(): Promise<readonly Row[]>;
  /** ids of groups whose deletion, or whose members' rights, a sync has still to finish */
  groups(): Promise<readonly string[]>;
  /** when a sync last finished, ms since 1970; 0: none did */
  synced(): Promise<number>;
}

/** Something of it is not settled, in doubt, to be confirmed, or dead. */
export const isLeft = (row: Row): boolean =>
  row.pending.length > 0 || row.doubt || row.recheck !== null || row.deadLetters.length > 0;

/** @param origin of the bridge, whose metrics tell of syncs */
export const embedded = (origin: string, folder: string): Left => ({
  rows: async () => rowsLeft(dataDirOf(folder)),
  groups: async () => groupsLeft(dataDirOf(folder)),
  async synced() {
    const text = await (await fetch(`${origin}/metrics`)).text();
    const found = /^scim_bridge_sync_finished_timestamp_seconds\{.*\} (\S+)$/m.exec(text)?.[1];
    return Number(found ?? 0) * 1_000;
  },
});

/** Rows that are not quiet. */
export const rowsLeft = (dataDir: string): readonly Row[] =>
  read(dataDir, 'SELECT body AS json FROM rows')
    .map((row) => row as Row)
    .filter(isLeft);

const groupsLeft = (dataDir: string): readonly string[] =>
  read(dataDir, "SELECT value AS json FROM state WHERE name GLOB 'deleting:*' OR name GLOB 'looking:*'").flatMap(
    (ids) => ids as readonly string[],
  );

function read(dataDir: string, query: string): readonly unknown[] {
  const db = new DatabaseSync(join(dataDir, 'bridge.db'), { readOnly: true, timeout: 1_000 });
  try {
    const found = db.prepare(query).all();
    return found.map(({ json }) => JSON.parse(String(json)) as unknown);
  } finally {
    db.close();
  }
}
