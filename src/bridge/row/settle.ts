/** Applies a round's outcome to a row and to waiting requests. Pure. */
import type { ChangeResult } from '../delivery/waiters.ts';
import { attemptAfter, dueOf, isPoisoned, pauseAfter, poisoned } from './next-attempt.ts';
import { userNameLeftOpen } from './in-flight-name.ts';
import type { Round, SettleOptions } from './round.ts';
import { advance, distrust, giveUp, recordAttempt, schedule, settle, splitRefused, tombstone } from './transitions.ts';
import type { Row } from './types.ts';
import { verdicts } from './verdicts.ts';
import { unlessEmpty } from './views.ts';

export interface RoundResult {
  /** null: the row can be removed */
  readonly row: Row | null;
  readonly results: ReadonlyMap<number, ChangeResult>;
  /** the changes sent together must be resent one by one */
  readonly alone: boolean;
  /** refused facts of abandoned changes: dropped and logged */
  readonly orphans: number;
  /** dead letters it created */
  readonly dead: number;
}

/** Settling an older revision never clears a newer change. */
export function settleRound(row: Row, round: Round, options: SettleOptions): RoundResult {
  const { now } = options;
  const covered = row.pending.filter(({ revision }) => round.covered.has(revision));
  if (round.removed) {
    const results = new Map<number, ChangeResult>();
    for (const { revision } of row.pending)
      results.set(revision, round.covered.has(revision) ? { kind: 'settled' } : { kind: 'gone' });
    return { ...NOTHING_TOLD, row: tombstone(row, now), results };
  }
  const next = advance(row, round, options);
  const { end } = round;
  if (end?.kind === 'replan') return { ...NOTHING_TOLD, row: distrust(next) };
  // a combined call was refused: resend the changes one by one to find the offending one
  const blameless = round.refusals.some(({ right }) => right === undefined) && covered.length > 1;
  if (blameless && end === null) {
    const apart = splitRefused(next, userNameLeftOpen(row, next, round), now + options.timing.leaseMs);
    return { ...NOTHING_TOLD, row: apart, alone: true };
  }
  const { left, results, orphans, made } = verdicts(
    next,
    covered,
    blameless ? { ...round, refusals: round.refusals.filter(({ right }) => right !== undefined) } : round,
    options,
  );
  const rest = withNextAttempt(row, settle(next, left), round, options);
  return {
    row: rest,
    results,
    alone: false,
    orphans,
    dead: made + (rest?.deadLetters.length ?? left.deadLetters.length) - left.deadLetters.length,
  };
}

const NOTHING_TOLD = { results: new Map<number, ChangeResult>(), alone: false, orphans: 0, dead: 0 };

/** When to look at the row again, and the bookkeeping until then; null: the row can be removed. */
function withNextAttempt(before: Row, next: Row, round: Round, options: SettleOptions): Row | null {
  const { now, timing } = options;
  const attempt = attemptAfter(before, next, round, now);
  const noted = recordAttempt(next, attempt);
  const row = isPoisoned(noted, options) ? giveUp(noted, poisoned(noted, options)) : noted;
  return unlessEmpty(schedule(row, dueOf(row, now + pauseAfter(round, attempt.attempts, timing))));
}
