/** What an operator asks of one tenant: the admin room's port. Nothing here holds a secret; only `show` holds values. */
import type { SyncEvent } from './sync-loop.ts';
import type { Change, Counts, DeadLetter, Inspection, Trouble } from './ports.ts';
import type { Delivery } from './write-back.ts';

/** A change without its values. */
export interface AskedChange extends Pick<Change, 'revision' | 'kind' | 'answered' | 'who' | 'txn' | 'at'> {
  /** names of the facts */
  readonly facts: readonly string[];
  readonly held: boolean;
}

/** A dead letter without its values. */
export interface Dead extends Omit<DeadLetter, 'facts'> {
  readonly facts: readonly string[];
}

/** A row that an operator may have to look at. Times in ms since 1970. */
export interface QueueEntry {
  readonly tenant: string;
  readonly id: string;
  readonly troubles: readonly Trouble[];
  readonly changes: readonly AskedChange[];
  readonly dead: readonly Dead[];
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
  /** found, gone, or why it could not be read */
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
  /** why nothing can be written to the store now; undefined: it can */
  readonly storeFailing: string | undefined;
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

/** All failures are BridgeError: 404 when there is no such row, 409 when there is nothing of that kind to be done, 503. */
export interface Operator {
  state(): Promise<TenantState>;
  /** Rows in one trouble ordered by id, from behind the id `after` on. */
  list(trouble: Trouble, limit: number, after?: string): Promise<readonly QueueEntry[]>;
  show(id: string): Promise<QueueDetail>;
  /** Dead letters become owed again, what waits is tried now. */
  retry(id: string): Promise<Done>;
  /** Dead letters and held changes are forgotten. */
  drop(id: string): Promise<Done>;
  /** Held changes are sent. */
  release(id: string): Promise<Done>;
  /** Syncs now; resolves when that has finished. acceptRemovals: also users that are missing in great number are removed. */
  sync(options: { readonly acceptRemovals: boolean }): Promise<SyncEvent>;
  inspect(): Promise<Inspection>;
}
