/** Rules and their bindings, as values. */

/** One rule of bridge.yaml. */
export interface Rule {
  readonly by: 'displayName' | 'externalId';
  /** `*` matches any text; otherwise the whole value, case-sensitively */
  readonly pattern: string;
  /** roles in the organization */
  readonly orgRoles: readonly string[];
  /** roles of a project; `{displayName}` is replaced by the name of the group */
  readonly project: string | null;
  readonly roles: readonly string[];
  /** roles that the project lacks are created */
  readonly createRoles: boolean;
  /** roles that can change the organization may be granted */
  readonly allowPrivileged: boolean;
}

/** A group that a rule grants its rights to, even after it is renamed. */
export interface Binding {
  readonly group: string;
  /** its name when it was bound: the value of `{displayName}` */
  readonly name: string;
  /** bound by a definition from SCIM or `groups apply`; otherwise rights are kept, none are granted */
  readonly vouched: boolean;
}

/** The active rules with their bindings. A value; JSON-able. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  /** by `matchOf(rule)`: rules with one match share their groups */
  readonly bindings: Readonly<Record<string, readonly Binding[]>>;
  /** roles that only an earlier set managed: they are revoked until an apply has evaluated every user */
  readonly retired: readonly { readonly project: string | null; readonly role: string }[];
  /** not applied by an operator: it grants, and revokes only what it granted itself */
  readonly first?: true;
}

/** What a rule looks at of a group. */
export interface Named {
  readonly id: string;
  readonly displayName: string;
  readonly externalId?: string;
  /** its name came by SCIM or `groups apply` */
  readonly vouched: boolean;
  /** its externalId did */
  readonly externalIdVouched: boolean;
}

/** Roles that rules grant and revoke: in the organization, and by project. */
export interface Managed {
  readonly org: ReadonlySet<string>;
  readonly projects: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Groups of a user. */
export interface Memberships {
  /** came by SCIM, import or `groups apply` */
  readonly vouched: readonly string[];
  /** first seen in ZITADEL: they keep current rights, but grant none */
  readonly others: readonly string[];
}

/** One role that a group grants, and the position of the rule in the set. */
export interface Given {
  readonly project: string | null;
  readonly role: string;
  readonly rule: number;
  /** the binding is trusted */
  readonly vouched: boolean;
}
