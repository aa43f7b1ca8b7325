/** A name that another row is about to free: waiting for it, and what it means when it does not come free. */
import type { Step } from '../../mapping/steps.ts';
import { usernameClaimOf, swapName } from './username-claims.ts';
import type { Clock } from '../ports/context.ts';
import type { Lease, Store } from '../ports/store.ts';
import type { Row } from '../row/types.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import type { Deliver, Target } from './target.ts';
import { nameTaken } from '../row/in-flight-name.ts';
import { heldName, taken } from '../row/views.ts';
import type { Round } from '../row/round.ts';
import { LOOK_AGAIN, type Waiters } from './waiters.ts';
import type { Timing } from '../timing.ts';

export interface UsernameOrderOptions {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly timing: Timing;
  /** delivers the row that is to free the name */
  readonly deliver: Deliver;
}

export type Claimed =
  | { readonly kind: 'free' | 'late' }
  /** another row has it: the other steps go on */
  | { readonly kind: 'taken'; readonly steps: readonly Step[] }
  | { readonly kind: 'swap'; readonly steps: readonly Step[] }
  | Extract<Unreadable, { kind: 'retry' }>;

export interface UsernameOrder {
  /** Waits until no other row has the name in ZITADEL that these steps take, as long as that row is about to free it. */
  wait(row: Row, target: Pick<Target, 'unique' | 'zitadel'>, steps: readonly Step[], lease: Lease): Promise<Claimed>;
  /** What a round means that went out with this claim. */
  judge(claimed: Claimed, round: Round): Round;
}

const SWAPPED = { kind: 'replan', reason: 'a name was freed for another user' } as const;

const WAITS = { kind: 'retry', definite: true, cause: 'away', reason: 'waits-for-name' } as const;

/** A name that a late call has taken will be free again. */
function untilLanded(round: Round): Round {
  const isName = ({ error }: Round['refusals'][number]): boolean => error.scimType === 'uniqueness';
  if (round.end !== null || !round.refusals.some(isName)) return round;
  return { ...round, refusals: round.refusals.filter((each) => !isName(each)), end: WAITS };
}

/** Without its name nobody can be made; of an update the other facts stay. */
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

/** What a round means that went out with this claim. */
function judge({ kind }: Claimed, round: Round): Round {
  if (kind === 'swap' && isDone(round)) return { ...round, end: SWAPPED };
  if (kind === 'late') return untilLanded(round);
  if (kind !== 'taken') return round;
  return { ...round, refusals: [...round.refusals, { names: ['username'], error: taken('') }] };
}

export function createUsernameOrder({ store, waiters, clock, timing, deliver }: UsernameOrderOptions): UsernameOrder {
  /** Whether another row has the name as far as can be known: in ZITADEL, or in the store while that cannot be asked. */
  async function hasName(zitadel: Target['zitadel'], blocker: Row, name: string): Promise<boolean> {
    const answer = await zitadel.read(blocker.id);
    if (answer.kind === 'gone') return false;
    return answer.kind !== 'found' || heldName(answer.reading.facts['username'] ?? '') === heldName(name);
  }

  /** Waits until no other row has the name in ZITADEL that these steps take, as long as that row is about to free it. */
  async function wait(
    row: Row,
    { unique, zitadel }: Pick<Target, 'unique' | 'zitadel'>,
    steps: readonly Step[],
    lease: Lease,
  ): Promise<Claimed> {
    const name = steps.map(nameTaken).find((each) => each !== undefined);
    if (name === undefined) return { kind: 'free' };
    for (const end = clock() + timing.answerWithinMs; ; ) {
      const claim = await usernameClaimOf(store, unique, row, name);
      const isWanted = row.pending.some((change) => 'username' in change.facts && waiters.awaited(row, change));
      if (claim.kind === 'free' || claim.kind === 'late') return claim;
      if (claim.kind === 'taken' || claim.kind === 'stalled') {
        // what was answered waits for the operator, or for what ZITADEL itself says
        if (!isWanted) return claim.kind === 'taken' ? { kind: 'free' } : WAITS;
        if (!(await hasName(zitadel, claim.blocker, name))) return { kind: 'free' };
        return { kind: 'taken', steps: withoutName(steps) };
      }
      if (claim.kind === 'swap' && row.confirmed !== null) {
        const username = swapName(row);
        const set = { username };
        return { kind: 'swap', steps: [{ call: 'UpdateUser', set, names: ['username'], after: set }] };
      }
      if (claim.kind === 'wait' && clock() < end) {
        const changed = waiters.next(claim.blocker, Math.min(LOOK_AGAIN, timing.answerWithinMs));
        await deliver(claim.blocker);
        const now = await store.read(claim.blocker);
        const isPutOff = now !== undefined && now.version !== claim.blocker.version && now.attempts > 0;
        if (!isPutOff) {
          if (now?.version === claim.blocker.version) await changed;
          if (await store.prove(lease, timing.leaseMs)) continue;
        }
      }
      return WAITS;
    }
  }

  return { wait, judge };
}
