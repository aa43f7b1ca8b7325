/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import { BridgeError } from '../errors.ts';
import { type FactsChange, overlay } from '../mapping/facts.ts';
import type { Change, Outcome, Reading, Row, Unreadable } from './ports.ts';
import { shownFacts, textOf, userOf } from './rows.ts';
import type { Result } from './settlements.ts';
import { backoff, type Timing } from './timing.ts';

/** What a round of calls came to. */
export interface Round {
  /** what each step that was done changed in known */
  readonly after: readonly FactsChange[];
  readonly refusals: readonly { readonly names: readonly string[]; readonly error: BridgeError }[];
  /** the outcome that cut the round short; null: every step was answered */
  readonly end: Extract<Outcome, { kind: 'replan' | 'blocked' | 'retry' }> | null;
  /** the user was deleted */
  readonly removed: boolean;
  /** call:outcome, for the log */
  readonly calls: readonly string[];
}

export interface Settlement {
  /** null: nothing is left of it */
  readonly row: Row | null;
  readonly results: ReadonlyMap<number, Result>;
  /** the changes that were sent together have to go one by one */
  readonly alone: boolean;
}

interface SettleOptions {
  /** the last revision that the round knew of; newer changes stay */
  readonly top: number;
  readonly now: number;
  readonly timing: Timing;
  readonly awaited: (revision: number) => boolean;
}

/** Settling an older revision never clears a newer change. */
export function settled(row: Row, round: Round, { top, now, timing, awaited }: SettleOptions): Settlement {
  const results = new Map<number, Result>();
  const seen = row.changes.filter((change) => change.revision <= top);
  if (round.removed) {
    for (const change of row.changes)
      results.set(change.revision, change.revision <= top ? { kind: 'settled' } : { kind: 'gone' });
    return { row: buried(row, now), results, alone: false };
  }
  const { end } = round;
  const next = { ...row, ...advanced(row, round, now) };
  if (end?.kind === 'replan') return { row: { ...next, doubt: true }, results, alone: false };
  // a call for several requests was refused: only each of them alone tells whose fault it was
  const blameless = round.refusals.length > 0 && seen.length > 1;
  if (blameless && end === null)
    return { row: { ...next, doubt: false, dueAt: now + timing.lease }, results, alone: true };
  const dropped = isDropped(round);
  const kept: Change[] = [];
  for (const change of seen) {
    const result = resultOf(change, blameless ? { ...round, refusals: [] } : round);
    results.set(change.revision, result);
    if (result.kind === 'away' && !(dropped && awaited(change.revision))) kept.push(change);
  }
  const changes = [...kept, ...row.changes.filter((change) => change.revision > top)];
  if (next.known === null && changes.length === 0) return { row: null, results, alone: false };
  // a create that was refused in part was answered with an error: a repeat is no repeat
  const refused = seen.some(({ kind, revision }) => kind === 'create' && results.get(revision)?.kind === 'refused');
  const doubt = end?.kind === 'retry' && !end.definite;
  const attempts = end === null ? 0 : row.attempts + 1;
  const pause = end === null ? timing.lease : Math.max(backoff(attempts, timing), retryAfterOf(end) * 1000);
  const dueAt = changes.length > 0 || doubt ? now + pause : null;
  return {
    alone: false,
    row: {
      ...next,
      ...(refused ? { createMark: null } : {}),
      changes,
      doubt,
      attempts,
      dueAt,
      lastError: end === null ? null : end.reason,
    },
    results,
  };
}

/** Nothing was applied and nothing is in doubt: what nobody was promised is dropped, and the client told to come back. */
const isDropped = ({ end, after }: Round): boolean =>
  after.length === 0 && (end?.kind === 'blocked' || (end?.kind === 'retry' && end.definite));

/** Whole seconds that ZITADEL asked for; 0: none. */
export const retryAfterOf = (end: Round['end'] | Unreadable): number =>
  end?.kind === 'retry' ? (end.retryAfter ?? 0) : 0;

/** Seconds: somebody has to mend a token or a role first. */
const BLOCKED_AGAIN = 60;

export function awayResult(end: Unreadable): Result {
  const blocked = end.kind === 'blocked';
  return {
    kind: 'away',
    retryAfter: Math.ceil(retryAfterOf(end)) || (blocked ? BLOCKED_AGAIN : 5),
    reason: end.reason,
    blocked,
  };
}

/** What a change asks for, as the names that steps carry. */
const asks = (change: Change): readonly string[] => (change.kind === 'delete' ? ['gone'] : Object.keys(change.facts));

function resultOf(change: Change, round: Round): Result {
  const refused = round.refusals.find(({ names }) => names.some((name) => asks(change).includes(name)));
  if (refused !== undefined) return { kind: 'refused', error: told(change, round, refused.error) };
  if (round.end?.kind === 'retry' || round.end?.kind === 'blocked') return awayResult(round.end);
  return { kind: 'settled' };
}

/** A refusal, with what of the change was applied all the same. */
function told(change: Change, round: Round, error: BridgeError): BridgeError {
  const refused = new Set(round.refusals.flatMap(({ names }) => names));
  const applied = round.after
    .flatMap((each) => Object.keys(each))
    .filter((name) => asks(change).includes(name) && !refused.has(name));
  if (applied.length === 0) return error;
  const deactivated = applied.includes('state') && change.facts['state'] === 'inactive';
  const what = deactivated ? 'the user was deactivated all the same' : 'the other attributes were applied';
  const { status, scimType } = error;
  return new BridgeError(status, `${error.message} (${what})`, scimType === undefined ? {} : { scimType });
}

/** Known with what the round did laid over it. modified moves only when what is shown did. */
function advanced(row: Row, round: Round, now: number): Pick<Row, 'known' | 'modified' | 'verifiedAt' | 'sequence'> {
  const { known, modified, verifiedAt, sequence } = row;
  if (round.after.length === 0) return { known, modified, verifiedAt, sequence };
  const next = overlay(known ?? {}, ...round.after);
  if (known === null) return { known: next, modified, verifiedAt: now, sequence: null };
  const moved = shows(row) !== shows({ ...row, known: next });
  return { known: next, modified: moved ? now : modified, verifiedAt, sequence: null };
}

/** What a client would see of it, to compare. */
function shows(row: Row): string {
  const facts = shownFacts(row);
  return facts === null ? '' : textOf(userOf(facts));
}

/**
 * A row after GetUserByID answered (null: gone): in doubt no more. A password is set at most once: an attempt in doubt may have
 * set it, so it is kept only for a request that still waits, or with a create that was not applied.
 */
export function confirmed(row: Row, reading: Reading | null, now: number, awaited = nobodyWaits): Row {
  if (reading === null) return { ...row, known: null, doubt: false, verifiedAt: now };
  const changes = row.changes.map((change) => (awaited(change.revision) ? change : withoutPassword(change)));
  const next: Row = {
    ...row,
    known: reading.facts,
    changes,
    doubt: false,
    verifiedAt: now,
    sequence: reading.sequence,
    lastError: null,
  };
  return { ...next, modified: shows(row) === shows(next) ? row.modified : now };
}

const nobodyWaits = (_revision: number): boolean => false;

/** A row for a user that ZITADEL had before the bridge knew of it. */
export function found(row: Row, reading: Reading, now: number): Row {
  return { ...confirmed(row, reading, now), created: reading.created, modified: reading.changed };
}

function withoutPassword(change: Change): Change {
  const { password: _password, ...facts } = change.facts;
  return { ...change, facts };
}

/** The tombstone of a row: hidden, its name free. */
export function buried(row: Row, now: number): Row {
  const over = { known: null, changes: [], doubt: false, attempts: 0, dueAt: null, lastError: null, createMark: null };
  return { ...row, ...over, modified: now, tombstone: now };
}
