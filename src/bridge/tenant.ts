/** One tenant at work: its view, users, guard, gate, sync, and what operators ask of it. */
import { BridgeError } from '../errors.ts';
import { createGate } from './gate.ts';
import { createGuard } from './guard.ts';
import { heldBack } from './held.ts';
import { createOperate } from './operate.ts';
import type { Operator, TenantState } from './operator.ts';
import type { Clock, Due, Ids, PasswordRules, Row, Store, Unique, Wake, Zitadel } from './ports.ts';
import type { Reconcile, Target } from './reconcile.ts';
import type { Settlements } from './settlements.ts';
import { reserveAgain } from './sync.ts';
import { createSyncLoop, type SyncEvent } from './sync-loop.ts';
import type { Timing } from './timing.ts';
import type { Users } from './use-cases.ts';
import { createUsers } from './users.ts';
import { createView } from './view.ts';
import type { Delivery } from './write-back.ts';
import { updateRow } from './writes.ts';

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
  readonly onSync: (event: SyncEvent) => void;
  /** calls are sent again after a pause */
  readonly onOpen: () => void;
}

export interface BridgeTenant {
  readonly users: Users;
  readonly target: Target;
  readonly operator: Operator;
  ready(): boolean;
  /** Notes a delivery for the status page. */
  delivered(delivery: Delivery): void;
  /** Throws OtherOrganization when the store holds the users of another one. To be called before anything is written. */
  open(): Promise<void>;
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
interface Kept {
  readonly instance: string;
  readonly organization: string;
  readonly externalId: boolean;
  /** when a sync last finished; null: never */
  readonly synced: number | null;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Deliveries that the status page shows. */
const MOST_DELIVERIES = 20;
/** Rows read at once, at the start. */
const AT_ONCE = 100;

const orphaned = (row: Row): Row => ({
  ...row,
  changes: row.changes.map((change) => (change.answered ? change : { ...change, orphan: true })),
});

export function createTenant(options: TenantOptions): BridgeTenant {
  const { id, organization, unique, store, zitadel, clock, timing, onSync } = options;
  const stateName = `tenant:${id}`;
  let synced: number | null = null;
  let rules: PasswordRules | undefined;
  let deliveries: TenantState['deliveries'] = [];

  const gate = createGate({ zitadel, clock, timing, onOpen: options.onOpen });
  const view = createView({ tenant: id, store, zitadel, unique, clock, timing, reconcile: options.reconcile });
  const guard = createGuard({ zitadel, protect: options.protect, clock, maxAge: timing.syncInterval });
  const passwordRules = (): PasswordRules => {
    if (rules !== undefined) return rules;
    throw new BridgeError(503, "the organization's password policy is not read yet; try again", { retryAfter: 5 });
  };
  const users = createUsers({
    ...options,
    tenant: id,
    view,
    gate,
    forbids: guard.forbids,
    passwordRules: options.passwords === 'set' ? passwordRules : undefined,
  });
  const keep = (): Promise<void> => store.setState(stateName, { ...unique, organization, synced } satisfies Kept);
  const loop = createSyncLoop({
    tenant: id,
    unique,
    store,
    zitadel,
    clock,
    timing,
    onSync,
    async prepare() {
      if (options.passwords === 'set') rules = await zitadel.passwordRules();
      await guard.refresh();
    },
    onFinished(at) {
      synced = at;
      return keep();
    },
  });
  const operator: Operator = {
    ...createOperate({
      ...options,
      tenant: id,
      async refresh(user) {
        await view.row(user, timing.believed).catch(() => undefined); // gone is an answer too
      },
    }),
    async state() {
      const [counts, oldestOwed, storeFailing] = await Promise.all([
        store.counts(id),
        store.oldestOwed(id),
        store.setState(`looked:${id}`, clock()).then(() => undefined, textOf),
      ]);
      const sync = { finished: loop.finished(), running: loop.running(), last: loop.last() };
      return { tenant: id, organization, counts, oldestOwed, storeFailing, shut: gate.shut(), sync, deliveries };
    },
    sync: ({ acceptRemovals }) => loop.now(acceptRemovals),
    inspect: () => zitadel.inspect(),
  };

  /** What a process was calling when it died may have been answered: an answer leaves before its record is on the disk. */
  async function adopt(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const rows = await store.troubled(id, 'doubt', AT_ONCE, after);
      if (rows.length === 0) return;
      await Promise.all(
        rows.filter(({ calling }) => calling !== null).map((row) => updateRow(store, unique, row, orphaned, true)),
      );
      after = rows.at(-1)?.id;
    }
  }

  return {
    users,
    operator,
    target: { zitadel, unique, bar: guard.bar, gate, whenDown: options.whenDown },
    ready: () => synced !== null,
    delivered(delivery) {
      deliveries = [{ ...delivery, at: clock() }, ...deliveries].slice(0, MOST_DELIVERIES);
    },
    async open() {
      const kept = (await store.getState(stateName)) as Kept | undefined;
      if (kept !== undefined && (kept.instance !== unique.instance || kept.organization !== organization))
        throw new OtherOrganization(
          `DATA_DIR holds the users of organization ${kept.organization} in ${kept.instance} for tenant ${id}: ` +
            'use another DATA_DIR, or remove this one; the view is made again from ZITADEL',
        );
      if (kept !== undefined && kept.externalId !== unique.externalId) await reserveAgain(store, id, unique);
      synced = kept?.synced ?? null;
      // on a full disk reading goes on
      if (kept === undefined) await keep();
      else await keep().catch(() => undefined);
      await adopt();
    },
    async hold() {
      let held = 0;
      let after: Due | undefined;
      for (;;) {
        const page = await store.due(id, Number.MAX_SAFE_INTEGER, AT_ONCE, after);
        after = page.at(-1);
        if (after === undefined) return held;
        await Promise.all(
          page.map(({ id: user }) => updateRow(store, unique, { tenant: id, id: user }, holdBack, true)),
        );
      }

      function holdBack(row: Row): Row {
        held += row.changes.length > 0 ? 1 : 0;
        return heldBack(row);
      }
    },
    start: () => loop.start(synced),
    async stop() {
      gate.stop();
      await loop.stop();
    },
  };
}
