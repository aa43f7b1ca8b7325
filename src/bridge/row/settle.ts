/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import type { BridgeError } from '../../errors.ts';
import { type FactsChange, overlay } from '../../mapping/facts.ts';
import { recheckAfter } from './recheck.ts';
import { verdicts } from './verdicts.ts';
import { isRight } from '../../mapping/rights.ts';
import type { Change, Row } from './types.ts';
import type { Outcome, Unreadable } from '../ports/zitadel.ts';
import { tombstoned, shows } from './observe.ts';
import { withNextAttempt, sentNameOf } from './next-attempt.ts';
import { UNKNOWN_RIGHTS } from '../delivery/rights.ts';
import type { ChangeResult } from '../delivery/waiters.ts';
import type { Timing } from '../timing.ts';

/** What a round of calls came to. */
export interface Round {
  /** revisions of the changes it was for; newer ones stay */
  readonly covered: ReadonlySet<number>;
  /** what each step that was done changed in known */
  readonly after: readonly FactsChange[];
  readonly refusals: readonly Refusal[];
  /** steps that were not done and kept no other from being done: not permitted for this row alone, or a right that has to wait */
  readonly left: readonly { readonly names: readonly string[]; readonly why: Unreadable }[];
  /** the outcome that cut the round short; null: every step was answered */
  readonly end: (Extract<Outcome, { kind: 'replan' | 'blocked' | 'retry' }> & { readonly right?: boolean }) | null;
  /** what the call carried that was never answered */
  readonly open: FactsChange;
  /** and whether it was to change rights */
  readonly openRight: boolean;
  /** the user was deleted */
  readonly removed: boolean;
  /** call:outcome, for the log */
  readonly calls: readonly string[];
}

export interface Refusal {
  readonly names: readonly string[];
  readonly error: BridgeError;
  /** of a right: how it was wanted */
  readonly right?: FactsChange;
}

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

export interface SettleOptions {
  readonly now: number;
  readonly timing: Timing;
  readonly awaited: (change: Change) => boolean;
  /** WHEN_DOWN: whether those who wait are answered as if it were done */
  readonly accept: boolean;
  /** calls for this row were sent before in this reconcile: nothing of it may be dropped */
  readonly sent: boolean;
  /** other rows of the tenant succeeded since then */
  readonly othersSucceeded: (since: number) => boolean;
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
      sentName: sentNameOf(row, next, round),
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
