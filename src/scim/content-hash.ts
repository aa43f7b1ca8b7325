/** The hash by which a request that is sent again is known from one that clashes. */
import { hash } from 'node:crypto';

/** SHA-256 of what was read of a body, hex. */
export function contentHash(content: unknown): string {
  return hash('sha256', sortedJson(content));
}

/** JSON with sorted names: the same content is the same text, in whatever order a client wrote it. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
