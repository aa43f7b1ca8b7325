import type { Clock } from '../bridge/ports/context.ts';
import type { MemberSet } from '../bridge/ports/store.ts';

export const NO_MEMBERS: MemberSet = { count: 0, revision: 0, modified: 0 };

export interface Revisions {
  /** The set after a member was added (1) or removed (-1). */
  next(before: MemberSet, by: 1 | -1): MemberSet;
  /** Sets are back at an earlier state: no revision issued since then is reused for another set. */
  fallenBack(): void;
}

/**
 * Revisions of sets. They also follow the clock, so that a store that was deleted and rebuilt does not restart
 * at revisions that clients still have.
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
