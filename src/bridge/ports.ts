/** What the use cases need from the rooms around them. Declared here, implemented in store/, zitadel/ and queue/, joined in wire.ts. */
import type { BridgeError } from '../errors.ts';
import type { Facts, FactsChange } from '../mapping/facts.ts';
import type { RuleSet } from '../mapping/rules.ts';
import type { Step } from '../mapping/steps.ts';

/** Milliseconds since 1970. */
export type Clock = () => number;

/** Makes the ids of new users (UUIDs). */
export type Ids = () => string;

/** Who asks: every use case takes one. */
export interface Context {
  readonly tenant: string;
  /** the name of the token (or of the operator's command) */
  readonly who: string;
  /** transaction id: in the log line of the request and of every delivery */
  readonly txn: string;
}

export interface Key {
  readonly tenant: string;
  readonly id: string;
}

/** What was asked of a row and is not settled. */
export interface Change {
  readonly revision: number;
  /** only what differed or was named; never a copy of the rest. `state` is active or inactive */
  readonly facts: FactsChange;
  /** facts a PATCH names, `state` of every PUT: they are sent even when known says the same */
  readonly named: readonly string[];
  /** create: facts are all of the user; delete: facts are empty */
  readonly kind: 'create' | 'edit' | 'delete';
  /** the client was, or is about to be, told that this will be done */
  readonly answered: boolean;
  /** its request died with a process, perhaps after its answer had left: it is shown, yet nobody was surely promised it */
  readonly orphan?: true;
  /** asked before a long sleep: an operator says whether it is still wanted */
  readonly held?: true;
  /** what the rules give this user is looked at as well: rights are computed when it is sent, never kept as facts that are asked */
  readonly rights?: true;
  /** the process whose request waits for it, while it is not answered */
  readonly process?: string;
  readonly who: string;
  readonly txn: string;
  readonly at: number;
}

/** What was answered and then refused for good; the view is back at known. */
export interface DeadLetter {
  readonly revision: number;
  readonly kind: Change['kind'];
  /** what was refused, never a password; of a create all of it, of a delete nothing */
  readonly facts: FactsChange;
  /** it was a right: `facts` are the right as it was wanted */
  readonly rights?: true;
  /** refused: never with this content. poisoned: always the same answer */
  readonly cause: 'refused' | 'poisoned';
  /** what ZITADEL said, for an operator */
  readonly reason: string;
  readonly who: string;
  readonly txn: string;
  /** when it was asked, and when it was given up */
  readonly at: number;
  readonly died: number;
}

/** A call that was never answered may still land: from `until` on the user is read once more, and `facts` must be so. */
export interface Confirm {
  readonly until: number;
  readonly facts: FactsChange;
  /** a call that changes rights was among them */
  readonly rights?: true;
}

/** A user (or, under the key of `groupsOf(tenant)`, a group) as the bridge keeps it. Rows are values: a change of any field is a new row with version + 1. */
export interface Row {
  readonly tenant: string;
  readonly id: string;
  readonly version: number;
  /** facts last confirmed in ZITADEL; null: not there */
  readonly known: Facts | null;
  readonly changes: readonly Change[];
  /** a call was sent (or may have been) and its outcome is not known */
  readonly doubt: boolean;
  /**
   * A reconcile is at it and may be sending the changes up to this revision; null: none is. Found by another one, its holder has died
   * and its last call may still land.
   */
  readonly calling: number | null;
  /** userName that a call carried which may still be applied; of a create no other one may be sent under this id */
  readonly sentName: string | null;
  readonly confirm: Confirm | null;
  readonly dead: readonly DeadLetter[];
  /** why a step of this row alone is not permitted */
  readonly blocked: string | null;
  /** since when ZITADEL's reads have lost the user that its commands still know; null: they show it, or it is not there */
  readonly hidden: number | null;
  /** the answer that it got again and again, since when, how often */
  readonly stuck: { readonly reason: string; readonly since: number; readonly times: number } | null;
  readonly attempts: number;
  /** when the queue looks at this row again; null: never */
  readonly dueAt: number | null;
  readonly lastError: string | null;
  /** hash of the request that created it; open until the answer has left */
  readonly createMark: { readonly hash: string; readonly open: boolean } | null;
  /** when known was last confirmed by ZITADEL */
  readonly verifiedAt: number;
  /** ZITADEL's sequence of the user when known was read; null: not read yet */
  readonly sequence: string | null;
  /**
   * Groups whose membership came by SCIM, import or `groups apply`: only these give rights that are not held yet. Of a group, or the
   * rules: what of it was said (groups/rulebook.ts: SAID, SAID_EXTERNAL_ID, LOOKED_AT).
   */
  readonly vouched: readonly string[];
  /**
   * Rights in known. sent: when a call of ours that changes them last ended, 0: never; lists lag behind it. at: when they were last read
   * or set; only when it is later than sent they were read since. 0: never, -1: not known (bridge/rights.ts: UNKNOWN_RIGHTS). given: roles
   * that the first rules gave, or may have given: kept until they are applied, for they take away nothing else.
   */
  readonly rights: { readonly at: number; readonly sent: number; readonly given?: RuleSet['retired'] };
  readonly created: number;
  readonly modified: number;
  /** since when this row is deleted: hidden, its name free, not to be revived by a stale list */
  readonly tombstone: number | null;
}

/** What must not be had twice. */
export interface Unique {
  /** userNames are unique in the ZITADEL of this name */
  readonly instance: string;
  /** the tenant wants externalId unique as well */
  readonly externalId: boolean;
  /** of groups: two with one displayName are refused */
  readonly displayName?: boolean;
}

/** What a row is found by. Computed from its facts (rows.ts), kept by the store beside it. */
export interface Index {
  /** shown in lists and found by filters */
  readonly visible: boolean;
  /** of a group its displayName */
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly emails: readonly string[];
  /** ids of the groups it is shown as a member of, `askedOf(id)` of those it is only asked into, and the name it is shown by there */
  readonly memberships: readonly string[];
  readonly display: string | null;
  /** names (lower case) this row holds or asks for, and what else must be unique in the ZITADEL named by `instance` */
  readonly reserved: readonly string[];
  readonly instance: string;
}

/** One row to write. `row` null takes it away. It is written only while the stored version is `expect` (0: no row yet). */
export interface Write {
  readonly key: Key;
  readonly expect: number;
  readonly row: Row | null;
  readonly index: Index;
}

export type WriteResult =
  /** with the lease that was to be taken */
  | { readonly kind: 'ok'; readonly lease?: Lease }
  /** somebody wrote the row meanwhile: read it and try again */
  | { readonly kind: 'version' }
  /** another row of the same ZITADEL holds or asks for a reserved name */
  | { readonly kind: 'name'; readonly name: string; readonly holder: Key }
  /** somebody else has the row's lease: nothing was written */
  | { readonly kind: 'leased' };

export interface WriteOptions {
  /** resolves when it would survive a power cut. Else at once: reads see it, it is durable with the next durable write or within milliseconds */
  readonly durable: boolean;
  /** the row's lease is taken with it, for so long, ms: no other holder in between */
  readonly take?: number;
  /** written only while this lease is ours */
  readonly under?: Lease;
}

/** A row held by one reconcile at a time. */
export interface Lease {
  readonly key: Key;
  readonly token: number;
}

/** What an index look-up compares: all without regard to case but externalId. */
export type IndexName = 'userName' | 'externalId' | 'email';

/**
 * What an operator may have to look at: rows with changes that are not settled (and not held), with a call in doubt, dead letters, ...
 * hidden: users that ZITADEL's reads have lost.
 */
export type Trouble = 'owed' | 'doubt' | 'dead' | 'held' | 'blocked' | 'hidden';

/** Rows of a tenant: the visible ones, and those in each trouble. */
export type Counts = Readonly<Record<'rows' | Trouble, number>>;

/** A row that is to be looked at, and since when. */
export interface Due {
  readonly id: string;
  readonly dueAt: number;
}

/** A user as the lists of members show it. */
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
 * Rows and what they are found by. Every method fails with BridgeError 503 when the store fails.
 * Reads see every write that was accepted before them, lists too.
 */
export interface Store {
  read(key: Key): Promise<Row | undefined>;
  /** Writes one row, durable unless `options` say otherwise. */
  write(write: Write, options?: WriteOptions): Promise<WriteResult>;
  /** Visible rows by an index, oldest first. */
  find(tenant: string, index: IndexName, value: string): Promise<readonly Row[]>;
  /**
   * Visible rows ordered by (created, id), with the exact total. Fewer than `limit` when they are large (more than about a megabyte
   * together), at least one; `scan` goes on behind the last one.
   */
  page(
    tenant: string,
    offset: number,
    limit: number,
  ): Promise<{ readonly rows: readonly Row[]; readonly total: number }>;
  /** All visible rows ordered by (created, id), from behind `after` on, in slices of at most about a megabyte that hold the event loop for a few ms. */
  scan(tenant: string, after?: Pick<Row, 'created' | 'id'>): AsyncIterable<readonly Row[]>;
  /** Users of a tenant whose Index.memberships hold `group`, ordered by id, from behind the id `after` on. */
  members(tenant: string, group: string, limit: number, after?: string): Promise<readonly Member[]>;
  memberSet(tenant: string, group: string): Promise<MemberSet>;
  /** Who holds a reserved name (lower case) in a ZITADEL. */
  holder(instance: string, name: string): Promise<Key | undefined>;
  /** Rows of a tenant whose dueAt is not after `now`, ordered by (dueAt, id), from behind `after` on. */
  due(tenant: string, now: number, limit: number, after?: Due): Promise<readonly Due[]>;
  /** The earliest dueAt of a tenant's rows. */
  nextDue(tenant: string): Promise<number | undefined>;
  /** Rows of a tenant in some trouble ordered by id, from behind the id `after` on. Fewer than `limit` when they are large, none only at the end. */
  troubled(tenant: string, trouble: Trouble, limit: number, after?: string): Promise<readonly Row[]>;
  /** When the oldest change that is owed (and not held) was asked. */
  oldestOwed(tenant: string): Promise<number | undefined>;
  /** Rows of a tenant that are deleted since before `before`, oldest first: to be taken away for good. */
  tombstones(tenant: string, before: number, limit: number): Promise<readonly Row[]>;
  counts(tenant: string): Promise<Counts>;
  /**
   * Ids of rows whose content cannot be read, as far as it is known. They are left out of every list, their names stay reserved, and
   * whoever reads one gets BridgeError 503.
   */
  damaged(tenant: string): Promise<readonly string[]>;
  /** Takes such a row away, with its names. False: there is none. */
  forget(key: Key): Promise<boolean>;
  /** Small values that outlive the process: sync progress, schema. JSON-able. */
  getState(name: string): Promise<unknown>;
  setState(name: string, value: unknown): Promise<void>;
  /** Tells of every row of a shelf of groups (`groupsOf(tenant)`) that any process writes; absent: nobody else writes. */
  watch?(shelf: string, onWritten: (id: string) => void): void;
  /** Takes the lease of a row for `ms`, or undefined while somebody else holds it. */
  lease(key: Key, ms: number): Promise<Lease | undefined>;
  /** Whether the lease is still ours; then it is for `ms` more, or up to a tenth less. */
  prove(lease: Lease, ms: number): Promise<boolean>;
  /** Gives a lease back that is still ours. The row as it is then: whoever wrote it before could not take the lease. */
  release(lease: Lease): Promise<Row | undefined>;
  close(): Promise<void>;
}

/** A user as ZITADEL has it now. */
export interface Reading {
  readonly id: string;
  /** state is ZITADEL's own: active, inactive, locked, initial */
  readonly facts: Facts;
  readonly sequence: string;
  readonly created: number;
  readonly changed: number;
}

/** How a call ended. What is which stands in THE ERROR TABLE (errors.ts). */
export type Outcome =
  /** `after`: what the answer says of known beyond the step's own (the id of a new authorization) */
  | { readonly kind: 'done'; readonly after?: FactsChange }
  /** ZITADEL refused because it is so already */
  | { readonly kind: 'already' }
  /** the user is not there, said by its exact error id */
  | { readonly kind: 'gone' }
  /** read the user and plan again: ZITADEL's state is not what was believed */
  | { readonly kind: 'replan'; readonly reason: string }
  /** never with this content: what the client is told */
  | { readonly kind: 'refused'; readonly error: BridgeError }
  /** not now: token or permission */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** not now */
  | {
      readonly kind: 'retry';
      /** certainly nothing was applied */
      readonly definite: boolean;
      /** away: ZITADEL gave no answer. limited: too many calls (429). answer: it answered that it can not */
      readonly cause: 'away' | 'limited' | 'answer';
      readonly reason: string;
      /** whole seconds */
      readonly retryAfter?: number;
    };

/** A read that did not succeed for want of ZITADEL; carries what a write would have carried. */
export type Unreadable = Extract<Outcome, { kind: 'retry' | 'blocked' }>;

export type ReadOutcome =
  | { readonly kind: 'found'; readonly reading: Reading }
  /** its commands say so too */
  | { readonly kind: 'gone' }
  /** GetUserByID does not know the user, commands do: a projection of ZITADEL has passed it by (measured). What it has cannot be read */
  | { readonly kind: 'hidden' }
  | Unreadable;

/** Rights of a user (facts of mapping/rights.ts). */
export type RightsOutcome = { readonly kind: 'found'; readonly facts: Facts } | Unreadable;

/** The metadata of the holder; gone: there is no holder. */
export type HolderOutcome = { readonly kind: 'found'; readonly facts: Facts } | { readonly kind: 'gone' } | Unreadable;

/** The machine user that keeps the definitions of a tenant's groups as its metadata (design: groups). */
export interface Holder {
  read(): Promise<HolderOutcome>;
  /** Runs SetUserMetadata or DeleteUserMetadata on it, one at a time; makes it first when it is not there. */
  run(step: Step, proceed: () => Promise<boolean>): Promise<Outcome>;
}

/** What rules can name in a ZITADEL, as far as the token sees it. */
export interface Catalogue {
  /** permissions of the token in its organization */
  readonly permissions: readonly string[];
  /** roles of organization members; undefined: the token may not see them */
  readonly orgRoles: readonly string[] | undefined;
  /** of each project that was asked for its role keys; undefined: there is no such project, or the token does not see it */
  readonly projects: ReadonlyMap<string, readonly string[] | undefined>;
}

/** Rules for clear passwords of the organization (settings v2). */
export interface PasswordRules {
  readonly minLength: number;
  readonly uppercase: boolean;
  readonly lowercase: boolean;
  readonly number: boolean;
  readonly symbol: boolean;
}

export interface Guarded {
  /** the service user itself and holders of instance roles, with the reason for people */
  readonly reasons: ReadonlyMap<string, string>;
  /** the service user; undefined: ZITADEL does not say */
  readonly own?: string | undefined;
  /** active people who hold ORG_OWNER in the organization, without machines and the service user: the last one must stay */
  readonly activeOwners: ReadonlySet<string>;
}

/** Whether the token may do its work at all. barred: it is refused, its rights are gone, or ZITADEL does not know its own name. */
export type Standing = { readonly kind: 'able' } | { readonly kind: 'barred'; readonly reason: string } | Unreadable;

/** What can be said of the way to ZITADEL and of the token, for doctor. */
export interface Inspection {
  /** undefined: it could not be asked; `problem` says why */
  readonly user?: { readonly id: string; readonly name: string };
  readonly organization?: {
    readonly id: string;
    readonly name: string;
    readonly state: 'active' | 'inactive' | 'removed';
  };
  /** permissions of the token in its organization */
  readonly permissions: readonly string[];
  /** ZITADEL's clock minus ours, ms */
  readonly clockSkew?: number;
  /** whether holders of instance roles, and of organization roles, can be seen to be guarded */
  readonly sees: { readonly instanceRoles: boolean; readonly organizationRoles: boolean };
  /** when the credential ends, ms since 1970, where ZITADEL or the credential says so */
  readonly expires?: number;
  /** what went wrong, one line each: unreachable, unknown host, token refused */
  readonly problems: readonly string[];
}

/** ZITADEL as one tenant sees it: one organization, one credential. */
export interface Zitadel {
  /** Why no call is sent now (the circuit breaker is open); undefined: calls are sent. */
  away(): string | undefined;
  /** The token's own rights, asked at most every 10 s. */
  standing(): Promise<Standing>;
  inspect(): Promise<Inspection>;
  /**
   * Runs one step of a plan on one user, after `proceed` said yes (asked once a slot is free, right before the call). `from` the
   * queue: nobody waits for it, calls of requests (the default) get their slots first.
   */
  run(id: string, step: Step, proceed: () => Promise<boolean>, from?: 'request' | 'queue'): Promise<Outcome>;
  /**
   * GetUserByID and ListUserMetadata, in parallel. Machines and users of other organizations are gone. That a user is not there is asked
   * of a command as well, unless `isStrange`: an id that the bridge never had is gone when GetUserByID says so.
   */
  read(id: string, isStrange?: boolean): Promise<ReadOutcome>;
  /** Ids of humans of the organization by userName or primary e-mail, without regard to case. */
  find(by: 'userName' | 'email', value: string): Promise<readonly string[] | Unreadable>;
  /** Humans of the organization, ascending by id, in pages; facts without metadata. Throws BridgeError 503 when ZITADEL is away. */
  users(): AsyncIterable<readonly Reading[]>;
  /** Metadata facts of one user. Throws BridgeError 503 when ZITADEL is away. */
  metadata(id: string): Promise<Facts>;
  /** Who must not be locked out, as far as the token sees them. Throws BridgeError 503 when ZITADEL is away. */
  guarded(): Promise<Guarded>;
  passwordRules(): Promise<PasswordRules>;
  /** The rights one user holds in the organization, by lists, which lag up to 0.5 s behind writes. */
  rights(id: string): Promise<RightsOutcome>;
  /** The rights of all users of the organization that hold any, by id; lags too. Throws BridgeError 503 when ZITADEL is away. */
  allRights(): Promise<ReadonlyMap<string, Facts>>;
  readonly holder: Holder;
  /** Throws BridgeError 503 when ZITADEL is away. */
  catalogue(projects: readonly string[]): Promise<Catalogue>;
}

/** Tells the queue that a row is due earlier than it may know. */
export interface Wake {
  at(time: number): void;
}
