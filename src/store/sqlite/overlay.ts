import type { Due, Member, Condition } from '../../bridge/ports/store.ts';
import type { Row } from '../../bridge/row/types.ts';
import { CONDITIONS } from '../conditions.ts';
import type { Entry } from './pending.ts';
import type { Place, Queries } from './queries.ts';

/** By id: the row as it is now; null: not shown, whatever the tables have. */
export type Overlay = ReadonlyMap<string, Entry | null>;

const before = (left: Place, right: Place): boolean =>
  left.created < right.created || (left.created === right.created && left.id < right.id);
const inOrder = (left: Place, right: Place): number => (before(left, right) ? -1 : 1);
const byId = (left: { readonly id: string }, right: { readonly id: string }): number => (left.id < right.id ? -1 : 1);

const rowsOver = (over: Overlay): Row[] => [...over.values()].flatMap((entry) => entry?.row ?? []);

const shownOver = (over: Overlay): Row[] =>
  [...over.values()]
    .flatMap((entry) => (entry?.row && entry.slot.counts.rows === 1 ? [entry.row] : []))
    .toSorted(inOrder);

/** As Store.page. Reads one extra row per overlaid row: each moves the others by one position at most. */
export function pageOver(
  queries: Queries,
  over: Overlay,
  tenant: string,
  offset: number,
  limit: number,
): { readonly rows: readonly Row[]; readonly total: number } {
  return queries.atOnce(() => {
    const total = queries.total(tenant);
    if (over.size === 0) return { rows: queries.rowsAt(tenant, queries.places(tenant, offset, limit)), total };
    const stored = [...over.keys()].flatMap((id) => queries.place({ tenant, id }) ?? []);
    const shown = shownOver(over);
    const start = Math.max(0, Math.min(offset, total) - over.size - 1);
    const found = queries.places(tenant, start, offset + limit + over.size - start);
    const first = start === 0 ? undefined : found[0];
    const isBefore = (each: Place): boolean => first !== undefined && before(each, first);
    const position = start - stored.filter(isBefore).length + shown.filter(isBefore).length;
    const merged = [...found.filter(({ id }) => !over.has(id)), ...shown.filter((each) => !isBefore(each))].toSorted(
      inOrder,
    );
    return {
      rows: queries.rowsAt(
        tenant,
        merged.slice(offset - position, offset - position + limit),
        (id) => over.get(id)?.row ?? undefined,
      ),
      total: total - stored.length + shown.length,
    };
  });
}

/** Rows of a scan's slice that begins after `after` and ends with `last` (undefined: with the last row of all). */
export function sliceOver(over: Overlay, rows: readonly Row[], after: Place, last: Place | undefined): readonly Row[] {
  if (over.size === 0) return rows;
  const within = (row: Row): boolean => before(after, row) && (last === undefined || !before(last, row));
  return [...rows.filter(({ id }) => !over.has(id)), ...shownOver(over).filter(within)].toSorted(inOrder);
}

export function dueOver(
  queries: Queries,
  over: Overlay,
  tenant: string,
  now: number,
  limit: number,
  after?: Due,
): Due[] {
  const found = queries.due(tenant, now, limit + over.size, after).filter(({ id }) => !over.has(id));
  const isBehind = ({ dueAt, id }: Due): boolean =>
    after === undefined || dueAt > after.dueAt || (dueAt === after.dueAt && id > after.id);
  const more = rowsOver(over).flatMap(({ id, dueAt }) => (dueAt !== null && dueAt <= now ? [{ id, dueAt }] : []));
  return [...found, ...more.filter(isBehind)]
    .toSorted((left, right) => left.dueAt - right.dueAt || byId(left, right))
    .slice(0, limit);
}

export function withConditionOver(
  queries: Queries,
  over: Overlay,
  tenant: string,
  condition: Condition,
  limit: number,
  after?: string,
): Row[] {
  const { rows, end } = queries.withCondition(tenant, condition, limit + over.size, after);
  const found = rows.filter(({ id }) => !over.has(id));
  // rows after the last one that fits come with the next read
  const isWithin = ({ id }: Row): boolean => (after === undefined || id > after) && (end === undefined || id <= end);
  const more = rowsOver(over).filter((row) => CONDITIONS[condition].test(row) && isWithin(row));
  return [...found, ...more].toSorted(byId).slice(0, limit);
}

export function tombstonesOver(queries: Queries, over: Overlay, tenant: string, until: number, limit: number): Row[] {
  const found = queries.tombstones(tenant, until, limit + over.size).filter(({ id }) => !over.has(id));
  const more = rowsOver(over).filter(({ tombstone }) => tombstone !== null && tombstone < until);
  const at = ({ tombstone }: Row): number => tombstone ?? 0;
  return [...found, ...more].toSorted((left, right) => at(left) - at(right) || byId(left, right)).slice(0, limit);
}

/** Members of a group; unreadable ones are members too. */
export function membersOver(
  queries: Queries,
  over: Overlay,
  tenant: string,
  group: string,
  limit: number,
  after?: string,
): Member[] {
  const written = [...over.values()].filter((entry) => entry !== null);
  const ids = new Set(written.map(({ key }) => key.id));
  const found = queries.members(tenant, group, limit + ids.size, after).filter(({ id }) => !ids.has(id));
  const more = written.flatMap(({ key: { id }, slot }): Member[] => {
    const [display = null, ...groups] = JSON.parse(slot.members) as [(string | null)?, ...string[]];
    return groups.includes(group) && (after === undefined || id > after) ? [{ id, display }] : [];
  });
  return [...found, ...more].toSorted(byId).slice(0, limit);
}
