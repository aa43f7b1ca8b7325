/** One tenant at work: its view, users and sync. */
import { BridgeError } from '../errors.ts';
import { createView } from './view.ts';
import { createUsers } from './users.ts';
import { forgetTombstones, type Progress, type Removal, sweep } from './sync.ts';
import type { Clock, Ids, PasswordRules, Store, Unique, Zitadel } from './ports.ts';
import type { Guard, Reconcile, Target } from './reconcile.ts';
import type { Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';
import type { Users } from './use-cases.ts';

export interface TenantOptions {
  readonly id: string;
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
  | { readonly kind: 'failed'; readonly reason: string };

export interface BridgeTenant {
  readonly users: Users;
  readonly target: Target;
  ready(): boolean;
  /** Syncs now and then every SYNC_INTERVAL; the first one is repeated until it succeeds. */
  start(): Promise<void>;
  stop(): void;
}

/** Facts of a protected user that SCIM may not touch; DELETE is barred too. */
const PROTECTED_FACTS = new Set(['username', 'email', 'phone', 'password', 'state']);
/** Pause before a failed sync is tried again, ms. */
const SYNC_AGAIN = 5_000;

export function createTenant(options: TenantOptions): BridgeTenant {
  const { id, unique, store, zitadel, clock, timing, onSync } = options;
  const stateName = `sync:${id}`;
  let finished = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let rules: PasswordRules | undefined;
  let guarded: { readonly ids: ReadonlyMap<string, string>; readonly at: number } | undefined;

  const view = createView({ tenant: id, store, zitadel, unique, clock, timing, reconcile: options.reconcile });
  const passwordRules = (): PasswordRules => {
    if (rules === undefined)
      throw new BridgeError(503, "The organization's password policy is not read yet; try again later", {
        retryAfter: 5,
      });
    return rules;
  };
  const users = createUsers({
    ...options,
    tenant: id,
    view,
    passwordRules: options.passwords === 'set' ? passwordRules : undefined,
  });

  /** Who must not be locked out, read again when older than one SYNC_INTERVAL. */
  async function protectedIds(): Promise<ReadonlyMap<string, string>> {
    if (guarded === undefined || clock() - guarded.at > timing.syncInterval)
      guarded = { ids: await zitadel.protectedIds(), at: clock() };
    return guarded.ids;
  }

  const guard: Guard = async (user, step) => {
    const touches = step.after === null || step.names.some((name) => PROTECTED_FACTS.has(name));
    if (step.call === 'CreateUser' || !touches) return undefined;
    let reason = options.protect.includes(user) ? 'it is listed under `protect`' : undefined;
    try {
      reason ??= (await protectedIds()).get(user);
    } catch (error) {
      return { kind: 'retry', definite: true, reason: error instanceof BridgeError ? error.message : 'unexpected' };
    }
    if (reason === undefined) return undefined;
    const told = `This user is protected (${reason}): userName, e-mail, phone, password, active and DELETE are refused; change them in ZITADEL`;
    return { kind: 'refused', error: new BridgeError(403, told) };
  };

  async function syncOnce(): Promise<void> {
    const began = clock();
    if (options.passwords === 'set') rules = await zitadel.passwordRules();
    guarded = { ids: await zitadel.protectedIds(), at: clock() };
    const onProgress = (progress: Progress): void => onSync({ kind: 'progress', ...progress });
    const result = await sweep({ tenant: id, unique, store, zitadel, clock, onProgress });
    await store.setState(stateName, { finished: clock() });
    await forgetTombstones(store, id, unique, clock() - 2 * timing.syncInterval);
    finished = true;
    onSync({ kind: 'finished', ms: clock() - began, ...result });
  }

  async function syncAndWait(): Promise<void> {
    let pause = timing.syncInterval;
    try {
      await syncOnce();
    } catch (error) {
      pause = finished ? timing.syncInterval : SYNC_AGAIN;
      onSync({ kind: 'failed', reason: error instanceof BridgeError ? error.message : 'unexpected' });
    }
    if (!stopped) timer = setTimeout(() => void syncAndWait(), pause);
  }

  return {
    users,
    target: { zitadel, unique, guard },
    ready: () => finished,
    async start() {
      finished = (await store.getState(stateName)) !== undefined;
      void syncAndWait();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
