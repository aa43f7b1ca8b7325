/**
 * What one look into a store gives at most, in bytes of rows as they are kept: a row may have a megabyte. One row is given whatever its
 * size; whoever wants more asks on from behind the last one.
 */
export const PAGE_BYTES = 1_000_000;
