/**
 * Maximum bytes of stored rows that one read returns: a row can be a megabyte. A single row is returned whatever
 * its size; callers that need more continue after the last one.
 */
export const PAGE_BYTES = 1_000_000;
