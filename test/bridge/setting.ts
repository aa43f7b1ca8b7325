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
import { TIMING, type Timing } from '../../src/bridge/timing.ts';
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
  readonly whenDown?: 'accept' | 'refuse';
  readonly owedMax?: number;
  readonly timing?: Partial<Timing>;
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
  const timing = { ...TIMING, backoffFirst: 1, backoffMost: 2, ...options.timing };
  const wake = { at: () => undefined };
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
    wake,
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
    whenDown: options.whenDown ?? 'accept',
    owedMax: options.owedMax ?? 1000,
    wake,
    onOpen: () => undefined,
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
      zitadel.fates.length = 0;
      zitadel.isDown = false;
      for (;;) {
        const due = await store.due(id, Date.now() + TIMING.lease, 1000);
        if (due.length === 0) return;
        for (const row of due) await reconcile({ tenant: id, id: row.id });
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
