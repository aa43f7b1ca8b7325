/** What the bridge keeps of a user, a group or a rule set, as values. */
import type { FactsChange, Facts } from '../../mapping/facts.ts';
import type { RuleSet } from '../../mapping/rules/types.ts';

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
  readonly acknowledged: boolean;
  /** its request died with a process, perhaps after its answer had left: it is shown, yet nobody was surely promised it */
  readonly abandoned?: true;
  /** asked before a long sleep: an operator says whether it is still wanted */
  readonly onHold?: true;
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
  readonly deadAt: number;
}

/** A call that was never answered may still land: from `until` on the user is read once more, and `facts` must be so. */
export interface Recheck {
  readonly at: number;
  readonly facts: FactsChange;
  /** a call that changes rights was among them */
  readonly rights?: true;
}

/** Spreading a row loses this: the compiler takes only rows that transitions.ts (or a store, of what it kept) has made. */
declare class Made {
  private readonly made: true;
}

/** A user (or, under the key of `groupsOf(tenant)`, a group) as the bridge keeps it. Rows are values: a change of any field is a new row with version + 1. */
export interface Row extends Made {
  readonly tenant: string;
  readonly id: string;
  readonly version: number;
  /** facts last confirmed in ZITADEL; null: not there */
  readonly confirmed: Facts | null;
  readonly pending: readonly Change[];
  /** a call was sent (or may have been) and its outcome is not known */
  readonly doubt: boolean;
  /**
   * A reconcile is at it and may be sending the changes up to this revision; null: none is. Found by another one, its holder has died
   * and its last call may still land.
   */
  readonly calling: number | null;
  /** userName that a call carried which may still be applied; of a create no other one may be sent under this id */
  readonly sentName: string | null;
  readonly recheck: Recheck | null;
  readonly deadLetters: readonly DeadLetter[];
  /** why a step of this row alone is not permitted */
  readonly blocked: string | null;
  /** since when ZITADEL's reads have lost the user that its commands still know; null: they show it, or it is not there */
  readonly hidden: number | null;
  /** the answer that it got again and again, since when, how often */
  readonly repeated: { readonly reason: string; readonly since: number; readonly times: number } | null;
  readonly attempts: number;
  /** when the queue looks at this row again; null: never */
  readonly dueAt: number | null;
  readonly lastError: string | null;
  /** hash of the request that created it; open until the answer has left */
  readonly replay: { readonly hash: string; readonly open: boolean } | null;
  /** when known was last confirmed by ZITADEL */
  readonly verifiedAt: number;
  /** ZITADEL's sequence of the user when known was read; null: not read yet */
  readonly sequence: string | null;
  /**
   * Groups whose membership came by SCIM, import or `groups apply`: only these give rights that are not held yet. Of a group, or the
   * rules: what of it was said (groups/rulebook.ts: SAID, SAID_EXTERNAL_ID, LOOKED_AT).
   */
  readonly trusted: readonly string[];
  /**
   * Rights in known. sent: when a call of ours that changes them last ended, 0: never; lists lag behind it. at: when they were last read
   * or set; only when it is later than sent they were read since. 0: never, -1: not known (views.ts: UNKNOWN_RIGHTS). given: roles
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
  readonly reservations: readonly string[];
  readonly instance: string;
}
