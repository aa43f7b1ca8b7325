/** Names that another row still has in ZITADEL and is about to free: which row, and whether waiting makes sense. */
import { mayLandLate } from '../row/recheck.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { askedName, heldName, isSameRow, deliverable } from '../row/views.ts';

/** A temporary name for a row that must give its name up before it can get the next one. */
export const swapName = ({ id }: Key): string => `scim-swap-${id}`;

export type UsernameClaim =
  | { readonly kind: 'free' }
  /** the row that has it keeps it, according to all requests so far */
  | { readonly kind: 'taken'; readonly blocker: Row }
  /** the row that has it frees it only after an operator acts: it is blocked or on hold */
  | { readonly kind: 'stalled'; readonly blocker: Row }
  /** an unanswered call may still give it to another row, for a while */
  | { readonly kind: 'late' }
  /** another row must be delivered first */
  | { readonly kind: 'wait'; readonly blocker: Row }
  /** each waits for the other: one takes a temporary name */
  | { readonly kind: 'swap' };

/** Longest chain of rows that wait for each other. */
const LONGEST_CHAIN = 100;

export async function usernameClaimOf(store: Store, unique: Unique, key: Key, name: string): Promise<UsernameClaim> {
  const blocker = await holderOf(store, unique, name);
  if (blocker === undefined || isSameRow(blocker, key)) return { kind: 'free' };
  if (!frees(blocker)) {
    if (mayLand(blocker, name)) return { kind: 'late' };
    return { kind: blocker.pending.length > 0 ? 'stalled' : 'taken', blocker };
  }
  let at: Row | undefined = blocker;
  for (let length = 0; at !== undefined && length < LONGEST_CHAIN; length += 1) {
    const asked = askedName(at);
    if (asked === null) break;
    at = await holderOf(store, unique, asked);
    if (at !== undefined && isSameRow(at, key)) return { kind: 'swap' };
    if (at !== undefined && !frees(at)) break;
  }
  return { kind: 'wait', blocker };
}

async function holderOf(store: Store, { instance }: Unique, name: string): Promise<Row | undefined> {
  const holder = await store.reservedBy(instance, heldName(name));
  const row = holder && (await store.read(holder));
  if (row === undefined) return undefined;
  const isOver = row.tombstone !== null && row.recheck === null && row.pending.length === 0;
  return isOver ? undefined : row;
}

function mayLand(row: Row, name: string): boolean {
  const isSent = heldName(row.sentName ?? '') === heldName(name);
  const has = row.confirmed?.['username'];
  return mayLandLate(row) && isSent && (has === undefined || heldName(has) !== heldName(name));
}

/** Whether delivering the row can free a name. */
const frees = (row: Row): boolean => row.blocked === null && deliverable(row).length > 0;
