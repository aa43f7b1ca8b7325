/** Groups: memberships as facts of users, definitions as facts of group rows. */
import { type Facts, METADATA_PREFIX } from './facts.ts';

const MEMBERSHIP_PREFIX = `${METADATA_PREFIX}group:`;

/** The value of a membership; never the name of the group: apps read the id as a claim. */
export const MEMBER = '1';

/** The metadata key of a membership (on the member) and of a definition (on the holder). */
export const groupKey = (group: string): string => MEMBERSHIP_PREFIX + group;

/** The group of such a key; undefined: it is another fact. */
export const groupOf = (fact: string): string | undefined =>
  fact.startsWith(MEMBERSHIP_PREFIX) ? fact.slice(MEMBERSHIP_PREFIX.length) : undefined;

/** Ids of the groups that facts of a user name. */
export const membershipsOf = (facts: Facts): readonly string[] =>
  Object.entries(facts).flatMap(([fact, value]) => (value === MEMBER ? (groupOf(fact) ?? []) : []));

/** The metadata key of the rule set in force, on the holder. */
export const RULES_KEY = `${METADATA_PREFIX}rules`;

/** An id that was asked for as a member and is not known yet. */
export interface PendingMember {
  readonly value: string;
  /** ms since 1970 */
  readonly at: number;
}

/** What a group is beside its members. */
export interface Definition {
  readonly displayName: string;
  readonly externalId?: string;
  /** groups that are its members: shown, they give no rights */
  readonly groups: readonly string[];
  readonly pending: readonly PendingMember[];
  /** it is being deleted: hidden, its members are taken off */
  readonly deleting: boolean;
}
