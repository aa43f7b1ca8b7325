/** What the bridge needs from ZITADEL. */
import type { Facts, FactsChange } from '../../mapping/facts.ts';
import type { BridgeError } from '../../errors.ts';
import type { Step } from '../../mapping/steps.ts';

/** A user as ZITADEL has it now. */
export interface Reading {
  readonly id: string;
  /** state is ZITADEL's own: active, inactive, locked, initial */
  readonly facts: Facts;
  readonly sequence: string;
  readonly created: number;
  readonly changed: number;
}

/** The outcome of a call. THE ERROR TABLE (errors.ts) classifies them. */
export type Outcome =
  /** `after`: confirmed facts beyond those of the step (the id of a new authorization) */
  | { readonly kind: 'done'; readonly after?: FactsChange }
  /** ZITADEL refused because its state is already as wanted */
  | { readonly kind: 'already' }
  /** the user does not exist, according to its exact error id */
  | { readonly kind: 'gone' }
  /** read the user and plan again: ZITADEL's state differs from the expected one */
  | { readonly kind: 'replan'; readonly reason: string }
  /** refused for good with this content: what the client is told */
  | { readonly kind: 'refused'; readonly error: BridgeError }
  /** not now: token or permission */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** not now */
  | {
      readonly kind: 'retry';
      /** certainly nothing was applied */
      readonly definite: boolean;
      /** away: ZITADEL gave no answer. limited: too many calls (429). answer: it answered that it is unable to */
      readonly cause: 'away' | 'limited' | 'answer';
      readonly reason: string;
      /** whole seconds */
      readonly retryAfter?: number;
    };

/** A read that failed because ZITADEL was unavailable; with the same details as a failed write. */
export type Unreadable = Extract<Outcome, { kind: 'retry' | 'blocked' }>;

export type ReadOutcome =
  | { readonly kind: 'found'; readonly reading: Reading }
  /** its commands say so too */
  | { readonly kind: 'gone' }
  /** hidden: GetUserByID does not know the user, commands do (missed by a projection: measured). It cannot be read */
  | { readonly kind: 'hidden' }
  | Unreadable;

/** Rights of a user (facts of mapping/rights.ts). */
export type RightsOutcome = { readonly kind: 'found'; readonly facts: Facts } | Unreadable;

/** The metadata of the group store user; gone: there is no such user. */
export type GroupStoreOutcome =
  | { readonly kind: 'found'; readonly facts: Facts }
  | { readonly kind: 'gone' }
  | Unreadable;

/** The group store user: the machine user that keeps a tenant's group definitions as its metadata. */
export interface GroupStore {
  read(): Promise<GroupStoreOutcome>;
  /** Runs SetUserMetadata or DeleteUserMetadata on it, one at a time; creates the user first if it does not exist. */
  run(step: Step, proceed: () => Promise<boolean>): Promise<Outcome>;
}

/** What rules can name in a ZITADEL, as far as the token can see it. */
export interface Catalogue {
  /** permissions of the token in its organization */
  readonly permissions: readonly string[];
  /** roles of organization members; undefined: the token may not see them */
  readonly orgRoles: readonly string[] | undefined;
  /** role keys of each requested project; undefined: there is no such project, or the token cannot see it */
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

export interface ProtectedByZitadel {
  /** the service user itself and holders of instance roles, with the reason for people */
  readonly reasons: ReadonlyMap<string, string>;
  /** the service user; undefined: ZITADEL does not say */
  readonly own?: string | undefined;
  /** active people with ORG_OWNER in the organization, without machines and the service user: the last one must stay */
  readonly activeOwners: ReadonlySet<string>;
}

/** Whether the token can work at all. barred: refused, without permissions, or ZITADEL does not know its own name. */
export type Standing = { readonly kind: 'able' } | { readonly kind: 'barred'; readonly reason: string } | Unreadable;

/** What doctor reports about the connection to ZITADEL and the token. */
export interface Inspection {
  /** undefined: unavailable; `problem` says why */
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
  /** whether users with instance roles, and with organization roles, can be read to protect them */
  readonly sees: { readonly instanceRoles: boolean; readonly organizationRoles: boolean };
  /** when the credential expires, ms since 1970, where ZITADEL or the credential says so */
  readonly expires?: number;
  /** problems, one line each: unreachable, unknown host, token refused */
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
   * Runs one step of a plan on one user if `proceed` returns true (called once a slot is free, right before the call).
   * `from` the queue: no request is waiting; calls of requests (the default) get their slots first.
   */
  run(id: string, step: Step, proceed: () => Promise<boolean>, from?: 'request' | 'queue'): Promise<Outcome>;
  /**
   * GetUserByID and ListUserMetadata, in parallel. Machines and users of other organizations count as gone. If the user
   * is missing, a command is asked as well, unless `isStrange`: for an id new to the bridge, GetUserByID is enough.
   */
  read(id: string, isStrange?: boolean): Promise<ReadOutcome>;
  /** Ids of humans of the organization by userName or primary e-mail, without regard to case. */
  find(by: 'userName' | 'email', value: string): Promise<readonly string[] | Unreadable>;
  /**
   * Humans of the organization, ascending by id, in pages; without metadata. Throws BridgeError 503 when ZITADEL is
   * unreachable.
   */
  users(): AsyncIterable<readonly Reading[]>;
  /** Metadata facts of one user. Throws BridgeError 503 when ZITADEL is unreachable. */
  metadata(id: string): Promise<Facts>;
  /** The protected users, as far as the token sees them. Throws BridgeError 503 when ZITADEL is unreachable. */
  protectedUsers(): Promise<ProtectedByZitadel>;
  passwordRules(): Promise<PasswordRules>;
  /** The rights of one user in the organization, from lists, which lag up to 0.5 s behind writes. */
  rights(id: string): Promise<RightsOutcome>;
  /**
   * The rights of all users of the organization that have any, by id; lags too. Throws BridgeError 503 when ZITADEL is
   * unreachable.
   */
  allRights(): Promise<ReadonlyMap<string, Facts>>;
  readonly groupStore: GroupStore;
  /** Throws BridgeError 503 when ZITADEL is unreachable. */
  catalogue(projects: readonly string[]): Promise<Catalogue>;
}
