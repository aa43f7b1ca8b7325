/** What the bridge needs of ZITADEL. */
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
      /** away: ZITADEL gave no answer. limited: too many calls (429). answer: it answered that it cannot */
      readonly cause: 'away' | 'limited' | 'answer';
      readonly reason: string;
      /** whole seconds */
      readonly retryAfter?: number;
    };

/** A read that failed because ZITADEL was unavailable; carries what a write would have carried. */
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
export type GroupStoreOutcome =
  | { readonly kind: 'found'; readonly facts: Facts }
  | { readonly kind: 'gone' }
  | Unreadable;

/** The machine user that keeps the definitions of a tenant's groups as its metadata (design: groups). */
export interface GroupStore {
  read(): Promise<GroupStoreOutcome>;
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

export interface ProtectedByZitadel {
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
  protectedUsers(): Promise<ProtectedByZitadel>;
  passwordRules(): Promise<PasswordRules>;
  /** The rights one user holds in the organization, by lists, which lag up to 0.5 s behind writes. */
  rights(id: string): Promise<RightsOutcome>;
  /** The rights of all users of the organization that hold any, by id; lags too. Throws BridgeError 503 when ZITADEL is away. */
  allRights(): Promise<ReadonlyMap<string, Facts>>;
  readonly groupStore: GroupStore;
  /** Throws BridgeError 503 when ZITADEL is away. */
  catalogue(projects: readonly string[]): Promise<Catalogue>;
}
