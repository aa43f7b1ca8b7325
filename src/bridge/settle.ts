/** What a round of calls makes of a row, and what those who wait are told. Pure. */
import { BridgeError } from '../errors.ts';
import { type FactsChange, overlay } from '../mapping/facts.ts';
import { confirmAfter } from './confirm.ts';
import { letterOf, overtaken, withCreateDead } from './dead-letters.ts';
import { withoutDone } from './held.ts';
import type { Change, Outcome, Row, Unreadable } from './ports.ts';
import { buried, dueOf, shows } from './readings.ts';
import { isNothing } from './rows.ts';
import type { Result } from './settlements.ts';
import { backoff, type Timing } from './timing.ts';

/** What a round of calls came to. */
export interface Round {
  /** revisions of the changes it was for; newer ones stay */
  readonly covered: ReadonlySet<number>;
  /** what each step that was done changed in known */
  readonly after: readonly FactsChange[];
  readonly refusals: readonly { readonly names: readonly string[]; readonly error: BridgeError }[];
  /** steps that this row alone is not permitted */
  readonly barred: readonly { readonly names: readonly string[]; readonly reason: string }[];
  /** the outcome that cut the round short; null: every step was answered */
  readonly end: Extract<Outcome, { kind: 'replan' | 'blocked' | 'retry' }> | null;
  /** what the call carried that was never answered */
  readonly open: FactsChange;
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
  /** refused facts of requests that nobody waits for: dropped, with a line in the log */
  readonly orphans: number;
}

export interface SettleOptions {
  readonly now: number;
  readonly timing: Timing;
  readonly awaited: (revision: number) => boolean;
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
  const results = new Map<number, Result>();
  const covered = row.changes.filter(({ revision }) => round.covered.has(revision));
  if (round.removed) {
    for (const { revision } of row.changes)
      results.set(revision, round.covered.has(revision) ? { kind: 'settled' } : { kind: 'gone' });
    return { row: buried(row, now), results, alone: false, orphans: 0 };
  }
  const moved: Row = { ...row, ...advanced(row, round, now), calling: null };
  const next: Row = { ...moved, confirm: confirmAfter(moved, round, options) };
  const { end } = round;
  if (end?.kind === 'replan') return { row: { ...next, doubt: true }, results, alone: false, orphans: 0 };
  // a call for several requests was refused: only each of them alone tells whose fault it was
  const blameless = round.refusals.length > 0 && covered.length > 1;
  if (blameless && end === null)
    return {
      row: { ...next, doubt: false, dueAt: now + options.timing.lease },
      results,
      alone: true,
      orphans: 0,
    };
  const judged = judge(next, covered, blameless ? { ...round, refusals: [] } : round, options, results);
  return rested(row, { ...next, ...judged.left }, round, options, results, judged.orphans);
}

interface Judged {
  readonly left: Pick<Row, 'changes' | 'dead' | 'createMark'>;
  readonly orphans: number;
}

/** What is left of each change. */
function judge(
  next: Row,
  covered: readonly Change[],
  round: Round,
  options: SettleOptions,
  results: Map<number, Result>,
): Judged {
  const { awaited, now } = options;
  const kept = new Map<number, Change | null>();
  let { dead, createMark } = next;
  let orphans = 0;
  for (const change of covered) {
    const { revision } = change;
    const refused = round.refusals.filter(({ names }) => names.some((name) => asks(change).includes(name)));
    const [first] = refused;
    // a create that was refused in part was answered with an error: a repeat is no repeat
    if (first !== undefined && change.kind === 'create' && !change.answered) createMark = null;
    const isTold = first !== undefined && awaited(revision);
    if (first !== undefined && change.answered && !isTold) {
      const names = new Set(refused.flatMap((each) => each.names));
      const cause = { cause: 'refused', reason: first.error.message } as const;
      dead = [...dead, letterOf(change, cause, now, next.known === null ? undefined : names)];
    } else if (first !== undefined && !isTold) orphans += 1;
    const rest = first === undefined ? change : withoutRefused(change, round, next.known === null);
    const left = rest === null ? null : leftOf(rest, round, options, results);
    kept.set(revision, left === null ? null : edited(left, next));
    if (first !== undefined && isTold)
      results.set(revision, { kind: 'refused', error: told(change, round, first.error, left !== null) });
    dead = overtaken(dead, change, round.after);
  }
  const left = next.changes.flatMap((change) => {
    const rest = kept.get(change.revision);
    return rest === undefined ? [change] : rest === null ? [] : [rest];
  });
  const changes = withoutDone(left, doneNames(covered, round));
  const lost =
    next.known === null && covered.some(({ kind, revision }) => kind === 'create' && kept.get(revision) === null);
  if (!lost) return { left: { changes, dead, createMark }, orphans };
  // nobody is there to be edited: what was answered goes with the create
  for (const { revision } of changes) results.set(revision, { kind: 'gone' });
  return { left: { changes: [], dead: withCreateDead(dead, changes), createMark }, orphans };
}

/** Facts that are now as they were asked. */
function doneNames(covered: readonly Change[], { after, end, refusals, barred }: Round): ReadonlySet<string> {
  const done = new Set(
    [...after, ...(end === null ? covered.map(({ facts }) => facts) : [])].flatMap((each) => Object.keys(each)),
  );
  for (const { names } of [...refusals, ...barred]) for (const name of names) done.delete(name);
  return done;
}

/** What a change still asks after its refused facts are taken from it; null: nothing. */
function withoutRefused(change: Change, round: Round, whole: boolean): Change | null {
  if (whole || change.kind === 'delete') return null;
  const refused = new Set(round.refusals.flatMap(({ names }) => names));
  const facts = Object.fromEntries(Object.entries(change.facts).filter(([name]) => !refused.has(name)));
  const named = change.named.filter((name) => !refused.has(name));
  return Object.keys(facts).length === 0 ? null : { ...change, facts, named };
}

/** What of a change stays; results say what those who wait for it are told. */
function leftOf(change: Change, round: Round, options: SettleOptions, results: Map<number, Result>): Change | null {
  const { revision } = change;
  const { end, barred } = round;
  const mine = barred.filter(({ names }) => names.some((name) => asks(change).includes(name)));
  const why: Unreadable | undefined =
    end?.kind === 'retry' || end?.kind === 'blocked' ? end : mine[0] && { kind: 'blocked', reason: mine[0].reason };
  if (why === undefined) {
    results.set(revision, { kind: 'settled' });
    return null;
  }
  const cut = end === null ? only(change, new Set(mine.flatMap(({ names }) => names))) : withoutSpent(change, round);
  if (!options.awaited(revision)) return cut;
  if (!options.accept && !options.sent && isUntouched(round)) {
    results.set(revision, awayResult(why));
    return null;
  }
  results.set(revision, { kind: 'accepted' });
  return { ...cut, answered: true };
}

/** Once a create has been applied, what is left of it is an edit. */
const edited = (change: Change, { known }: Row): Change =>
  known !== null && change.kind === 'create' && change.facts['username'] === undefined
    ? { ...change, kind: 'edit' }
    : change;

function only(change: Change, names: ReadonlySet<string>): Change {
  if (change.kind === 'delete' || (change.kind === 'create' && names.has('username'))) return change;
  const facts = Object.fromEntries(Object.entries(change.facts).filter(([name]) => names.has(name)));
  return { ...change, facts, named: change.named.filter((name) => names.has(name)) };
}

/** A password is set at most once: a call that was never answered may have set it. One in a create is judged when the user is read. */
function withoutSpent(change: Change, { open, end }: Round): Change {
  if (end?.kind !== 'retry' || !('password' in open) || 'username' in open) return change;
  const { password: _password, ...facts } = change.facts;
  return { ...change, facts };
}

/** Nothing was applied and nothing is in doubt: what nobody was promised may be dropped, and the client told to come back. */
const isUntouched = ({ end, after, barred }: Round): boolean =>
  after.length === 0 &&
  (end?.kind === 'blocked' || (end?.kind === 'retry' && end.definite) || (end === null && barred.length > 0));

/** When the row is looked at again, and what is noted on it until then. */
function rested(
  before: Row,
  next: Row,
  round: Round,
  options: SettleOptions,
  results: Map<number, Result>,
  orphans: number,
): Settlement {
  const { now, timing } = options;
  const { end, barred } = round;
  const doubt = end?.kind === 'retry' && !end.definite;
  const attempts = end === null && barred.length === 0 ? 0 : before.attempts + 1;
  const stuck = stuckBy(before, end, now);
  const [bar] = barred;
  const base: Row = {
    ...next,
    doubt,
    attempts,
    stuck,
    blocked: bar?.reason ?? null,
    sentName: sentNameOf(before, next, round),
    lastError: end?.reason ?? bar?.reason ?? null,
  };
  const row = isPoisoned(base, options) ? poisoned(base, now, options, results) : base;
  const pause =
    end?.kind === 'retry' || end?.kind === 'blocked'
      ? pauseOf(end, attempts, timing)
      : bar === undefined
        ? timing.lease
        : timing.syncInterval;
  const dueAt = dueOf(row, now + pause);
  return { row: isNothing(row) ? null : { ...row, dueAt }, results, alone: false, orphans };
}

/** ms until the next try. */
export const pauseOf = (why: Unreadable, attempts: number, timing: Timing): number =>
  Math.max(backoff(attempts, timing), retryAfterOf(why) * 1000);

/** The name under which an unanswered create may still be applied. */
function sentNameOf(before: Row, next: Row, { open }: Round): string | null {
  if (next.known !== null) return null;
  return open['username'] ?? (next.confirm === null ? null : before.sentName);
}

function stuckBy({ stuck }: Row, end: Round['end'], now: number): Row['stuck'] {
  if (end?.kind !== 'retry' || end.cause !== 'answer') return null;
  if (stuck === null || stuck.reason !== end.reason) return { reason: end.reason, since: now, times: 1 };
  return { ...stuck, times: stuck.times + 1 };
}

const isPoisoned = ({ stuck }: Row, { now, timing, othersSucceeded }: SettleOptions): boolean =>
  stuck !== null &&
  stuck.times >= timing.poisonedTimes &&
  now - stuck.since >= timing.poisonedAfter &&
  othersSucceeded(stuck.since);

/** ZITADEL fails on this row alone, always in the same way: an operator has to look at it. */
function poisoned(row: Row, now: number, { awaited }: SettleOptions, results: Map<number, Result>): Row {
  const cause = { cause: 'poisoned', reason: row.stuck?.reason ?? '' } as const;
  const mine = row.changes.filter((change) => !change.held && !awaited(change.revision));
  const letters = mine.filter(({ answered }) => answered).map((change) => letterOf(change, cause, now));
  const changes = row.changes.filter((change) => !mine.includes(change));
  for (const { revision } of mine) results.delete(revision);
  const [first] = letters;
  const folded =
    first?.kind === 'create' ? withCreateDead([...row.dead, first], mine.slice(1)) : [...row.dead, ...letters];
  return { ...row, changes, dead: folded, stuck: null };
}

/** Whole seconds that ZITADEL asked for; 0: none. */
export const retryAfterOf = (end: Unreadable): number => (end.kind === 'retry' ? (end.retryAfter ?? 0) : 0);

/** Seconds: somebody has to mend a token or a role first. */
const BLOCKED_AGAIN = 60;

export function awayResult(end: Unreadable): Extract<Result, { kind: 'away' }> {
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

/** A refusal, with what of the change was applied all the same. */
function told(change: Change, round: Round, error: BridgeError, follows: boolean): BridgeError {
  const refused = new Set(round.refusals.flatMap(({ names }) => names));
  const applied = round.after
    .flatMap((each) => Object.keys(each))
    .filter((name) => asks(change).includes(name) && !refused.has(name));
  if (applied.length === 0 && !follows) return error;
  const deactivated = applied.includes('state') && change.facts['state'] === 'inactive';
  const what = follows
    ? 'the other attributes are applied as soon as ZITADEL lets them be'
    : deactivated
      ? 'the user was deactivated all the same'
      : 'the other attributes were applied';
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
