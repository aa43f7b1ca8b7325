import { refusal } from '../errors.ts';

/** offset and limit as all list requests have them. */
export interface Paging {
  readonly offset?: bigint;
  readonly limit?: number;
  readonly asc?: boolean;
}

export interface Page<R> {
  readonly rows: readonly R[];
  /** The limit used; 0: none. */
  readonly limit: number;
  /** The offset lies behind the last row. */
  readonly pastEnd: boolean;
}

/** One page. max: largest limit allowed, 0 for none; standard: limit when none is given, 0 for all. */
export function pageOf<R>(
  rows: readonly R[],
  paging: Paging | undefined,
  { max, standard }: { readonly max: number; readonly standard: number },
): Page<R> {
  const limit = paging?.limit || standard;
  if (max > 0 && limit > max) throw refusal('limitExceeded');
  const offset = Number(paging?.offset ?? 0n);
  const pastEnd = offset > 0 && offset >= rows.length;
  if (offset === 0 && (limit === 0 || limit >= rows.length)) return { rows, limit, pastEnd };
  return { rows: rows.slice(offset, limit === 0 ? undefined : offset + limit), limit, pastEnd };
}
