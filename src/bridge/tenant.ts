/** One tenant at work: its view, users, guard, gate, sync, and what operators ask of it. */
import { BridgeError } from '../errors.ts';
import { createGate, type Gate } from './gate.ts';
import { createGuard } from './guard.ts';
import { createExclusive } from './exclusive.ts';
import { createDirectory } from './groups/directory.ts';
import { createTenantGroups, type GroupsConfig } from './groups/tenant-groups.ts';
import { usersThenGroups } from './groups/users-then-groups.ts';
import { createHandOver } from './hand-over.ts';
import { adoptAll, bringNear, holdAll, leftLeaving, type Shelf } from './left-behind.ts';
import { createOperate } from './operate.ts';
import type { Operator, TenantState } from './operator.ts';
import { ALONE, type Peers } from './peers.ts';
import type { Clock, Counts, Ids, PasswordRules, Store, Unique, Wake, Write, Zitadel } from './ports.ts';
import type { Reconcile, Target } from './reconcile.ts';
import { createScanLine } from './scan-line.ts';
import { createRecreate } from './recreate.ts';
import type { Settlements } from './settlements.ts';
import { groupsOf } from './shelves.ts';
import { reserveAgain } from './sync.ts';
import { createSyncLoop, type SyncEvent } from './sync-loop.ts';
import type { Timing } from './timing.ts';
import type { Groups, Users } from './use-cases.ts';
import { createUsers } from './users.ts';
import { createView } from './view.ts';
import type { Delivery } from './write-back.ts';

export type { SyncEvent };

export interface TenantOptions {
  readonly id: string;
  /** the organization its users live in */
  readonly organization: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  readonly passwords: 'ignore' | 'set';
  readonly whenDown: 'accept' | 'refuse';
  /** rows that may owe something at once */
  readonly owedMax: number;
  /** ids that the operator protects */
  readonly protect: readonly string[];
  /** what an answered write survives, for operators */
  readonly durability?: string | undefined;
  /** other processes on the same store; absent: none */
  readonly peers?: Peers;
  /** false: other processes sync, this one only asks whether they have */
  readonly syncs?: boolean;
  readonly groups: GroupsConfig;
  readonly uniqueDisplayName: boolean;
  /** rules that give nothing, by place, with the reason; told again when that changes */
  readonly onRules: (off: ReadonlyMap<number, string>, differs: boolean) => void;
  readonly onSync: (event: SyncEvent) => void;
  /** why the store cannot be written; undefined: it can. Asked at every look at the state: cheap */
  readonly storeFailing: () => Promise<string | undefined>;
  /** calls are sent again after a pause */
  readonly onOpen: () => void;
}

export interface BridgeTenant {
  readonly users: Users;
  readonly groups: Groups;
  /** what the rows of its users, or of its groups, are delivered to */
  target(shelf: string): Target;
  /** To be called for every row that was written. */
  written(write: Write): void;
  gate(): Gate;
  readonly operator: Operator;
  ready(): boolean;
  /** Notes a delivery for the status page. */
  delivered(delivery: Delivery): void;
  /** Throws OtherOrganization when the store holds the users of another one. To be called before anything is written. */
  open(): Promise<void>;
  /** The store lost its rows: nothing is served until a first sync has read them again. */
  reopen(): Promise<void>;
  /** Holds back what is owed: the process slept long, perhaps the store was restored. The number of rows. */
  hold(): Promise<number>;
  /** Syncs now and then every SYNC_INTERVAL; the first one is repeated until it succeeds. */
  start(): void;
  /** Resolves when no sync runs any more. */
  stop(): Promise<void>;
}

/** The rows of the store belong to another ZITADEL or organization: they must not be mixed. */
class OtherOrganization extends Error {
  readonly code = 'OTHER_ORGANIZATION';
}

/** What is kept of a tenant beside its rows. */
export interface Kept {
  readonly instance: string;
  readonly organization: string;
  readonly externalId: boolean;
  /** memberships are in the index; absent: the store is from before there were groups */
  readonly members?: true;
  /** when a sync last finished; null: never */
  readonly synced: number | null;
}

/** Deliveries that the status page shows. */
const MOST_DELIVERIES = 20;

const sum = (one: Counts, other: Counts): Counts => ({
  rows: one.rows + other.rows,
  owed: one.owed + other.owed,
  doubt: one.doubt + other.doubt,
  dead: one.dead + other.dead,
  held: one.held + other.held,
  blocked: one.blocked + other.blocked,
  hidden: one.hidden + other.hidden,
});

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

export function createTenant(options: TenantOptions): BridgeTenant {
  const { id, organization, unique, store, zitadel, clock, timing, onSync } = options;
  const peers = options.peers ?? ALONE;
  const stateName = `tenant:${id}`;
  let synced: number | null = null;
  let rules: PasswordRules | undefined;
  let deliveries: TenantState['deliveries'] = [];

  const gate = createGate({ ...options, tenant: id, peers });
  const directory = createDirectory(id, store);
  const nameOf = (group: string): string | undefined => directory.find(group)?.displayName;
  const scans = createScanLine(timing.answerWithin);
  const view = createView({ ...options, tenant: id, nameOf, scans });
  const exclusive = createExclusive(store, timing.lease);
  const guard = createGuard({ ...options, tenant: id, peers, exclusive });
  const passwordRules = (): PasswordRules => {
    if (rules !== undefined) return rules;
    throw new BridgeError(503, "the organization's password policy is not read yet; try again", { retryAfter: 5 });
  };
  const handOver = createHandOver({ ...options, gate, forbids: guard.forbids });
  const users = createUsers({
    ...options,
    tenant: id,
    view,
    handOver,
    nameOf,
    passwordRules: options.passwords === 'set' ? passwordRules : undefined,
  });
  const groups = createTenantGroups({
    ...options,
    view,
    gate,
    directory,
    scans,
    exclusive,
    peers,
    handOver,
    config: options.groups,
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
    // of one that died the next one takes over soon; losing the turn does no harm
    exclusive: createExclusive(store, timing.lease / 2),
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
      createOperate({
        ...options,
        tenant: id,
        async refresh(user) {
          await view.row(user, timing.believed).catch(() => undefined); // gone is an answer too
        },
      }),
      groups.operate,
    ),
    groups: groups.operator,
    recreate: createRecreate({ ...options, tenant: id, forbids: guard.forbids }),
    async state() {
      const [counts, oldestOwed, damaged, storeFailing] = await Promise.all([
        Promise.all([store.counts(id), store.counts(groupsOf(id))]).then(([own, other]) => ({
          ...sum(own, other),
          rows: own.rows,
        })),
        Promise.all(shelves.map(({ name }) => store.oldestOwed(name))).then(earliest),
        Promise.all(shelves.map(({ name }) => store.damaged(name))).then((ids) => ids.flat()),
        options.storeFailing(),
      ]);
      const sync = { finished: loop.finished() ?? synced, running: loop.running(), last: loop.last() };
      return {
        tenant: id,
        organization,
        counts,
        oldestOwed,
        damaged,
        storeFailing,
        durability: options.durability,
        shut: gate.shut(),
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
    bar: guard.bar,
    inTurn: guard.inTurn,
    gate,
    whenDown: options.whenDown,
    rules: groups.book,
    async rolesOf(project) {
      const found = await zitadel.catalogue([project]).catch(() => undefined); // then they are refused as they are
      return found?.projects.get(project);
    },
  };

  const tenant: BridgeTenant = {
    users,
    groups: groups.groups,
    operator,
    target: (shelf) => (shelf === id ? target : groups.target),
    written: groups.written,
    gate: () => gate,
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
      // on a full disk reading goes on
      if (before === undefined) await keep();
      else await keep().catch(() => undefined);
      for (const shelf of shelves) {
        await adoptAll(store, shelf, timing);
        await bringNear(store, shelf, timing, clock());
      }
      for await (const { id: user } of leftLeaving(store, id)) guard.mayLeave(user);
      await groups.open();
    },
    async hold() {
      let held = 0;
      for (const shelf of shelves) held += await holdAll(store, shelf);
      return held;
    },
    async reopen() {
      synced = null;
      // one that runs may still say that it has finished
      await loop.idle();
      synced = null;
      await tenant.open();
      loop.start(synced);
    },
    start: () => loop.start(synced),
    async stop() {
      gate.stop();
      await loop.stop();
      await groups.stop();
    },
  };
  return tenant;
}
