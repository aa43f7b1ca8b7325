import type { Result } from './caller.ts';

/** Rows per request: the maximum on newer servers. */
export const PAGE = 1_000;

/** All rows of a list, page by page, until a short page. Totals are ignored: they are wrong (measured). */
export async function pages<T>(page: (offset: number) => Promise<Result<readonly T[]>>): Promise<Result<readonly T[]>> {
  const rows: T[] = [];
  for (;;) {
    const result = await page(rows.length);
    if (result.kind !== 'ok') return result;
    rows.push(...result.value);
    if (result.value.length < PAGE) return { kind: 'ok', value: rows };
  }
}
