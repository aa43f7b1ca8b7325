/** A name that another row is about to free: waiting for it, and what it means when it does not come free. */
import type { Step } from '../mapping/steps.ts';
import { claimOf, nameTaken, swapName } from './claims.ts';
import type { Clock, Lease, Row, Store, Unique, Unreadable } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { taken } from './rows.ts';
import type { Round } from './settle.ts';
import type { Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';

export interface NameWaitOptions {
  readonly store: Store;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly timing: Timing;
  /** delivers the row that is to free the name */
  readonly reconcile: Reconcile;
}

export type Claimed =
  | { readonly kind: 'free' | 'taken' | 'stalled' | 'late' }
  | { readonly kind: 'swap'; readonly steps: readonly Step[] }
  | Extract<Unreadable, { kind: 'retry' }>;

export interface NameWait {
  /** Waits until no other row has the name in ZITADEL that these steps take, as long as that row is about to free it. */
  wait(row: Row, unique: Unique, steps: readonly Step[], lease: Lease): Promise<Claimed>;
  /** What a round means that went out with this claim. */
  judge(claimed: Claimed, row: Row, round: Round): Round;
}

/** Looks again at least this often whether another row has freed a name, ms. */
const LOOK_AGAIN = 250;

const SWAPPED = { kind: 'replan', reason: 'a name was freed for another user' } as const;

const WAITS = { kind: 'retry', definite: true, cause: 'away', reason: 'waits-for-name' } as const;

/** A name that a late call has taken will be free again. */
function untilLanded(round: Round): Round {
  const isName = ({ error }: Round['refusals'][number]): boolean => error.scimType === 'uniqueness';
  if (round.end !== null || !round.refusals.some(isName)) return round;
  return { ...round, refusals: round.refusals.filter((each) => !isName(each)), end: WAITS };
}

export function createNameWait({ store, settlements, clock, timing, reconcile }: NameWaitOptions): NameWait {
  /** A round of steps that took a name which another row has. */
  function judge({ kind }: Claimed, row: Row, round: Round): Round {
    if (kind === 'swap' && round.end === null) return { ...round, end: SWAPPED };
    if (kind === 'late') return untilLanded(round);
    const isWanted = row.changes.every(({ revision }) => settlements.awaited(row, revision));
    const isUnsent = round.end?.kind === 'retry' && round.end.definite && round.after.length === 0;
    if ((kind !== 'taken' && kind !== 'stalled') || !isWanted || !isUnsent) return round;
    // while ZITADEL is away nothing else says so
    return { ...round, end: null, refusals: [{ names: ['username'], error: taken('') }] };
  }

  /** Waits until no other row has the name in ZITADEL that these steps take, as long as that row is about to free it. */
  async function wait(row: Row, unique: Unique, steps: readonly Step[], lease: Lease): Promise<Claimed> {
    const name = steps.map(nameTaken).find((each) => each !== undefined);
    if (name === undefined) return { kind: 'free' };
    for (const end = clock() + timing.answerWithin; ; ) {
      const claim = await claimOf(store, unique, row, name);
      const isWanted = row.changes.some(({ revision }) => settlements.awaited(row, revision));
      // who waits for an answer is told by ZITADEL itself that the name is taken; what was answered waits for the operator
      const isJudged = claim.kind === 'free' || claim.kind === 'late' || claim.kind === 'taken';
      if (isJudged || (claim.kind === 'stalled' && isWanted)) return claim;
      if (claim.kind === 'swap' && row.known !== null) {
        const username = swapName(row);
        const set = { username };
        return { kind: 'swap', steps: [{ call: 'UpdateUser', set, names: ['username'], after: set }] };
      }
      if (claim.kind === 'wait' && clock() < end) {
        const changed = settlements.next(claim.blocker, Math.min(LOOK_AGAIN, timing.answerWithin));
        await reconcile(claim.blocker);
        const now = await store.read(claim.blocker);
        const isPutOff = now !== undefined && now.version !== claim.blocker.version && now.attempts > 0;
        if (!isPutOff) {
          if (now?.version === claim.blocker.version) await changed;
          if (await store.prove(lease, timing.lease)) continue;
        }
      }
      return WAITS;
    }
  }

  return { wait, judge };
}
