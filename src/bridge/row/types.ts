/** What the bridge keeps of a user, a group or a rule set, as values. */
import type { FactsChange, Facts } from '../../mapping/facts.ts';
import type { RuleSet } from '../../mapping/rules/types.ts';

export interface Key {
  readonly tenant: string;
  readonly id: string;
}

/** A change that was requested of a row and is not settled. */
export interface Change {
  readonly revision: number;
  /** only facts that differed or were named; never a copy of the rest. `state` is active or inactive */
  readonly facts: FactsChange;
  /** facts named by a PATCH, and `state` of every PUT: sent even when the confirmed facts already match */
  readonly named: readonly string[];
  /** create: facts are all of the user; delete: facts are empty */
  readonly kind: 'create' | 'edit' | 'delete';
  /** acknowledged: the client was, or is about to be, told that this will be done */
  readonly acknowledged: boolean;
  /** abandoned: its request died with a process, maybe after answering: shown, but perhaps promised to no client */
  readonly abandoned?: true;
  /** requested before a long downtime: an operator decides whether it is still wanted */
  readonly onHold?: true;
  /** also evaluates the rules for this user: rights are computed at delivery, never stored as requested facts */
  readonly rights?: true;
  /** the process whose request waits for it, until it is acknowledged */
  readonly process?: string;
  readonly who: string;
  readonly txn: string;
  readonly at: number;
}

/** An acknowledged change that was then refused for good; the view shows the confirmed facts again. */
export interface DeadLetter {
  readonly revision: number;
  readonly kind: Change['kind'];
  /** what was refused, never a password; for a create all of it, for a delete nothing */
  readonly facts: FactsChange;
  /** it was a right: `facts` are the right as it was wanted */
  readonly rights?: true;
  /** refused: never with this content. poisoned: the same refusal every time */
  readonly cause: 'refused' | 'poisoned';
  /** ZITADEL's message, for an operator */
  readonly reason: string;
  readonly who: string;
  readonly txn: string;
  /** when it was requested, and when it was given up */
  readonly at: number;
  readonly deadAt: number;
}

/** An unanswered call may be applied late: from `until` on the user is read again, and `facts` must hold. */
export interface Recheck {
  readonly at: number;
  readonly facts: FactsChange;
  /** a call that changes rights was among them */
  readonly rights?: true;
}

/** Spreading a row loses this brand: the compiler accepts only rows from transitions.ts or read back from a store. */
declare class Made {
  private readonly made: true;
}

/** A user (or, under `groupsOf(tenant)`, a group). Rows are immutable: each change makes a new row with version + 1. */
export interface Row extends Made {
  readonly tenant: string;
  readonly id: string;
  readonly version: number;
  /** facts last confirmed in ZITADEL; null: does not exist there */
  readonly confirmed: Facts | null;
  readonly pending: readonly Change[];
  /** in doubt: a call was (or may have been) sent, and its outcome is unknown */
  readonly doubt: boolean;
  /**
   * A delivery is running and may be sending the changes up to this revision; null: none is. If another delivery finds
   * it, the previous lease holder died, and its last call may still be applied.
   */
  readonly calling: number | null;
  /** userName of a call that may still be applied; for a create, no other name may be sent under this id */
  readonly sentName: string | null;
  readonly recheck: Recheck | null;
  readonly deadLetters: readonly DeadLetter[];
  /** why a step of this row alone is not permitted */
  readonly blocked: string | null;
  /** hidden since: ZITADEL's reads lost the user, but its commands know it; null: visible, or does not exist */
  readonly hidden: number | null;
  /** the refusal that it got repeatedly, since when, how often */
  readonly repeated: { readonly reason: string; readonly since: number; readonly times: number } | null;
  readonly attempts: number;
  /** when the queue looks at this row again; null: never */
  readonly dueAt: number | null;
  readonly lastError: string | null;
  /** replay key: hash of the request that created it; kept until the response was sent */
  readonly replay: { readonly hash: string; readonly open: boolean } | null;
  /** when confirmed was last read from ZITADEL */
  readonly verifiedAt: number;
  /** ZITADEL's sequence of the user when confirmed was read; null: not read yet */
  readonly sequence: string | null;
  /**
   * Groups with a trusted membership (SCIM, import or `groups apply`): only these grant new rights. For a group or the
   * rule set: which of its parts are trusted (groups/active-rules.ts).
   */
  readonly trusted: readonly string[];
  /**
   * State of the confirmed rights. sent: when our last call that changes them ended, 0: never; lists lag behind it. at:
   * when they were last read or set, only later than sent if read since; 0: never, -1: unknown (UNKNOWN_RIGHTS). given:
   * roles that the first rules granted, or may have; kept until they are applied, as they revoke nothing else.
   */
  readonly rights: { readonly at: number; readonly sent: number; readonly given?: RuleSet['retired'] };
  readonly created: number;
  readonly modified: number;
  /** since when this row is deleted: hidden, its name free, must not be revived by a stale list */
  readonly tombstone: number | null;
}

/** Unique values. */
export interface Unique {
  /** userNames are unique in the ZITADEL of this name */
  readonly instance: string;
  /** the tenant requires unique externalIds as well */
  readonly externalId: boolean;
  /** for groups: a second group with the same displayName is refused */
  readonly displayName?: boolean;
}

/** The index entries of a row. Computed from its facts (views.ts), stored beside it. */
export interface Index {
  /** shown in lists and found by filters */
  readonly visible: boolean;
  /** for a group its displayName */
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly emails: readonly string[];
  /** ids of the groups that show it as a member, `askedOf(id)` for pending ones, and the display name shown there */
  readonly memberships: readonly string[];
  readonly display: string | null;
  /** names (lower case) this row has or asks for, and other unique values in the ZITADEL named `instance` */
  readonly reservations: readonly string[];
  readonly instance: string;
}
