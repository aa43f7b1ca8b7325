/**
 * A process that writes durably and says `done n` once its n-th write was promised, for a test that watches its system calls:
 * writes.ts <folder> <how many> sequential|together
 */
import { writeSync } from 'node:fs';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { write } from './rows.ts';

const [directory = '', many = '0', mode] = process.argv.slice(2);
const store = await createSqliteStore({ directory });
writeSync(1, 'begin\n');

const one = async (n: number): Promise<void> => {
  await store.write(write({ tenant: 't', id: `id-${n}` }));
  writeSync(1, `done ${n}\n`);
};
const numbers = Array.from({ length: Number(many) }, (_, n) => n);
if (mode === 'together') await Promise.all(numbers.map(one));
else for (const n of numbers) await one(n);

writeSync(1, 'end\n');
await store.close();
