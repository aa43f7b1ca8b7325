/** Tenants over ZITADELs in memory and one real embedded store. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Context, Guarded, Row, Store } from '../../src/bridge/ports.ts';
import { createReconcile, type Delivery } from '../../src/bridge/reconcile.ts';
import { createSettlements } from '../../src/bridge/settlements.ts';
import { type BridgeTenant, createTenant, type SyncEvent } from '../../src/bridge/tenant.ts';
import { TIMING } from '../../src/bridge/timing.ts';
import { BridgeError } from '../../src/errors.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { createFakeZitadel, type FakeZitadel, type Fate } from './fake-zitadel.ts';

export interface Setting {
  readonly tenant: BridgeTenant;
  readonly ctx: Context;
  readonly zitadel: FakeZitadel;
  /** what becomes of the next calls */
  readonly fates: Fate[];
  readonly store: Store;
  readonly deliveries: readonly Delivery[];
  readonly syncs: readonly SyncEvent[];
  row(id: string): Promise<Row | undefined>;
  /** Delivers everything that is owed, once ZITADEL is well. */
  drain(): Promise<void>;
  /** The same tenant as a new process with other settings would have it. */
  again(over: SettingOptions): Setting;
}

export interface SettingOptions {
  readonly organization?: string;
  readonly uniqueExternalId?: boolean;
  readonly guarded?: () => Guarded;
}

/** To be called at the top of a test file: the store lives as long as its tests. */
export function settings(): (options?: SettingOptions) => Setting {
  let directory: string;
  let store: Store;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bridge-'));
    store = await createSqliteStore({ directory });
  });
  after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return (options = {}) => {
    const fates: Fate[] = [];
    return build(store, randomUUID(), createFakeZitadel(fates, options.guarded), fates, options);
  };
}

function build(store: Store, id: string, zitadel: FakeZitadel, fates: Fate[], options: SettingOptions): Setting {
  const deliveries: Delivery[] = [];
  const syncs: SyncEvent[] = [];
  const settlements = createSettlements();
  const timing = { ...TIMING, backoffFirst: 1, backoffMost: 2 };
  const reconcile = createReconcile({
    store,
    settlements,
    of: () => tenant.target,
    onDelivery: (delivery) => deliveries.push(delivery),
    onError: (_key, error) => {
      throw error;
    },
    clock: Date.now,
    timing,
    wake: { at: () => undefined },
  });
  const tenant = createTenant({
    id,
    organization: options.organization ?? 'org',
    unique: { instance: id, externalId: options.uniqueExternalId ?? false },
    store,
    zitadel,
    reconcile,
    settlements,
    timing,
    clock: Date.now,
    ids: randomUUID,
    passwords: 'ignore',
    protect: [],
    onSync: (event) => syncs.push(event),
  });
  return {
    tenant,
    ctx: { tenant: id, who: 'test', txn: 't' },
    zitadel,
    fates,
    store,
    deliveries,
    syncs,
    row: (user) => store.read({ tenant: id, id: user }),
    async drain() {
      fates.length = 0;
      for (;;) {
        const due = await store.due(Number.MAX_SAFE_INTEGER, 1000);
        const ours = due.filter((key) => key.tenant === id);
        if (ours.length === 0) return;
        for (const key of ours) await reconcile(key);
      }
    },
    again: (over) => build(store, id, zitadel, fates, { ...options, ...over }),
  };
}

/** The status of a BridgeError; anything else is thrown on. */
export function statusOf(error: unknown): number {
  if (error instanceof BridgeError) return error.status;
  throw error;
}
