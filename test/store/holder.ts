/** A process that holds a folder and writes until it is killed: `id version` on a line is a write that was acknowledged. */
import { writeSync } from 'node:fs';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { write } from './rows.ts';

const store = await createSqliteStore({ directory: process.argv[2] ?? '' });

async function work(lane: number): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `${lane}-${n}`;
    for (const version of [1, 2]) {
      await store.write(write({ tenant: 't', id }, { version }, { reservations: [id] }));
      writeSync(1, `${id} ${version}\n`);
    }
  }
}

await Promise.all(Array.from({ length: 8 }, (_, lane) => work(lane)));
