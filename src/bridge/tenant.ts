/** One tenant: its view, users, protected users, availability, sync, and operator actions. */
import { BridgeError } from '../errors.ts';
import { sum } from '../store/conditions.ts';
import { createTenantAvailability, type TenantAvailability } from './delivery/tenant-availability.ts';
import { createProtectedUsers } from './delivery/protected-users.ts';
import { createLock } from './delivery/exclusive.ts';
import { createDirectory } from './groups/directory.ts';
import { createTenantGroups, type GroupsConfig } from './groups/tenant-groups.ts';
import { usersThenGroups } from './operator/users-then-groups.ts';
import { createBacklogLimit } from './requests/backlog-limit.ts';
import type { RequestContext } from './requests/context.ts';
import { recoverInFlight, bringNear, putAllOnHold, leftLeaving, type Shelf } from './sync/recovery.ts';
import { createQueueActions } from './operator/queue-actions.ts';
import type { Operator, TenantState } from './ports/operator.ts';
import { ALONE, type Peers } from './ports/peers.ts';
import type { Clock, Ids } from './ports/context.ts';
import type { Store, Write } from './ports/store.ts';
import type { PasswordRules, Zitadel } from './ports/zitadel.ts';
import type { Unique } from './row/types.ts';
import type { Scheduler } from './ports/scheduler.ts';
import type { Deliver, Target } from './delivery/target.ts';
import { createScanLine } from './requests/scan-queue.ts';
import { createRecreate } from './operator/recreate-user.ts';
import type { Waiters } from './delivery/waiters.ts';
import { groupsOf } from './row/kinds.ts';
import { reserveAgain } from './sync/sweep.ts';
import { createSyncLoop, type SyncEvent } from './sync/loop.ts';
import type { Timing } from './timing.ts';
import type { Groups, Users } from './requests/use-cases.ts';
import { createUsers } from './requests/users.ts';
import { readUser, type UserView } from './requests/read-users.ts';
import { createReplays } from './requests/replay.ts';
import { holderOf } from './requests/unique-names.ts';
import type { UserContext } from './requests/user-context.ts';
import type { Delivery } from './delivery/context.ts';

export type { SyncEvent };

export interface TenantOptions {
  readonly id: string;
  /** the organization its users live in */
  readonly organization: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly deliver: Deliver;
  readonly waiters: Waiters;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  readonly passwords: 'ignore' | 'set';
  readonly whenDown: 'accept' | 'refuse';
  /** rows that may have pending changes now */
  readonly maxPending: number;
  /** ids that the operator protects */
  readonly protect: readonly string[];
  /** what an acknowledged write survives, for operators */
  readonly durability?: string | undefined;
  /** other processes on the same store; absent: none */
  readonly peers?: Peers;
  /** false: other processes sync, and this one only checks whether they have finished */
  readonly syncs?: boolean;
  readonly groups: GroupsConfig;
  readonly uniqueDisplayName: boolean;
  /** rules that grant nothing, by place, with the reason; called again when that changes */
  readonly onRules: (off: ReadonlyMap<number, string>, differs: boolean) => void;
  readonly onSync: (event: SyncEvent) => void;
  /** why the store cannot be written; undefined: it can. Read with every status: must be cheap */
  readonly storeFailing: () => Promise<string | undefined>;
  /** calls are sent again after a pause */
  readonly onAvailable: () => void;
}

export interface BridgeTenant {
  readonly users: Users;
  readonly groups: Groups;
  /** the delivery targets of its user rows and its group rows */
  target(shelf: string): Target;
  /** Call this for every row that was written. */
  written(write: Write): void;
  availability(): TenantAvailability;
  readonly operator: Operator;
  ready(): boolean;
  /** Notes a delivery for the status page. */
  delivered(delivery: Delivery): void;
  /** Throws OtherOrganization if the store holds users of another one. Call it before anything is written. */
  open(): Promise<void>;
  /** The store lost its rows: nothing is served until a first sync has read them again. */
  reopen(): Promise<void>;
  /** Puts pending changes on hold after a long downtime: the store may have been restored. Returns the row count. */
  hold(): Promise<number>;
  /** Syncs every SYNC_INTERVAL; the first sync is repeated until it succeeds. */
  start(): void;
  /** Resolves when no sync is running any more. */
  stop(): Promise<void>;
}

/** The rows of the store belong to another ZITADEL or organization and must not be mixed with these. */
class OtherOrganization extends Error {
  readonly code = 'OTHER_ORGANIZATION';
}

/** What is stored for a tenant beside its rows. */
export interface Kept {
  readonly instance: string;
  readonly organization: string;
  readonly externalId: boolean;
  /** memberships are indexed; absent: the store predates groups */
  readonly members?: true;
  /** when a sync last finished; null: never */
  readonly synced: number | null;
}

/** Deliveries that the status page shows. */
const MOST_DELIVERIES = 20;

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const confirmed = times.filter((time) => time !== undefined);
  return confirmed.length === 0 ? undefined : Math.min(...confirmed);
};

export function createTenant(options: TenantOptions): BridgeTenant {
  const { id, organization, unique, store, zitadel, clock, timing, onSync } = options;
  const peers = options.peers ?? ALONE;
  const stateName = `tenant:${id}`;
  let synced: number | null = null;
  let rules: PasswordRules | undefined;
  let deliveries: TenantState['deliveries'] = [];

  const availability = createTenantAvailability({ ...options, tenant: id, peers });
  const directory = createDirectory(id, store);
  const nameOf = (group: string): string | undefined => directory.find(group)?.displayName;
  const lock = createLock(store, timing.leaseMs);
  const guard = createProtectedUsers({ ...options, tenant: id, peers, lock });
  const passwordRules = (): PasswordRules => {
    if (rules !== undefined) return rules;
    throw new BridgeError(503, "the organization's password policy is not read yet; try again", { retryAfter: 5 });
  };
  const requests: RequestContext = {
    tenant: id,
    store,
    deliver: options.deliver,
    waiters: options.waiters,
    availability,
    whenDown: options.whenDown,
    peers,
    scheduler: options.scheduler,
    clock,
    ids: options.ids,
    timing,
  };
  const view: UserView = { requests, unique, zitadel, refreshing: new Map() };
  const users: UserContext = {
    requests,
    unique,
    view,
    hasRoom: createBacklogLimit(store, options.maxPending, clock),
    refusalFor: guard.refusalFor,
    holderOf: (holder, name, deadline) => holderOf(view, holder, name, deadline),
    replays: createReplays(requests, unique),
    scans: createScanLine(timing.answerWithinMs),
    nameOf,
    passwordRules: options.passwords === 'set' ? passwordRules : undefined,
  };
  const groups = createTenantGroups({
    users,
    uniqueDisplayName: options.uniqueDisplayName,
    config: options.groups,
    lock,
    directory,
    spares: guard.spares,
    onOff: (off) => options.onRules(off, groups.book.differs()),
  });
  const shelves: readonly Shelf[] = [
    { name: id, unique },
    { name: groupsOf(id), unique: groups.target.unique },
  ];
  const kept = async (): Promise<Kept | undefined> => (await store.getState(stateName)) as Kept | undefined;
  const keep = (): Promise<void> =>
    store.setState(stateName, { ...unique, organization, synced, members: true } satisfies Kept);
  const loop = createSyncLoop({
    tenant: id,
    unique,
    store,
    zitadel,
    clock,
    timing,
    onSync,
    async refresh() {
      if (options.passwords === 'set') rules = await zitadel.passwordRules();
      await guard.refresh();
      await groups.refresh();
    },
    prepare: groups.prepare,
    leads: options.syncs ?? true,
    // if a process dies, the next one takes over soon; losing the turn is harmless
    lock: createLock(store, timing.leaseMs / 2),
    async lastFinished() {
      const at = (await kept())?.synced ?? null;
      synced ??= at;
      return at;
    },
    conclude: groups.conclude,
    onFinished(at) {
      synced = at;
      return keep();
    },
  });
  const operator: Operator = {
    ...usersThenGroups(
      store,
      groupsOf(id),
      createQueueActions({
        ...options,
        tenant: id,
        async refresh(user) {
          await readUser(view, user, timing.believedMs).catch(() => undefined); // a missing user is a result too
        },
      }),
      groups.operate,
    ),
    groups: groups.operator,
    recreate: createRecreate({ ...options, tenant: id, refusalFor: guard.refusalFor }),
    async state() {
      const [counts, oldestPending, damaged, storeFailing] = await Promise.all([
        Promise.all([store.counts(id), store.counts(groupsOf(id))]).then(([own, other]) => ({
          ...sum(own, other),
          rows: own.rows,
        })),
        Promise.all(shelves.map(({ name }) => store.oldestPending(name))).then(earliest),
        Promise.all(shelves.map(({ name }) => store.damaged(name))).then((ids) => ids.flat()),
        options.storeFailing(),
      ]);
      const sync = { finished: loop.finished() ?? synced, running: loop.running(), last: loop.last() };
      return {
        tenant: id,
        organization,
        counts,
        oldestPending,
        damaged,
        storeFailing,
        durability: options.durability,
        unavailable: availability.unavailable(),
        sync,
        deliveries,
      };
    },
    sync: ({ acceptRemovals }) => loop.now(acceptRemovals),
    inspect: () => zitadel.inspect(),
  };

  const target: Target = {
    zitadel,
    unique,
    checkProtection: guard.checkProtection,
    withOwnerLock: guard.withOwnerLock,
    availability,
    whenDown: options.whenDown,
    rules: groups.book,
    async rolesOf(project) {
      const found = await zitadel.catalogue([project]).catch(() => undefined); // then ZITADEL checks them
      return found?.projects.get(project);
    },
  };

  const tenant: BridgeTenant = {
    users: createUsers(users),
    groups: groups.groups,
    operator,
    target: (shelf) => (shelf === id ? target : groups.target),
    written: groups.written,
    availability: () => availability,
    ready: () => synced !== null,
    delivered(delivery) {
      deliveries = [{ ...delivery, at: clock() }, ...deliveries].slice(0, MOST_DELIVERIES);
    },
    async open() {
      const before = await kept();
      if (before !== undefined && (before.instance !== unique.instance || before.organization !== organization))
        throw new OtherOrganization(
          `the store holds the users of organization ${before.organization} in ${before.instance} for tenant ${id}: ` +
            'use another one (DATA_DIR, or REDIS_URL), or empty this one; the view is made again from ZITADEL',
        );
      const isOld = before !== undefined && (before.externalId !== unique.externalId || before.members !== true);
      if (isOld) await reserveAgain(store, id, unique);
      synced = before?.synced ?? null;
      // on a full disk, reads continue
      if (before === undefined) await keep();
      else await keep().catch(() => undefined);
      for (const shelf of shelves) {
        await recoverInFlight(store, shelf, timing);
        await bringNear(store, shelf, timing, clock());
      }
      for await (const { id: user } of leftLeaving(store, id)) guard.mayLeave(user);
      await groups.open();
    },
    async hold() {
      let held = 0;
      for (const shelf of shelves) held += await putAllOnHold(store, shelf);
      return held;
    },
    async reopen() {
      synced = null;
      // a running sync may still record that it has finished
      await loop.idle();
      synced = null;
      await tenant.open();
      loop.start(synced);
    },
    start: () => loop.start(synced),
    async stop() {
      availability.stop();
      await loop.stop();
      await groups.stop();
    },
  };
  return tenant;
}
