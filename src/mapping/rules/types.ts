/** Rules and what they are bound to, as values. */

/** One rule of bridge.yaml. */
export interface Rule {
  readonly by: 'displayName' | 'externalId';
  /** `*` stands for any text; else the whole value, case included */
  readonly pattern: string;
  /** roles in the organization */
  readonly orgRoles: readonly string[];
  /** roles of a project; `{displayName}` stands for the name of the group */
  readonly project: string | null;
  readonly roles: readonly string[];
  /** roles that the project does not have are made */
  readonly createRoles: boolean;
  /** roles that can change the organization may be given */
  readonly allowPrivileged: boolean;
}

/** A group that a rule gives its rights to, whatever it is called later. */
export interface Binding {
  readonly group: string;
  /** its name when it was bound: what `{displayName}` stands for */
  readonly name: string;
  /** by a definition that came by SCIM or `groups apply`; else rights are kept, none are given */
  readonly vouched: boolean;
}

/** The rules in force with what they are bound to. A value; JSON-able. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  /** by `matchOf(rule)`: rules with one match share their groups */
  readonly bindings: Readonly<Record<string, readonly Binding[]>>;
  /** roles that only an earlier set managed: they are taken away until an apply has seen every user */
  readonly retired: readonly { readonly project: string | null; readonly role: string }[];
  /** nobody has applied it: it gives, and takes away nothing but what it gave itself */
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

/** Roles that rules give and take: in the organization, and by project. */
export interface Managed {
  readonly org: ReadonlySet<string>;
  readonly projects: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Groups of a user. */
export interface Memberships {
  /** came by SCIM, import or `groups apply` */
  readonly vouched: readonly string[];
  /** first seen in ZITADEL: they keep rights that are held, they give none */
  readonly others: readonly string[];
}

/** One role that a group gives, and the place of the rule in the set. */
export interface Given {
  readonly project: string | null;
  readonly role: string;
  readonly rule: number;
  /** the binding is vouched for */
  readonly vouched: boolean;
}
