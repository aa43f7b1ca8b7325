/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import type { Row } from './types.ts';
import type { ChangeResult } from '../delivery/waiters.ts';
import type { Round, SettleOptions } from './round.ts';
import { tombstoned, shows } from './observe.ts';
import { recheckAfter } from './recheck.ts';
import { userNameLeftOpen } from './in-flight-name.ts';
import { withNextAttempt } from './next-attempt.ts';
import { verdicts } from './verdicts.ts';
import { overlay } from '../../mapping/facts.ts';
import { isRight } from '../../mapping/rights.ts';
import { UNKNOWN_RIGHTS } from '../delivery/rights.ts';
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
    return { ...NOTHING_TOLD, row: tombstoned(row, now), results };
  }
  const moved: Row = { ...row, ...advanced(row, round, now), rights: rightsAfter(row, round, now), calling: null };
  const next: Row = { ...moved, recheck: recheckAfter(moved, round, options) };
  const { end } = round;
  if (end?.kind === 'replan') return { ...NOTHING_TOLD, row: { ...next, doubt: true } };
  // a call for several requests was refused: only each of them alone tells whose fault it was
  const blameless = round.refusals.some(({ right }) => right === undefined) && covered.length > 1;
  if (blameless && end === null) {
    const apart = {
      ...next,
      doubt: false,
      sentName: userNameLeftOpen(row, next, round),
      dueAt: now + options.timing.leaseMs,
    };
    return { ...NOTHING_TOLD, row: apart, alone: true };
  }
  const { left, results, orphans, made } = verdicts(
    next,
    covered,
    blameless ? { ...round, refusals: round.refusals.filter(({ right }) => right !== undefined) } : round,
    options,
  );
  const rest = withNextAttempt(row, { ...next, ...left }, round, options);
  return {
    row: rest,
    results,
    alone: false,
    orphans,
    dead: made + (rest?.deadLetters.length ?? left.deadLetters.length) - left.deadLetters.length,
  };
}

const NOTHING_TOLD = { results: new Map<number, ChangeResult>(), alone: false, orphans: 0, dead: 0 };

/** Known with what the round did laid over it. modified moves only when what is shown did. */
function advanced(
  row: Row,
  round: Round,
  now: number,
): Pick<Row, 'confirmed' | 'modified' | 'verifiedAt' | 'sequence'> {
  const { confirmed, modified, verifiedAt, sequence } = row;
  if (round.after.length === 0) return { confirmed, modified, verifiedAt, sequence };
  const next = overlay(confirmed ?? {}, ...round.after);
  if (confirmed === null) return { confirmed: next, modified, verifiedAt: now, sequence: null };
  const moved = shows(row) !== shows({ ...row, confirmed: next });
  // rights do not move a user's sequence
  const isUser = round.after.some((each) => !Object.keys(each).every(isRight));
  return { confirmed: next, modified: moved ? now : modified, verifiedAt, sequence: isUser ? null : sequence };
}

/** What we set ourselves we know; what a call without an answer may have set we do not. */
function rightsAfter({ confirmed, rights }: Row, { after, openRight, end }: Round, now: number): Row['rights'] {
  if (openRight) return { ...rights, at: UNKNOWN_RIGHTS, sent: now };
  const isSet = after.some((each) => Object.keys(each).some(isRight));
  const next = isSet
    ? { ...rights, at: now, sent: now }
    : confirmed === null && after.length > 0
      ? { ...rights, at: now, sent: 0 }
      : rights;
  return end?.kind === 'replan' && end.right === true ? { ...next, at: UNKNOWN_RIGHTS } : next;
}
