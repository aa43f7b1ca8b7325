/** An operator's actions on one tenant: the admin port. It returns no secrets; only `show` returns values. */
import type { SyncEvent } from '../sync/loop.ts';
import type { Change, DeadLetter } from '../row/types.ts';
import type { Counts, Condition } from './store.ts';
import type { Inspection } from './zitadel.ts';
import type { Delivery } from '../delivery/context.ts';

/** A change without its values. */
export interface ChangeSummary extends Pick<Change, 'revision' | 'kind' | 'acknowledged' | 'who' | 'txn' | 'at'> {
  /** names of the facts */
  readonly facts: readonly string[];
  readonly onHold: boolean;
}

/** A dead letter without its values. */
export interface DeadLetterSummary extends Omit<DeadLetter, 'facts'> {
  readonly facts: readonly string[];
}

/** A row that an operator may have to look at. Times in ms since 1970. */
export interface QueueEntry {
  /** of a group `<tenant>:groups` */
  readonly tenant: string;
  readonly id: string;
  readonly conditions: readonly Condition[];
  readonly pending: readonly ChangeSummary[];
  readonly deadLetters: readonly DeadLetterSummary[];
  readonly attempts: number;
  /** next attempt; null: none is scheduled */
  readonly dueAt: number | null;
  readonly lastError: string | null;
  readonly blocked: string | null;
}

/**
 * One fact of a row: the requested value (pending, on hold or a dead letter), the value last confirmed, and what
 * ZITADEL has. null: not set.
 */
export interface Comparison {
  readonly fact: string;
  readonly asked: string | null;
  readonly known: string | null;
  /** undefined: ZITADEL could not be read */
  readonly zitadel: string | null | undefined;
}

export interface QueueDetail extends QueueEntry {
  /** found, gone, hidden (its commands know the user, its reads do not), or why it could not be read */
  readonly zitadel: string;
  /** what is requested: create, edit or delete */
  readonly wish: Change['kind'] | null;
  /** facts on which the three differ; a password is never among them */
  readonly differences: readonly Comparison[];
}

/** The state of a tenant at a glance: no personal data. */
export interface TenantState {
  readonly tenant: string;
  readonly organization: string;
  readonly counts: Counts;
  /** when the oldest pending change was asked */
  readonly oldestPending: number | undefined;
  /** ids of users and groups whose record in the store is known to be unreadable */
  readonly damaged: readonly string[];
  /** why nothing can be written to the store now; undefined: it can be written */
  readonly storeFailing: string | undefined;
  /** what an acknowledged write survives, for a store where that depends on its configuration */
  readonly durability: string | undefined;
  /** why nothing is delivered now; undefined: ZITADEL is available */
  readonly unavailable:
    | { readonly kind: 'unreachable' | 'rateLimited' | 'suspended'; readonly reason: string; readonly since: number }
    | undefined;
  readonly sync: {
    /** when one last finished; null: never */
    readonly finished: number | null;
    readonly running: boolean;
    readonly last: SyncEvent | undefined;
  };
  /** the last deliveries, newest first */
  readonly deliveries: readonly (Delivery & { readonly at: number })[];
}

/** What a command did, in words for the operator, and to how many rows. */
export interface Done {
  readonly rows: number;
  readonly told: string;
}

/** A right as operators name it. */
export interface RightName {
  /** null: a role in the organization */
  readonly project: string | null;
  readonly role: string;
}

/** Why a user has, will get, or does not get a right. */
export interface ExplainedRight extends RightName {
  /** groups that grant it by a rule in force; empty: none does */
  readonly groups: readonly { readonly id: string; readonly displayName: string; readonly rule: number }[];
  /** present as far as the bridge knows */
  readonly held: boolean;
  /** a rule names it: the bridge grants and revokes it. Otherwise it is never touched */
  readonly managed: boolean;
  /**
   * settled: as wanted. pending: not applied yet. dead-letter: refused for good, see `reason`. kept: by a membership
   * that is not trusted
   */
  readonly standing: 'settled' | 'pending' | 'dead-letter' | 'kept';
  readonly reason?: string;
}

export interface Explanation {
  readonly id: string;
  readonly memberships: readonly {
    readonly id: string;
    /** undefined: there is no such group */
    readonly displayName: string | undefined;
    /** came by SCIM, import or `groups apply`: only these grant new rights */
    readonly trusted: boolean;
    readonly pending: 'add' | 'remove' | null;
  }[];
  /** groups that wait for a user with this id */
  readonly unresolved: readonly string[];
  readonly rights: readonly ExplainedRight[];
  /** no rule grants or revokes its rights: it is listed under `protect`, or is the service user of the bridge */
  readonly protected: boolean;
  /** rules that match a group of this user and are off, with the reason */
  readonly off: readonly { readonly rule: number; readonly reason: string }[];
  /** why a change to this user is not permitted; a right may also be pending without it */
  readonly blocked: string | null;
}

/** A rule of bridge.yaml with its state. */
export interface RuleStanding {
  /** 1-based place in the set */
  readonly rule: number;
  readonly text: string;
  /** ids of the groups it is bound to */
  readonly groups: readonly string[];
  /** why it grants nothing; undefined: it is in force */
  readonly off?: string;
}

export interface RulesState {
  /** the set in force */
  readonly rules: readonly RuleStanding[];
  /** the set in force is not the one in bridge.yaml: `groups apply` puts that in force */
  readonly differs: boolean;
  /** the set in force was never applied by `groups apply`: it revokes only what it granted itself */
  readonly first: boolean;
  /** read from ZITADEL and not trusted: rights are kept, none granted, until SCIM writes the group or `groups apply` */
  readonly unconfirmed: readonly string[];
  /** an apply is running, or was interrupted: users evaluated so far */
  readonly applying: { readonly users: number } | null;
}

/** What `groups apply` would change for one user. */
export interface PlannedUser {
  readonly id: string;
  readonly add: readonly RightName[];
  readonly remove: readonly RightName[];
}

export interface GroupsOperator {
  state(): Promise<RulesState>;
  /** 404: no such user. */
  explain(user: string): Promise<Explanation>;
  /** What bridge.yaml would grant and revoke, user by user. */
  plan(): AsyncIterable<PlannedUser>;
  /**
   * Activates bridge.yaml: binds groups again, trusts memberships that were read from ZITADEL, grants and revokes.
   * Resumes an interrupted run.
   */
  apply(
    onProgress: (progress: { readonly users: number; readonly changed: number }) => void,
    signal: AbortSignal,
  ): Promise<Done>;
}

/** All failures are BridgeError: 404 when there is no such row, 409 when there is nothing to do, 503. */
export interface Operator {
  state(): Promise<TenantState>;
  /** Rows in one condition ordered by id, from behind the id `after` on. */
  list(condition: Condition, limit: number, after?: string): Promise<readonly QueueEntry[]>;
  show(id: string): Promise<QueueDetail>;
  /** Dead letters are requeued, pending changes are tried now. */
  retry(id: string): Promise<Done>;
  /** Discards dead letters and changes on hold; an unreadable record is discarded whole and read from ZITADEL again. */
  drop(id: string): Promise<Done>;
  /** Sends changes that are on hold. */
  release(id: string): Promise<Done>;
  /** Deletes a hidden user and creates it again under a new id, which is reported. 409: it is not hidden. */
  recreate(id: string): Promise<Done>;
  /** Syncs now; resolves when finished. acceptRemovals: removes users even when unusually many are missing. */
  sync(options: { readonly acceptRemovals: boolean }): Promise<SyncEvent>;
  inspect(): Promise<Inspection>;
  readonly groups: GroupsOperator;
}
