/** Groups: memberships as facts of users, definitions as facts of group rows. */
import { type Facts, METADATA_PREFIX } from './facts.ts';

const MEMBERSHIP_PREFIX = `${METADATA_PREFIX}group:`;

/** The value of a membership; never the name of the group: apps read the id as a claim. */
export const MEMBER = '1';

/** The metadata key of a membership (on the member) and of a definition (on the group store user). */
export const groupKey = (group: string): string => MEMBERSHIP_PREFIX + group;

/** The group of such a key; undefined: another kind of fact. */
export const groupOf = (fact: string): string | undefined =>
  fact.startsWith(MEMBERSHIP_PREFIX) ? fact.slice(MEMBERSHIP_PREFIX.length) : undefined;

/** Ids of the groups that facts of a user name. */
export const membershipsOf = (facts: Facts): readonly string[] =>
  Object.entries(facts).flatMap(([fact, value]) => (value === MEMBER ? (groupOf(fact) ?? []) : []));

/** The metadata key of the active rules, on the group store user. */
export const RULES_KEY = `${METADATA_PREFIX}rules`;

/** An unresolved member: an id that is not a known user yet. */
export interface PendingMember {
  readonly value: string;
  /** ms since 1970 */
  readonly at: number;
}

/** A group without its members. */
export interface Definition {
  readonly displayName: string;
  readonly externalId?: string;
  /** nested groups: shown as members, but they grant no rights */
  readonly groups: readonly string[];
  readonly pending: readonly PendingMember[];
  /** being deleted: hidden, and its members are removed */
  readonly deleting: boolean;
}
