import type { Index } from '../bridge/row/types.ts';

/** The form a value is looked up by, ignoring case. Lone surrogates become U+FFFD, as the stores would change them. */
export const fold = (value: string): string => value.toLowerCase().toWellFormed();

/** Reserved names without duplicates. */
export const namesOf = ({ reservations: reserved }: Index): string[] => [
  ...new Set(reserved.map((name) => name.toWellFormed())),
];

/** JSON [display, group, ...]: the groups that a row is shown as a member of; [] of one that is hidden or in no group. */
export function memberText({ visible, memberships, display }: Index): string {
  if (!visible || memberships.length === 0) return '[]';
  const groups = new Set(memberships.map((group) => group.toWellFormed()));
  return JSON.stringify([display?.toWellFormed() ?? null, ...groups]);
}
