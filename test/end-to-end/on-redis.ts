/** The same tests once more, with a Redis under each bridge. `npm run test:redis` runs all of them so. */
import { test } from 'node:test';
import { withoutRedis } from '../redis/server.ts';

/** `name`: of the test file beside this one. To be called before anything else is imported that reads the environment. */
export async function onRedis(name: string): Promise<void> {
  const skip = withoutRedis();
  if (skip !== false) {
    test(`end-to-end/${name} on Redis`, { skip });
    return;
  }
  process.env['TEST_STORE'] = 'redis';
  await import(`./${name}.test.ts`);
}
