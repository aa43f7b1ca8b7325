/** What the bridge needs from a store. */
import type { Key, Row, Index } from '../row/types.ts';

/** One row to write. `row` null deletes it. It is written only while the stored version is `expect` (0: no row yet). */
export interface Write {
  readonly key: Key;
  readonly expect: number;
  readonly row: Row | null;
  readonly index: Index;
}

export type WriteResult =
  /** with the lease that was to be taken */
  | { readonly kind: 'ok'; readonly lease?: Lease }
  /** the row was written meanwhile: read it and try again */
  | { readonly kind: 'version' }
  /** another row of the same ZITADEL has or asks for a reserved name */
  | { readonly kind: 'name'; readonly name: string; readonly holder: Key }
  /** another holder has the row's lease: nothing was written */
  | { readonly kind: 'leased' };

export interface WriteOptions {
  /**
   * true: resolves when it would survive a power cut. false: at once; reads see it, and it becomes durable with the
   * next durable write or within milliseconds
   */
  readonly durable: boolean;
  /** milliseconds. The row's lease is taken together with the write: no other holder in between */
  readonly take?: number;
  /** written only while we have this lease */
  readonly under?: Lease;
}

/** Exclusive right to deliver a row. */
export interface Lease {
  readonly key: Key;
  readonly token: number;
}

/** The value of an index look-up: case-insensitive except for externalId. */
export type IndexName = 'userName' | 'externalId' | 'email';

/** What an operator may have to look at, see THE CONDITIONS TABLE (store/conditions.ts). */
export type Condition = 'pending' | 'inDoubt' | 'deadLetter' | 'onHold' | 'blocked' | 'hidden';

/** Rows of a tenant: the visible ones, and those in each condition. */
export type Counts = Readonly<Record<'rows' | Condition, number>>;

/** A row that is due for delivery, and since when. */
export interface Due {
  readonly id: string;
  readonly dueAt: number;
}

/** A user as shown in lists of members. */
export interface Member {
  readonly id: string;
  readonly display: string | null;
}

/** The members of a group without their names. */
export interface MemberSet {
  readonly count: number;
  /** grows with every change of the set, also over restarts; 0: it never had a member */
  readonly revision: number;
  /** when it last changed, ms since 1970; 0: never */
  readonly modified: number;
}

/**
 * Rows and their indexes. Every method fails with BridgeError 503 when the store fails.
 * Reads, including lists, see every write that was accepted before them.
 */
export interface Store {
  read(key: Key): Promise<Row | undefined>;
  /** Writes one row, durably unless `options` says otherwise. */
  write(write: Write, options?: WriteOptions): Promise<WriteResult>;
  /** Visible rows by an index, oldest first. */
  find(tenant: string, index: IndexName, value: string): Promise<readonly Row[]>;
  /**
   * Visible rows ordered by (created, id), with the exact total. Fewer than `limit` when they are large (more than
   * about a megabyte together), at least one; `scan` continues after the last one.
   */
  page(
    tenant: string,
    offset: number,
    limit: number,
  ): Promise<{ readonly rows: readonly Row[]; readonly total: number }>;
  /**
   * All visible rows ordered by (created, id), starting after `after`, in slices of at most about a megabyte, each of
   * which blocks the event loop for a few ms.
   */
  scan(tenant: string, after?: Pick<Row, 'created' | 'id'>): AsyncIterable<readonly Row[]>;
  /** Users of a tenant whose Index.memberships include `group`, ordered by id, starting after the id `after`. */
  members(tenant: string, group: string, limit: number, after?: string): Promise<readonly Member[]>;
  memberSet(tenant: string, group: string): Promise<MemberSet>;
  /** The row that has a reserved name (lower case) in a ZITADEL. */
  reservedBy(instance: string, name: string): Promise<Key | undefined>;
  /** Rows of a tenant whose dueAt is not after `now`, ordered by (dueAt, id), starting after `after`. */
  due(tenant: string, now: number, limit: number, after?: Due): Promise<readonly Due[]>;
  /** The earliest dueAt of a tenant's rows. */
  nextDue(tenant: string): Promise<number | undefined>;
  /**
   * Rows of a tenant in some condition ordered by id, starting after the id `after`. Fewer than `limit` when they are
   * large; none only at the end.
   */
  withCondition(tenant: string, condition: Condition, limit: number, after?: string): Promise<readonly Row[]>;
  /** When the oldest change that is pending and not on hold was requested. */
  oldestPending(tenant: string): Promise<number | undefined>;
  /** Rows of a tenant deleted before `before`, oldest first: to be removed for good. */
  tombstones(tenant: string, before: number, limit: number): Promise<readonly Row[]>;
  counts(tenant: string): Promise<Counts>;
  /**
   * Ids of rows whose content is known to be unreadable. They are omitted from every list, their names stay reserved,
   * and reading one fails with BridgeError 503.
   */
  damaged(tenant: string): Promise<readonly string[]>;
  /** Removes such a row with its names. False: there is none. */
  forget(key: Key): Promise<boolean>;
  /** Small values that outlive the process: sync progress, schema. JSON-able. */
  getState(name: string): Promise<unknown>;
  setState(name: string, value: unknown): Promise<void>;
  /** Reports every group row (`groupsOf(tenant)`) that any process writes; absent: no other process writes. */
  watch?(shelf: string, onWritten: (id: string) => void): void;
  /** Takes the lease of a row for `ms`; undefined: another holder has it. */
  lease(key: Key, ms: number): Promise<Lease | undefined>;
  /** Whether we still have the lease; it is then extended to `ms`, or up to a tenth less. */
  prove(lease: Lease, ms: number): Promise<boolean>;
  /** Releases a lease that we still have. Returns the current row: earlier writers could not take the lease. */
  release(lease: Lease): Promise<Row | undefined>;
  close(): Promise<void>;
}
