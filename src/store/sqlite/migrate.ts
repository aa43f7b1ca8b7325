/** Migrates a database to the newest schema, each step in its own transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { type Migration, MIGRATIONS } from './schema.ts';

/** Throws an Error for the operator when the database was created by a newer version. */
export function migrate(db: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS): void {
  const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found > migrations.length) {
    throw new Error(
      `the database has schema ${found}, this program knows up to ${migrations.length}: ` +
        'it was written by a newer version; start that version, or restore the back-up made before the upgrade',
    );
  }
  for (const [done, migration] of migrations.entries()) {
    if (done < found) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      if (typeof migration === 'string') db.exec(migration);
      else migration(db);
      db.exec(`PRAGMA user_version = ${done + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}
