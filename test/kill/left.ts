/** The rows of a bridge's store, looked at from outside: of a dead process as it left them, of a living one as they are. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Row } from '../../src/bridge/ports.ts';

/** Rows that are not quiet: something of them is not settled, in doubt, to be confirmed, or dead. */
export function rowsLeft(dataDir: string): readonly Row[] {
  const db = new DatabaseSync(join(dataDir, 'bridge.db'), { readOnly: true, timeout: 1_000 });
  try {
    return db
      .prepare('SELECT body FROM rows')
      .all()
      .map(({ body }) => JSON.parse(String(body)) as Row)
      .filter((row) => row.changes.length > 0 || row.doubt || row.confirm !== null || row.dead.length > 0);
  } finally {
    db.close();
  }
}
