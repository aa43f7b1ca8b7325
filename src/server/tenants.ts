/** Everything behind the protocol, built and connected: store, ZITADELs, tenants, queue. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Operator } from '../bridge/ports/operator.ts';
import { COPYING } from '../bridge/operator/migrate-store.ts';
import { createLock } from '../bridge/delivery/exclusive.ts';
import { createHeartbeat, HEARTBEAT } from '../bridge/sync/heartbeat.ts';
import { ALONE, type Peers } from '../bridge/ports/peers.ts';
import type { Clock } from '../bridge/ports/context.ts';
import type { Key } from '../bridge/row/types.ts';
import type { Store } from '../bridge/ports/store.ts';
import { createDeliver } from '../bridge/delivery/deliver.ts';
import { type HeldLease } from '../bridge/delivery/target.ts';
import { observed } from '../bridge/observed.ts';
import { createWaiters } from '../bridge/delivery/waiters.ts';
import { type BridgeTenant, createTenant, type SyncEvent } from '../bridge/tenant.ts';
import { groupsOf, tenantOf } from '../bridge/row/kinds.ts';
import { TIMING, type Timing, within } from '../bridge/timing.ts';
import type { Config } from '../config/config.ts';
import type { TenantConfig } from '../config/tenants.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { type BullQueue, createBullQueue } from '../queue/bullmq/queue.ts';
import { createQueue, type Queue, type QueueOptions } from '../queue/timers.ts';
import { reportDamaged, reportDelivery, reportLoss, reportRules } from './reports.ts';
import { connectAs, type Rules } from '../store/redis/connect.ts';
import { createRedisPeers } from '../store/redis/peers.ts';
import { createRedisStore } from '../store/redis/store.ts';
import type { Loss } from '../store/loss.ts';
import { rootCause } from '../store/sqlite/explain.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import type { CommitHook } from '../store/sqlite/writer.ts';
import { type Connection, createConnection } from '../zitadel/connection.ts';
import { createZitadel } from '../zitadel/zitadel.ts';

export interface RoomsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** for tests: durations that override the configuration and the defaults */
  readonly timing?: Partial<Timing> | undefined;
  /** for tests and measurements: delays commits */
  readonly hook?: CommitHook | undefined;
  readonly metrics: Metrics;
  readonly onSync: (tenant: string, event: SyncEvent) => void;
  /** called once with the reason when the store stays unavailable to this process: only a restart helps */
  readonly onGone?: ((reason: string) => void) | undefined;
}

/** A tenant with the configuration it was made from. */
export interface Entry {
  readonly config: TenantConfig;
  readonly made: BridgeTenant;
}

export interface Rooms {
  readonly timing: Timing;
  readonly entries: readonly Entry[];
  readonly operators: ReadonlyMap<string, Operator>;
  readonly queue: Queue;
  /** why the store's data is gone; undefined: it is there */
  readonly lost: () => string | undefined;
  /** why the store cannot be written, as of the last heartbeat */
  readonly storeFailing: () => string | undefined;
  /** the jobs of all processes, for the board */
  readonly bull: BullQueue | undefined;
  /**
   * Checks which ZITADEL the store belongs to, and puts pending changes on hold after a long downtime. Call it first.
   * `lives`: from now on the store records that the process is alive.
   */
  open(lives: boolean): Promise<void>;
  /** Stops everything; pending changes stay in the store. */
  close(): Promise<void>;
}

/** Builds the parts for a configuration whose tenants all have a ZITADEL. Nothing runs yet. */
export async function createRooms(options: RoomsOptions): Promise<Rooms> {
  const { config, log, clock, metrics } = options;
  const { viewMaxAge, syncInterval, answerWithin, holdAfter, deadLetterRetention, maxPending } = config.limits;
  const timing: Timing = {
    ...TIMING,
    viewMaxAgeMs: viewMaxAge,
    syncIntervalMs: syncInterval,
    answerWithinMs: answerWithin,
    holdAfterMs: holdAfter,
    heartbeatMs: Math.min(TIMING.heartbeatMs, holdAfter / 4),
    deadLetterRetentionMs: deadLetterRetention,
    ...options.timing,
  };
  const tenants = new Map<string, BridgeTenant>();
  let lost: string | undefined;
  let isClosed = false;
  const { kept, peers, durability, leave, adopt } = await openStore(
    options,
    timing,
    () => heart.suspect(),
    (loss) => {
      const isNews = lost !== loss?.reason;
      // every call meets it: once is enough
      if (adopt !== undefined && lost !== undefined) return;
      lost = loss?.reason;
      if (isNews) reportLoss(loss, log);
      if (loss?.forGood === true) options.onGone?.(loss.reason);
      if (adopt !== undefined) void rebuild(adopt);
    },
  );
  const store = observed(kept, (write) => tenants.get(tenantOf(write.key))?.written(write));
  const connections = new Map<string, Connection>();
  const waiters = createWaiters(peers);
  const common: Omit<QueueOptions, 'leases'> = {
    store,
    clock,
    tenants: config.tenants.flatMap(({ id }) => [id, groupsOf(id)]),
    deliver: (key) => deliver(key),
    isShut: (shelf) => tenants.get(ownerOf(shelf))?.availability().unavailable() !== undefined,
    onError: (error) => log.system('error', 'a sweep over the due rows failed; it is tried again', { error }),
  };
  const bull =
    config.store.redis === undefined
      ? undefined
      : createBullQueue({ ...common, redis: queueOn(config.store.redis.url), role: config.role, laneOf: ownerOf });
  const queue: Queue = bull ?? createQueue({ ...common, leases: timing.leaseMs });
  /** that run */
  const deliveries = new Set<Promise<void>>();
  const reconcileRow = createDeliver({
    store,
    waiters,
    of: (shelf) => tenants.get(ownerOf(shelf))?.target(shelf),
    clock,
    timing,
    scheduler: queue,
    // after the answer was sent: no request waits for a log line
    onDelivery: (delivery) =>
      void setImmediate(() => {
        reportDelivery(delivery, log, metrics);
        tenants.get(delivery.tenant)?.delivered(delivery);
      }),
    onError: ({ tenant, id }, error) =>
      log.system('error', 'a row failed with an unexpected error; it is retried', { tenant, id, error }),
  });

  function deliver(key: Key, held?: HeldLease): Promise<void> {
    const delivery = reconcileRow(key, held).finally(() => deliveries.delete(delivery));
    deliveries.add(delivery);
    return delivery;
  }

  /** Only a running bridge has a heartbeat: an operator's command tries a write. */
  async function storeFailing(): Promise<string | undefined> {
    if (heart.lives()) return heart.failing();
    return store.setState('looked', clock()).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  }

  const entries = config.tenants.map((each): Entry => {
    const { instance, port } = zitadelOf(each);
    const made = createTenant({
      id: each.id,
      organization: each.organization ?? '',
      unique: { instance, externalId: each.uniqueExternalId },
      store,
      zitadel: port,
      deliver,
      waiters,
      scheduler: queue,
      clock,
      ids: randomUUID,
      timing,
      passwords: each.passwords,
      whenDown: each.whenDown,
      maxPending,
      protect: each.protect,
      onSync: (event) => options.onSync(each.id, event),
      onAvailable: () => pull(each.id),
      peers,
      durability,
      syncs: config.role !== 'api',
      groups: each.groups,
      uniqueDisplayName: each.uniqueDisplayName,
      storeFailing,
      onRules: (off, differs) => reportRules(each.id, off, differs, log),
    });
    tenants.set(each.id, made);
    connections.get(instance)?.breaker.onChange((open) => open || pull(each.id));
    return { config: each, made };
  });
  function pull(tenant: string): void {
    queue.pull(tenant);
    queue.pull(groupsOf(tenant));
  }
  const turns = createLock(kept, timing.leaseMs);
  const heart = createHeartbeat({
    store,
    clock,
    everyMs: timing.heartbeatMs,
    // looks for changes that could not be recorded meanwhile
    onRecovered: () => queue.at(clock()),
  });

  return {
    timing,
    entries,
    operators: new Map(entries.map(({ config: { id }, made }) => [id, made.operator])),
    queue,
    lost: () => lost,
    storeFailing: heart.failing,
    bull,
    async open(lives) {
      if ((await store.getState(COPYING)) !== undefined)
        throw new Error('a `scim-bridge store copy` to this Redis was cut off: run it again, or empty this Redis');
      for (const { made } of entries) await made.open();
      const last = await store.getState(HEARTBEAT);
      if (typeof last === 'number' && clock() - last > timing.holdAfterMs) await holdBack(clock() - last);
      if (lives) await heart.start();
    },
    async close() {
      isClosed = true;
      const stopped = Promise.all([...entries.map(({ made }) => made.stop()), queue.stop()]);
      // calls without an answer are cut off: they are in doubt, and the next start reads their outcome
      await within(stopped, LAST_CALLS);
      for (const connection of connections.values()) connection.close();
      await stopped;
      // records what requests sent, too: the next process need not wait until the row's lease expires
      await within(Promise.allSettled(deliveries), LAST_CALLS);
      await heart.stop();
      await store.close();
      leave();
    },
  };

  /** Rebuilds the rows from ZITADEL, starting empty. */
  async function rebuild(adoptStore: () => void): Promise<void> {
    if (isClosed) return;
    adoptStore();
    try {
      await Promise.all(entries.map(({ made }) => made.reopen()));
    } catch {
      await delay(REBUILD_AGAIN, undefined, { ref: false });
      await rebuild(adoptStore);
      return;
    }
    lost = undefined;
    reportLoss(undefined, log);
  }

  /** Stale changes, perhaps from a restored backup, are not delivered without an operator's decision. */
  async function holdBack(ms: number): Promise<void> {
    for (const { config: each, made } of entries) {
      const count = await made.hold();
      if (count === 0) continue;
      log.system('warn', 'the process was stopped for longer than HOLD_AFTER: its pending changes are on hold', {
        tenant: each.id,
        count,
        ms,
      });
    }
  }

  function connect(instance: string, url: string): Connection {
    const { maxInFlight } = config.zitadel;
    const connection = createConnection({
      url,
      maxInFlight,
      breaker: { probeMs: timing.probeMs, clock },
      ...(bull === undefined ? {} : { turn: (name, ms, work) => turns.within(`${instance} ${name}`, ms, work) }),
    });
    connections.set(instance, connection);
    metrics.breaker(instance, false);
    connection.breaker.onChange((open) => {
      metrics.breaker(instance, open);
      if (open) log.system('warn', 'ZITADEL does not answer: changes wait until it is back', { address: url });
      else log.system('info', 'ZITADEL is back: what waited is delivered', { address: url });
    });
    return connection;
  }

  function zitadelOf({ id, zitadel, organization }: TenantConfig) {
    if (zitadel === null || organization === null) throw new Error(`tenant ${id} has no ZITADEL`);
    const instance = config.sandbox ? 'sandbox' : zitadel.url.toLowerCase(); // the sandbox's port changes, names do not
    const connection = connections.get(instance) ?? connect(instance, zitadel.url);
    const { emailVerified, phoneVerified } = config.zitadel;
    const port = createZitadel({
      connection,
      organization,
      credential: zitadel.credential,
      emailVerified,
      phoneVerified,
      limits: { readMs: timing.readCallMs, writeMs: timing.writeCallMs },
      standingMs: timing.tokenCheckMs,
      onCall: ({ call, outcome, ms }) => metrics.call(call, outcome, ms),
    });
    return { instance, port };
  }
}

const queueOn = (url: string) => ({ url, connect: (rules: Rules) => connectAs(url, rules) });

const ownerOf = (shelf: string): string => tenantOf({ tenant: shelf });

interface Opened {
  readonly kept: Store;
  readonly peers: Peers;
  readonly durability: string | undefined;
  /** From now on this process is no longer one of the peers. */
  readonly leave: () => void;
  /** Accepts the store's content from now on, even if empty; undefined: lost data stays lost. */
  readonly adopt?: () => void;
}

/** The store, and the other processes on it. */
async function openStore(
  { config, log, clock, hook }: RoomsOptions,
  { answerWithinMs: answerWithin, redisCommand: commandTimeoutMs }: Timing,
  suspect: () => void,
  onLost: (loss: Loss | undefined) => void,
): Promise<Opened> {
  const tell = throttled((error) =>
    log.system('error', 'the store failed; writes are answered 503 until it works again', {
      error,
      setting: rootCause(error),
    }),
  );
  const onFailure = (error: unknown): void => {
    tell(error);
    suspect();
  };
  const onDamaged = (key: Key): void => reportDamaged(key, log);
  const { redis, dataDir, passwordKeys } = config.store;
  if (redis === undefined)
    return {
      kept: await createSqliteStore({
        directory: dataDir,
        clock,
        ...(hook === undefined ? {} : { hook }),
        // a request may wait for several commits
        deadlineMs: answerWithin / 3,
        onFailure,
        onLost,
        onDamaged,
      }),
      peers: ALONE,
      durability: undefined,
      leave: () => undefined,
    };
  const onWarning = (warning: string): void =>
    log.system('warn', 'Redis is set up in a way that loses data', { setting: warning });
  const kept = await createRedisStore({
    ...redis,
    passwordKeys,
    commandTimeoutMs,
    onFailure,
    onWarning,
    onLost,
    onDamaged,
  });
  const { text: durability } = kept.durability();
  log.system('info', 'the store is Redis', { setting: durability });
  const peers = createRedisPeers({ url: redis.url, commandTimeoutMs, onFailure });
  return { kept, peers, durability, leave: () => peers.close(), adopt: () => kept.adopt() };
}

/** Between two attempts to rebuild the rows, ms. */
const REBUILD_AGAIN = 1_000;

/** An outage is logged once per this interval, ms: every request meets it. */
const TOLD_AGAIN = 10_000;

function throttled(tell: (error: unknown) => void): (error: unknown) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - last < TOLD_AGAIN) return;
    last = performance.now();
    tell(error);
  };
}

/** How long running calls may take at shutdown, ms. */
const LAST_CALLS = 2_000;
