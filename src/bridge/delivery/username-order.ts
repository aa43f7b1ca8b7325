/** A name that another row is about to free: waiting for it, and what follows when it does not become free. */
import type { Step } from '../../mapping/steps.ts';
import { usernameClaimOf, swapName } from './username-claims.ts';
import type { DeliveryContext, LeasedRow } from './context.ts';
import type { Row } from '../row/types.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import type { Target } from './target.ts';
import { nameTaken } from '../row/in-flight-name.ts';
import { heldName, taken } from '../row/views.ts';
import type { Round } from '../row/round.ts';
import { LOOK_AGAIN } from './waiters.ts';

/** Whether a row may take the name that its steps set. */
export type UsernameTurn =
  /** late: an unanswered call may still give it to another row */
  | { readonly kind: 'free' | 'late' }
  /** another row has it: the other steps are sent */
  | { readonly kind: 'taken' }
  /** two rows wait for each other's name: this one takes a temporary name */
  | { readonly kind: 'swap' }
  | Extract<Unreadable, { kind: 'retry' }>;

/** The steps to send in this situation. */
export function stepsUnder({ kind }: UsernameTurn, row: Row, steps: readonly Step[]): readonly Step[] {
  if (kind === 'taken') return withoutName(steps);
  if (kind !== 'swap') return steps;
  const set = { username: swapName(row) };
  return [{ call: 'UpdateUser', set, names: ['username'], after: set }];
}

/** The outcome of a round made in this situation. */
export function roundUnder({ kind }: UsernameTurn, round: Round): Round {
  if (kind === 'swap' && isDone(round)) return { ...round, end: SWAPPED };
  if (kind === 'late') return untilLanded(round);
  if (kind !== 'taken') return round;
  return { ...round, refusals: [...round.refusals, { names: ['username'], error: taken('') }] };
}

/** Waits until no other row has the name in ZITADEL, as long as the row that has it is about to free it. */
export async function awaitUserName(
  { store, waiters, clock, timing, deliver }: DeliveryContext,
  { target: { unique, zitadel }, lease }: LeasedRow,
  row: Row,
  name: string,
): Promise<UsernameTurn> {
  for (const end = clock() + timing.answerWithinMs; ; ) {
    const claim = await usernameClaimOf(store, unique, row, name);
    if (claim.kind === 'free' || claim.kind === 'late') return claim;
    if (claim.kind === 'taken' || claim.kind === 'stalled') {
      const isWanted = row.pending.some((change) => 'username' in change.facts && waiters.awaited(row, change));
      // acknowledged changes wait for the operator, or for ZITADEL's own answer
      if (!isWanted) return claim.kind === 'taken' ? FREE : WAITS;
      return (await hasName(zitadel, claim.blocker, name)) ? { kind: 'taken' } : FREE;
    }
    if (claim.kind === 'swap' && row.confirmed !== null) return claim;
    if (claim.kind === 'swap' || clock() >= end) return WAITS;
    const changed = waiters.next(claim.blocker, Math.min(LOOK_AGAIN, timing.answerWithinMs));
    await deliver(claim.blocker);
    const now = await store.read(claim.blocker);
    const isUnchanged = now?.version === claim.blocker.version;
    if (now !== undefined && !isUnchanged && now.attempts > 0) return WAITS;
    if (isUnchanged) await changed;
    if (!(await store.prove(lease, timing.leaseMs))) return WAITS;
  }
}

/** Whether another row has the name: asks ZITADEL, or the store while ZITADEL is unreachable. */
async function hasName(zitadel: Target['zitadel'], blocker: Row, name: string): Promise<boolean> {
  const answer = await zitadel.read(blocker.id);
  if (answer.kind === 'gone') return false;
  return answer.kind !== 'found' || heldName(answer.reading.facts['username'] ?? '') === heldName(name);
}

const FREE = { kind: 'free' } as const;

const SWAPPED = { kind: 'replan', reason: 'a name was freed for another user' } as const;

const WAITS = { kind: 'retry', definite: true, cause: 'away', reason: 'waits-for-name' } as const;

/** A name that a late call has taken will become free again. */
function untilLanded(round: Round): Round {
  const isName = ({ error }: Round['refusals'][number]): boolean => error.scimType === 'uniqueness';
  if (round.end !== null || !round.refusals.some(isName)) return round;
  return { ...round, refusals: round.refusals.filter((each) => !isName(each)), end: WAITS };
}

/** A create needs its name; an update keeps its other facts. */
function withoutName(steps: readonly Step[]): readonly Step[] {
  if (steps.some(({ call }) => call === 'CreateUser')) return [];
  return steps.flatMap((step) => {
    if (nameTaken(step) === undefined) return [step];
    const { username: _username, ...set } = step.set;
    const { username: _after, ...after } = step.after ?? {};
    const names = step.names.filter((fact) => fact !== 'username');
    return names.length === 0 ? [] : [{ ...step, set, names, after }];
  });
}

const isDone = ({ end, refusals, left }: Round): boolean => end === null && refusals.length + left.length === 0;
