/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import type { ChangeResult } from '../delivery/waiters.ts';
import { attemptAfter, dueOf, isPoisoned, pauseAfter, poisoned } from './next-attempt.ts';
import { userNameLeftOpen } from './in-flight-name.ts';
import type { Round, SettleOptions } from './round.ts';
import { advance, distrust, giveUp, recordAttempt, schedule, settle, splitRefused, tombstone } from './transitions.ts';
import type { Row } from './types.ts';
import { verdicts } from './verdicts.ts';
import { unlessEmpty } from './views.ts';

export interface RoundResult {
  /** null: nothing is left of it */
  readonly row: Row | null;
  readonly results: ReadonlyMap<number, ChangeResult>;
  /** the changes that were sent together have to go one by one */
  readonly alone: boolean;
  /** refused facts of requests that nobody waits for: dropped, with a line in the log */
  readonly orphans: number;
  /** dead letters that it made */
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
  // a call for several requests was refused: only each of them alone tells whose fault it was
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

/** When the row is looked at again, and what is noted on it until then; null: nothing is left of it. */
function withNextAttempt(before: Row, next: Row, round: Round, options: SettleOptions): Row | null {
  const { now, timing } = options;
  const attempt = attemptAfter(before, next, round, now);
  const noted = recordAttempt(next, attempt);
  const row = isPoisoned(noted, options) ? giveUp(noted, poisoned(noted, options)) : noted;
  return unlessEmpty(schedule(row, dueOf(row, now + pauseAfter(round, attempt.attempts, timing))));
}
