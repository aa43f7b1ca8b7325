/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import type { BridgeError } from '../errors.ts';
import { type FactsChange, overlay } from '../mapping/facts.ts';
import { confirmAfter } from './confirm.ts';
import { judge } from './judge.ts';
import { isRight } from '../mapping/rights.ts';
import type { Change, Outcome, Row, Unreadable } from './ports.ts';
import { buried, shows } from './readings.ts';
import { rested, sentNameOf } from './rest.ts';
import { UNKNOWN_RIGHTS } from './rights.ts';
import type { Result } from './settlements.ts';
import type { Timing } from './timing.ts';

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

export interface Settlement {
  /** null: nothing is left of it */
  readonly row: Row | null;
  readonly results: ReadonlyMap<number, Result>;
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
export function settled(row: Row, round: Round, options: SettleOptions): Settlement {
  const { now } = options;
  const covered = row.changes.filter(({ revision }) => round.covered.has(revision));
  if (round.removed) {
    const results = new Map<number, Result>();
    for (const { revision } of row.changes)
      results.set(revision, round.covered.has(revision) ? { kind: 'settled' } : { kind: 'gone' });
    return { ...NOTHING_TOLD, row: buried(row, now), results };
  }
  const moved: Row = { ...row, ...advanced(row, round, now), rights: rightsAfter(row, round, now), calling: null };
  const next: Row = { ...moved, confirm: confirmAfter(moved, round, options) };
  const { end } = round;
  if (end?.kind === 'replan') return { ...NOTHING_TOLD, row: { ...next, doubt: true } };
  // a call for several requests was refused: only each of them alone tells whose fault it was
  const blameless = round.refusals.some(({ right }) => right === undefined) && covered.length > 1;
  if (blameless && end === null) {
    const apart = { ...next, doubt: false, sentName: sentNameOf(row, next, round), dueAt: now + options.timing.lease };
    return { ...NOTHING_TOLD, row: apart, alone: true };
  }
  const { left, results, orphans, made } = judge(
    next,
    covered,
    blameless ? { ...round, refusals: round.refusals.filter(({ right }) => right !== undefined) } : round,
    options,
  );
  const rest = rested(row, { ...next, ...left }, round, options);
  return {
    row: rest,
    results,
    alone: false,
    orphans,
    dead: made + (rest?.dead.length ?? left.dead.length) - left.dead.length,
  };
}

const NOTHING_TOLD = { results: new Map<number, Result>(), alone: false, orphans: 0, dead: 0 };

/** Known with what the round did laid over it. modified moves only when what is shown did. */
function advanced(row: Row, round: Round, now: number): Pick<Row, 'known' | 'modified' | 'verifiedAt' | 'sequence'> {
  const { known, modified, verifiedAt, sequence } = row;
  if (round.after.length === 0) return { known, modified, verifiedAt, sequence };
  const next = overlay(known ?? {}, ...round.after);
  if (known === null) return { known: next, modified, verifiedAt: now, sequence: null };
  const moved = shows(row) !== shows({ ...row, known: next });
  // rights do not move a user's sequence
  const isUser = round.after.some((each) => !Object.keys(each).every(isRight));
  return { known: next, modified: moved ? now : modified, verifiedAt, sequence: isUser ? null : sequence };
}

/** What we set ourselves we know; what a call without an answer may have set we do not. */
function rightsAfter({ known, rights }: Row, { after, openRight, end }: Round, now: number): Row['rights'] {
  if (openRight) return { ...rights, at: UNKNOWN_RIGHTS, sent: now };
  const isSet = after.some((each) => Object.keys(each).some(isRight));
  const next = isSet
    ? { ...rights, at: now, sent: now }
    : known === null && after.length > 0
      ? { ...rights, at: now, sent: 0 }
      : rights;
  return end?.kind === 'replan' && end.right === true ? { ...next, at: UNKNOWN_RIGHTS } : next;
}
