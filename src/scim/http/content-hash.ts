/** The hash that distinguishes a repeated request from a conflicting one. */
import { hash } from 'node:crypto';

/** The first 132 bits of the SHA-256 of what was read of a body, base64url: no accident makes two alike, and every row keeps one. */
export function contentHash(content: unknown): string {
  return hash('sha256', sortedJson(content), 'base64url').slice(0, 22);
}

/** JSON with sorted names: the same content is the same text, in whatever order a client wrote it. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
