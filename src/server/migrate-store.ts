/** Migration from the embedded store to Redis: opens both and copies every row that must be kept. */
import { existsSync } from 'node:fs';
import { type Migrated, migrateStore, type MigrateStoreOptions } from '../bridge/operator/migrate-store.ts';
import type { Counts } from '../bridge/ports/store.ts';
import { BridgeError } from '../errors.ts';
import { HEARTBEAT } from '../bridge/sync/heartbeat.ts';
import { createRedisStore } from '../store/redis/store.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';

export interface StoreCopyOptions extends Pick<MigrateStoreOptions, 'tenants' | 'onProgress'> {
  /** folder of the embedded store */
  readonly directory: string;
  readonly redis: {
    readonly url: string;
    readonly replicas: number;
    readonly passwordKeys?: readonly string[] | undefined;
  };
  /** called with what an operator should change on Redis */
  readonly onWarning: (warning: string) => void;
}

export interface Copied {
  readonly tenants: readonly (Migrated & { readonly counts: Counts })[];
  /** what the copy survives */
  readonly durability: string;
}

/** A copy of 100,000 rows has Redis to itself: each command may take longer than a request could wait, ms. */
const PATIENCE = 5_000;

/**
 * Throws FolderInUse while a bridge uses the folder, an Error for an unsuitable address or Redis, BridgeError 409 when
 * Redis has other rows of the tenants, 503 when a store fails during the copy.
 */
export async function copyStore(options: StoreCopyOptions): Promise<Copied> {
  const { directory, redis, tenants, onProgress, onWarning } = options;
  if (!existsSync(directory)) throw new BridgeError(404, `there is no embedded store: ${directory} does not exist`);
  const from = await createSqliteStore({ directory });
  try {
    const to = await createRedisStore({ ...redis, commandTimeoutMs: PATIENCE, onWarning });
    try {
      const copied = await migrateStore({ from, to, tenants, states: [HEARTBEAT], onProgress });
      return { tenants: copied, durability: to.durability().text };
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
