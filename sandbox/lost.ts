/**
 * Users that reads have lost while commands know them, as seen on a real ZITADEL whose projection missed a user:
 * GetUserByID and lists do not show them, later events do not bring them back.
 */
export interface Lost {
  /** ms: for this long; absent: for good. */
  lose(user: string, ms?: number): void;
  find(user: string): void;
  has(user: string): boolean;
}

/** now: milliseconds. */
export function createLost(now: () => number): Lost {
  const until = new Map<string, number>();
  return {
    lose: (user, ms) => void until.set(user, ms === undefined ? Number.POSITIVE_INFINITY : now() + ms),
    find: (user) => void until.delete(user),
    has: (user) => (until.get(user) ?? Number.NEGATIVE_INFINITY) > now(),
  };
}
