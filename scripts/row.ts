/**
 * A row as it stands in Redis, for the eye: `redis-cli HGET 'scim:{<tenant>}:rows' <id> | node scripts/row.ts`. It shows personal data.
 */
import { buffer } from 'node:stream/consumers';
import { rowFrom } from '../src/store/redis/row-text.ts';

const value = await buffer(process.stdin);
// redis-cli ends a raw answer with a line break
const row = value.length > 1 ? rowFrom({ tenant: '', id: '' }, value.subarray(0, -1)) : undefined;
if (row === undefined) console.error('there is no such row');
else {
  const { tenant: _tenant, id: _id, ...fields } = row;
  console.log(JSON.stringify(fields, null, 2));
}
