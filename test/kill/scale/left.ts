/** What processes on one Redis have left to do, read from Redis itself. */
import { Redis } from 'ioredis';
import type { Row } from '../../../src/bridge/row/types.ts';
import { groupsOf } from '../../../src/bridge/row/kinds.ts';
import { rowsKey, STATE } from '../../../src/store/redis/keys.ts';
import { rowFrom } from '../../../src/store/redis/row-text.ts';
import { isLeft, type Left } from '../left.ts';

/** @param tenant the only one */
export function inRedis(url: string, tenant: string): Left & { close(): void } {
  const redis = new Redis(url);

  async function rows(shelf: string): Promise<readonly Row[]> {
    const values = await redis.hgetallBuffer(rowsKey(shelf));
    return Object.entries(values)
      .map(([id, value]) => rowFrom({ tenant: shelf, id }, value))
      .filter(isLeft);
  }

  async function states(): Promise<ReadonlyMap<string, unknown>> {
    const found = Object.entries(await redis.hgetall(STATE));
    return new Map(found.map(([name, json]) => [name, JSON.parse(json) as unknown]));
  }

  return {
    rows: async () => [...(await rows(tenant)), ...(await rows(groupsOf(tenant)))],
    async groups() {
      const found = [...(await states())].filter(([name]) => /^(?:deleting|looking):/.test(name));
      return found.flatMap(([, ids]) => ids as readonly string[]);
    },
    async synced() {
      const kept = (await states()).get(`tenant:${tenant}`) as { readonly synced: number | null } | undefined;
      return kept?.synced ?? 0;
    },
    close: () => redis.disconnect(),
  };
}
