/** One tenant at work: its view, users, guard and sync. */
import { BridgeError } from '../errors.ts';
import { createGuard } from './guard.ts';
import type { Clock, Ids, PasswordRules, Store, Unique, Zitadel } from './ports.ts';
import type { Reconcile, Target } from './reconcile.ts';
import type { Settlements } from './settlements.ts';
import { forgetTombstones, type Progress, reserveAgain, type Removal, sweep } from './sync.ts';
import type { Timing } from './timing.ts';
import type { Users } from './use-cases.ts';
import { createUsers } from './users.ts';
import { createView } from './view.ts';

export interface TenantOptions {
  readonly id: string;
  /** the organization its users live in */
  readonly organization: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  readonly passwords: 'ignore' | 'set';
  /** ids that the operator protects */
  readonly protect: readonly string[];
  readonly onSync: (event: SyncEvent) => void;
}

export type SyncEvent =
  | ({ readonly kind: 'progress' } & Progress)
  | ({ readonly kind: 'finished'; readonly ms: number } & Progress & Removal)
  | { readonly kind: 'failed'; readonly reason: string }
  /** one user could not be taken over; the others go on */
  | { readonly kind: 'skipped'; readonly id: string; readonly error: unknown };

export interface BridgeTenant {
  readonly users: Users;
  readonly target: Target;
  ready(): boolean;
  /**
   * Syncs now and then every SYNC_INTERVAL; the first one is repeated until it succeeds.
   * Throws OtherOrganization when the store holds the users of another one.
   */
  start(): Promise<void>;
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

/** Pause before a failed first sync is tried again, ms. */
const SYNC_AGAIN = 5_000;

export function createTenant(options: TenantOptions): BridgeTenant {
  const { id, organization, unique, store, zitadel, clock, timing, onSync } = options;
  const stateName = `tenant:${id}`;
  let synced: number | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let syncing: Promise<void> | undefined;
  let rules: PasswordRules | undefined;

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
    passwordRules: options.passwords === 'set' ? passwordRules : undefined,
  });

  const keep = (): Promise<void> => store.setState(stateName, { ...unique, organization, synced } satisfies Kept);

  async function syncOnce(): Promise<void> {
    const began = clock();
    if (options.passwords === 'set') rules = await zitadel.passwordRules();
    await guard.refresh();
    const result = await sweep({
      tenant: id,
      unique,
      store,
      zitadel,
      clock,
      onProgress: (progress) => onSync({ kind: 'progress', ...progress }),
      onSkipped: (user, error) => onSync({ kind: 'skipped', id: user, error }),
      stopped: () => stopped,
    });
    if (stopped) return;
    synced = clock();
    await keep();
    await forgetTombstones(store, id, unique, clock() - 2 * timing.syncInterval);
    onSync({ kind: 'finished', ms: clock() - began, ...result });
  }

  async function syncAndWait(): Promise<void> {
    let pause = timing.syncInterval;
    try {
      await syncOnce();
    } catch (error) {
      if (stopped) return;
      if (synced === null) pause = SYNC_AGAIN;
      onSync({ kind: 'failed', reason: error instanceof Error ? error.message : 'unexpected' });
    }
    if (!stopped) timer = setTimeout(sync, pause);
  }

  function sync(): void {
    syncing = syncAndWait();
  }

  return {
    users,
    target: { zitadel, unique, bar: guard.bar },
    ready: () => synced !== null,
    async start() {
      const kept = (await store.getState(stateName)) as Kept | undefined;
      if (kept !== undefined && (kept.instance !== unique.instance || kept.organization !== organization))
        throw new OtherOrganization(
          `DATA_DIR holds the users of organization ${kept.organization} in ${kept.instance} for tenant ${id}: ` +
            'use another DATA_DIR, or remove this one; the view is made again from ZITADEL',
        );
      if (kept !== undefined && kept.externalId !== unique.externalId) await reserveAgain(store, id, unique);
      synced = kept?.synced ?? null;
      await keep();
      sync();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await syncing;
    },
  };
}
