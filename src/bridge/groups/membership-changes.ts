/** Memberships: each is a fact of its user's row, so the cost of a group change depends on the members that change. */
import { BridgeError } from '../../errors.ts';
import { groupKey, MEMBER } from '../../mapping/groups.ts';
import { inParallel } from '../in-parallel.ts';
import type { Context } from '../ports/context.ts';
import { trust } from '../row/transitions.ts';
import type { Row } from '../row/types.ts';
import { absent, shownFacts } from '../row/views.ts';
import { readUser } from '../requests/read-users.ts';
import { checkAccepted, submitChange } from '../requests/submit.ts';
import type { UserContext } from '../requests/user-context.ts';

export interface MembershipContext {
  readonly users: UserContext;
  /** whether rules are active: then each change evaluates the rights as well */
  readonly givesRights: () => boolean;
}

/** A request that changes the members of a group. */
export interface MemberRequest {
  readonly ctx: Context;
  readonly group: string;
  readonly deadline: number;
  /** part of the request is done already, so all of it is carried out */
  readonly begun: boolean;
}

/** true: will be a member; false: will not. */
export type MemberChanges = ReadonlyMap<string, boolean>;

/** Users written at once: more would only wait inside ZITADEL, and delay others. */
const AT_ONCE = 6;
/** The longest time to store one change without sending anything. */
const KEEPING_MS = 0.7;
/** The view may be of any age. */
const ANY_AGE = Number.POSITIVE_INFINITY;

/**
 * Adds users to a group or removes them, a few at a time, until the deadline; the rest is acknowledged and left to the
 * queue. Returns ids that are no users. Throws BridgeError 503 if nothing was kept, else the first refusal, at the end.
 */
export async function changeMembers(
  context: MembershipContext,
  request: MemberRequest,
  wishes: MemberChanges,
): Promise<readonly string[]> {
  const { clock, timing } = context.users.requests;
  const reserveMs = Math.min(timing.answerWithinMs / 2, wishes.size * KEEPING_MS);
  const hurries = (): boolean => clock() >= request.deadline - reserveMs;
  const unknown: string[] = [];
  let done = request.begun;

  /** The failures among those attempted. */
  async function tryAll(ids: readonly string[], later: () => boolean): Promise<ReadonlyMap<string, unknown>> {
    const failures = new Map<string, unknown>();
    await inParallel(ids, AT_ONCE, async (id) => {
      try {
        const joins = wishes.get(id) === true;
        if (await changeMember(context, request, { id, joins, later })) done = true;
        else if (joins) unknown.push(id);
      } catch (error) {
        failures.set(id, error);
      }
    });
    return failures;
  }

  let failures = await tryAll([...wishes.keys()], hurries);
  // once part of it is done, all of it is: the client gets one outcome
  const waiting = [...failures].flatMap(([id, error]) => (isOutage(error) ? [id] : []));
  if (done && waiting.length > 0) {
    const again = await tryAll(waiting, () => true);
    failures = new Map([...[...failures].filter(([, error]) => !isOutage(error)), ...again]);
  }
  const [first] = failures.values();
  if (first !== undefined) throw first;
  return unknown;
}

/** Whether it was done; false: there is no such user. */
async function changeMember(
  { users, givesRights }: MembershipContext,
  { ctx, group, deadline }: MemberRequest,
  { id, joins, later }: { readonly id: string; readonly joins: boolean; readonly later: () => boolean },
): Promise<boolean> {
  const { clock, timing } = users.requests;
  const submitted = await submitChange(users, {
    ctx,
    read: () => rowOf(users, id, later() ? 'rows' : 'zitadel'),
    make(row) {
      if (isSo(row, group, joins)) return undefined;
      const facts = { [groupKey(group)]: joins ? MEMBER : null };
      // a leaving member stays trusted until it has left: the removal may fail
      const rights = givesRights() ? ({ rights: true } as const) : {};
      return { onto: joins ? trust(row, [group]) : row, change: { kind: 'edit', facts, named: [], ...rights } };
    },
    deadline,
    giveUpAt: Math.max(clock(), deadline) + timing.answerWithinMs,
    later,
  });
  if (submitted.kind === 'gone') return false;
  checkAccepted(submitted, absent);
  return true;
}

/** Where users are looked up: in the rows, and in ZITADEL for those without a row. */
type Where = 'rows' | 'zitadel';

async function rowOf({ view, requests }: UserContext, id: string, where: Where): Promise<Row | undefined> {
  const row = await requests.store.read({ tenant: requests.tenant, id });
  if (row !== undefined && shownFacts(row) !== null) return row;
  if (row === undefined ? where === 'rows' : !row.doubt) return undefined;
  try {
    return await readUser(view, id, ANY_AGE);
  } catch (error) {
    if (error instanceof BridgeError && error.status === 404) return undefined;
    throw error;
  }
}

/** The ids that no user has; ZITADEL is asked for those without a row. Throws BridgeError 503 past the deadline. */
export async function unknownUsers(
  context: MembershipContext,
  ids: readonly string[],
  deadline: number,
): Promise<readonly string[]> {
  const unknown: string[] = [];
  await inParallel(ids, AT_ONCE, async (id) => {
    checkInTime(context, deadline);
    if ((await rowOf(context.users, id, 'zitadel')) === undefined) unknown.push(id);
  });
  return unknown;
}

/** Whether any user has one of these ids; stops at the first. Throws BridgeError 503 past the deadline. */
export async function isAnyKnown(
  context: MembershipContext,
  ids: readonly string[],
  where: Where,
  deadline: number,
): Promise<boolean> {
  let isKnown = false;
  await inParallel(ids, AT_ONCE, async (id) => {
    if (isKnown) return;
    checkInTime(context, deadline);
    if ((await rowOf(context.users, id, where)) !== undefined) isKnown = true;
  });
  return isKnown;
}

function checkInTime({ users }: MembershipContext, deadline: number): void {
  if (users.requests.clock() >= deadline)
    throw new BridgeError(503, 'not all members could be looked up in time; try again', { retryAfter: 5 });
}

const isOutage = (error: unknown): boolean => error instanceof BridgeError && error.status === 503;

/** Whether there is nothing to do: the membership is confirmed and trusted, and no change is pending. */
function isSo(row: Row, group: string, joins: boolean): boolean {
  const key = groupKey(group);
  const last = row.pending.findLast(({ kind, facts }) => key in facts || kind !== 'edit');
  if (joins && !row.trusted.includes(group)) return false;
  const value = joins ? MEMBER : null;
  if (last === undefined) return (row.confirmed?.[key] ?? null) === value;
  return last.acknowledged && last.onHold !== true && (last.facts[key] ?? null) === value;
}
