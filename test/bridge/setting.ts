/** Tenants over ZITADELs in memory and one real embedded store. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Clock, Context } from '../../src/bridge/ports/context.ts';
import type { ProtectedByZitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Row } from '../../src/bridge/row/types.ts';
import type { Store } from '../../src/bridge/ports/store.ts';
import { createDeliver } from '../../src/bridge/delivery/deliver.ts';
import { observed } from '../../src/bridge/observed.ts';
import { createWaiters } from '../../src/bridge/delivery/waiters.ts';
import { type BridgeTenant, createTenant, type SyncEvent } from '../../src/bridge/tenant.ts';
import type { GroupsConfig } from '../../src/bridge/groups/tenant-groups.ts';
import { groupsOf } from '../../src/bridge/row/kinds.ts';
import { TIMING, type Timing } from '../../src/bridge/timing.ts';
import type { Delivery } from '../../src/bridge/delivery/context.ts';
import { BridgeError } from '../../src/errors.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { createFakeZitadel, type FakeZitadel, type Fate } from './fake-zitadel.ts';
import { createLife, type Life } from './mortal.ts';

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
  /** Tries everything that is not settled, whatever its time. */
  deliverAll(): Promise<void>;
  readonly life: Life;
}

export interface SettingOptions {
  readonly organization?: string;
  readonly uniqueExternalId?: boolean;
  readonly guarded?: () => ProtectedByZitadel;
  readonly whenDown?: 'accept' | 'refuse';
  readonly maxPending?: number;
  readonly passwords?: 'ignore' | 'set';
  readonly timing?: Partial<Timing>;
  readonly clock?: Clock;
  readonly onAvailable?: () => void;
  readonly groups?: Partial<GroupsConfig>;
  readonly uniqueDisplayName?: boolean;
}

/** To be called at the top of a test file: the store lives as long as its tests. */
export function settings(clock: Clock = Date.now): (options?: SettingOptions) => Setting {
  let directory: string;
  let store: Store;
  before(async () => {
    directory = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'bridge-'));
    store = await createSqliteStore({ directory, clock });
  });
  after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return (options = {}) => {
    const fates: Fate[] = [];
    return build(store, randomUUID(), createFakeZitadel(fates, options.guarded, options.clock ?? clock), fates, {
      clock,
      ...options,
    });
  };
}

/** A disk without fsync, where there is one: these tests write thousands of times. */
const MEMORY = '/dev/shm';

function build(disk: Store, id: string, zitadel: FakeZitadel, fates: Fate[], options: SettingOptions): Setting {
  const life = createLife(disk, zitadel);
  const store = observed(life.store, (write) => tenant.written(write));
  const { clock = Date.now } = options;
  const deliveries: Delivery[] = [];
  const syncs: SyncEvent[] = [];
  const waiters = createWaiters();
  const timing = { ...TIMING, backoffFirstMs: 1, backoffMaxMs: 2, ...options.timing };
  const wake = { at: () => undefined };
  const deliver = createDeliver({
    store,
    waiters,
    of: (shelf) => tenant.target(shelf),
    onDelivery: (delivery) => deliveries.push(delivery),
    onError: (_key, error) => {
      throw error;
    },
    clock,
    timing,
    scheduler: wake,
  });
  const tenant = createTenant({
    id,
    organization: options.organization ?? 'org',
    unique: { instance: id, externalId: options.uniqueExternalId ?? false },
    store,
    zitadel: life.zitadel,
    deliver,
    waiters,
    timing,
    clock,
    ids: randomUUID,
    passwords: options.passwords ?? 'ignore',
    whenDown: options.whenDown ?? 'accept',
    maxPending: options.maxPending ?? 1000,
    scheduler: wake,
    onAvailable: () => options.onAvailable?.(),
    protect: [],
    onSync: (event) => syncs.push(event),
    groups: { strictMembers: false, applyOnStart: false, rules: [], ...options.groups },
    uniqueDisplayName: options.uniqueDisplayName ?? false,
    onRules: () => undefined,
    storeFailing: async () => undefined,
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
      for (const shelf of [id, groupsOf(id)]) {
        for (;;) {
          const due = await store.due(shelf, clock() + TIMING.leaseMs, 1000);
          if (due.length === 0) break;
          for (const row of due) await deliver({ tenant: shelf, id: row.id });
        }
      }
    },
    again: (over) => build(disk, id, zitadel, fates, { ...options, ...over }),
    async deliverAll() {
      for (const shelf of [groupsOf(id), id]) {
        const due = await store.due(shelf, Number.MAX_SAFE_INTEGER, 1000);
        for (const row of due) await deliver({ tenant: shelf, id: row.id });
      }
    },
    life,
  };
}

/** A PATCH that names what it changes. */
export const patch = (change: object) =>
  ({
    method: 'PATCH',
    apply: (base: object) => ({ user: { ...base, ...change }, touched: Object.keys(change) }),
  }) as const;

/** The status of a BridgeError; anything else is thrown on. */
export function statusOf(error: unknown): number {
  if (error instanceof BridgeError) return error.status;
  throw error;
}

/** 200, or the status of the BridgeError that it ended with. */
export const statusFrom = (answer: Promise<unknown>): Promise<number> => answer.then(() => 200, statusOf);
