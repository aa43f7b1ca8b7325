import type { Clock } from '../bridge/ports/context.ts';
import type { MemberSet } from '../bridge/ports/store.ts';

export const NO_MEMBERS: MemberSet = { count: 0, revision: 0, modified: 0 };

export interface Revisions {
  /** The set once somebody has come (1) or gone (-1). */
  next(before: MemberSet, by: 1 | -1): MemberSet;
  /** Sets fall back to what they were: no revision that was given since is given to another set. */
  fallenBack(): void;
}

/**
 * Revisions of sets. Beside the one before they follow the clock, so that a store that was deleted and built again does not begin
 * with those that clients still hold.
 */
export function createRevisions(clock: Clock): Revisions {
  let highest = 0;
  let floor = 0;
  return {
    next({ count, revision }, by) {
      const now = clock();
      const next = Math.max(revision + 1, floor + 1, Math.floor(now));
      highest = Math.max(highest, next);
      return { count: count + by, revision: next, modified: now };
    },
    fallenBack() {
      floor = highest;
    },
  };
}
