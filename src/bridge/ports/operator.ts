/** What an operator asks of one tenant: the admin room's port. Nothing here holds a secret; only `show` holds values. */
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
  /** when it is tried again; null: not by itself */
  readonly dueAt: number | null;
  readonly lastError: string | null;
  readonly blocked: string | null;
}

/** One fact of a row: what is asked (owed, held or dead), what was last confirmed, and what ZITADEL has. null: not set. */
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
  /** what is asked: create, edit or delete */
  readonly wish: Change['kind'] | null;
  /** facts on which the three do not agree; a password is never among them */
  readonly differences: readonly Comparison[];
}

/** The state of a tenant at a glance: no personal data. */
export interface TenantState {
  readonly tenant: string;
  readonly organization: string;
  readonly counts: Counts;
  /** when the oldest owed change was asked */
  readonly oldestOwed: number | undefined;
  /** ids of users and groups whose record in the store cannot be read, as far as it is known */
  readonly damaged: readonly string[];
  /** why nothing can be written to the store now; undefined: it can */
  readonly storeFailing: string | undefined;
  /** what an answered write survives, of a store that depends on how it is set up */
  readonly durability: string | undefined;
  /** why nothing is delivered now; undefined: deliveries go out */
  readonly shut:
    | { readonly kind: 'away' | 'limited' | 'blocked'; readonly reason: string; readonly since: number }
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

/** What a command did to how many rows, in words for the operator. */
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

/** Why a user has, is to get, or does not get a right. */
export interface ExplainedRight extends RightName {
  /** groups that give it by a rule in force; empty: none does */
  readonly groups: readonly { readonly id: string; readonly displayName: string; readonly rule: number }[];
  /** held as far as the bridge knows */
  readonly held: boolean;
  /** a rule names it: it is given and taken by the bridge. Else it is never touched */
  readonly managed: boolean;
  /** settled: as it should be. owed: on its way. dead: refused for good, see `reason`. kept: held by a membership nobody vouched for */
  readonly standing: 'settled' | 'owed' | 'dead' | 'kept';
  readonly reason?: string;
}

export interface Explanation {
  readonly id: string;
  readonly memberships: readonly {
    readonly id: string;
    /** undefined: there is no such group */
    readonly displayName: string | undefined;
    /** came by SCIM, import or `groups apply`: only these give new rights */
    readonly vouched: boolean;
    /** what is asked and not settled */
    readonly owed: 'add' | 'remove' | null;
  }[];
  /** groups that wait for this id to appear as a user */
  readonly pending: readonly string[];
  readonly rights: readonly ExplainedRight[];
  /** no rule gives or takes its rights: it stands under `protect`, or is the service user of the bridge */
  readonly protected: boolean;
  /** rules that match a group of this user and are off, with the reason */
  readonly off: readonly { readonly rule: number; readonly reason: string }[];
  /** why a step of this user is not permitted; a right may wait without it */
  readonly blocked: string | null;
}

/** A rule as it stands in bridge.yaml, with what became of it. */
export interface RuleStanding {
  /** 1-based place in the set */
  readonly rule: number;
  readonly text: string;
  /** ids of the groups it is bound to */
  readonly groups: readonly string[];
  /** why it gives nothing; undefined: it is in force */
  readonly off?: string;
}

export interface RulesState {
  /** the set in force */
  readonly rules: readonly RuleStanding[];
  /** the set in force is not the one in bridge.yaml: `groups apply` puts that in force */
  readonly differs: boolean;
  /** nobody has applied the set in force: it takes nothing away but what it gave itself */
  readonly first: boolean;
  /** read from ZITADEL and not confirmed: rights are kept, none are given, until SCIM writes the group or `groups apply` */
  readonly unconfirmed: readonly string[];
  /** an apply is under way, or was cut off: users looked at so far */
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
  /** What bridge.yaml would give and take, user by user. */
  plan(): AsyncIterable<PlannedUser>;
  /** Puts bridge.yaml in force: binds groups again, vouches for memberships that were read from ZITADEL, gives and takes. Goes on where a cut-off one stopped. */
  apply(
    onProgress: (progress: { readonly users: number; readonly changed: number }) => void,
    signal: AbortSignal,
  ): Promise<Done>;
}

/** All failures are BridgeError: 404 when there is no such row, 409 when there is nothing of that kind to be done, 503. */
export interface Operator {
  state(): Promise<TenantState>;
  /** Rows in one trouble ordered by id, from behind the id `after` on. */
  list(condition: Condition, limit: number, after?: string): Promise<readonly QueueEntry[]>;
  show(id: string): Promise<QueueDetail>;
  /** Dead letters become owed again, what waits is tried now. */
  retry(id: string): Promise<Done>;
  /** Dead letters and held changes are forgotten; of a record that cannot be read all of it, then it is read from ZITADEL. */
  drop(id: string): Promise<Done>;
  /** Held changes are sent. */
  release(id: string): Promise<Done>;
  /** A user that ZITADEL's reads have lost is deleted and created again under a new id, which is told. 409: it is not hidden. */
  recreate(id: string): Promise<Done>;
  /** Syncs now; resolves when that has finished. acceptRemovals: also users that are missing in great number are removed. */
  sync(options: { readonly acceptRemovals: boolean }): Promise<SyncEvent>;
  inspect(): Promise<Inspection>;
  readonly groups: GroupsOperator;
}
