/** Calls on one user that were at ZITADEL at once, and whether somebody looked afterwards what became of them. Pure. */
import type { Written } from '../people.ts';

/** A GetUserByID that was answered. */
export interface Read {
  /** of the user */
  readonly id: string;
  /** when it came in, ms since 1970 */
  readonly began: number;
  /** of HTTP: 200, 404 for one who is gone */
  readonly status: number;
}

export interface Overlap {
  readonly earlier: Written;
  readonly later: Written;
  /** the user was read, with an answer, once both had come to their end */
  readonly isConfirmed: boolean;
}

/** Each call with each one that was not at its end when it came in. What was over before it was applied changed nothing and counts for none. */
export function overlapsOf(written: readonly Written[], reads: readonly Read[]): readonly Overlap[] {
  const calls = written.filter(({ outcome, id }) => outcome !== 'fault' && id !== '');
  const lastRead = new Map<string, number>();
  for (const { id, began, status } of reads)
    if (status === 200 || status === 404) lastRead.set(id, Math.max(began, lastRead.get(id) ?? 0));
  return [...Map.groupBy(calls, ({ id }) => id)].flatMap(([id, of]) => {
    const inOrder = of.toSorted((a, b) => a.began - b.began || a.n - b.n);
    return inOrder.flatMap((later, at) =>
      inOrder
        .slice(0, at)
        .filter(({ time }) => time > later.began)
        .map((earlier) => ({
          earlier,
          later,
          isConfirmed: (lastRead.get(id) ?? 0) > Math.max(earlier.time, later.time),
        })),
    );
  });
}
