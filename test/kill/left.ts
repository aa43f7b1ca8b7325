/** The rows of a bridge's store, looked at from outside: of a dead process as it left them, of a living one as they are. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Row } from '../../src/bridge/ports.ts';

/** Rows that are not quiet: something of them is not settled, in doubt, to be confirmed, or dead. */
export const rowsLeft = (dataDir: string): readonly Row[] =>
  read(dataDir, 'SELECT body AS json FROM rows')
    .map((row) => row as Row)
    .filter((row) => row.changes.length > 0 || row.doubt || row.confirm !== null || row.dead.length > 0);

/** Ids of groups whose deletion, or whose members' rights, a sync has still to finish. */
export const groupsLeft = (dataDir: string): readonly string[] =>
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
