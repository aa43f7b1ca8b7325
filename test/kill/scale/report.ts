/** What is told of overlapping calls. */
import type { Overlap } from './overlaps.ts';

export function overlapsTold(overlaps: readonly Overlap[]): string {
  const confirmed = overlaps.filter(({ isConfirmed }) => isConfirmed).length;
  const users = new Set(overlaps.map(({ later }) => later.id)).size;
  return `${overlaps.length} pairs of overlapping calls on ${users} users, ${confirmed} followed by a confirming read`;
}
