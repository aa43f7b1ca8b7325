/** What a round of calls leaves of each change: settled, refused, or still pending. Pure. */
import { type BridgeError, withNote } from '../../errors.ts';
import { onlyFacts, withoutFacts } from '../../mapping/facts.ts';
import { deadLetterOf, withoutSuperseded, foldedIntoDeadCreate } from './dead-letters.ts';
import { withoutDone } from './hold.ts';
import { isRight } from '../../mapping/rights.ts';
import type { Change, DeadLetter, Row } from './types.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import { DEACTIVATED, withoutPassword } from './views.ts';
import type { Round, SettleOptions } from './round.ts';
import { awayResult, type ChangeResult } from '../delivery/waiters.ts';

/** The outcome of a round for one of its changes. */
export interface Verdict {
  /** what remains to be done; null: nothing */
  readonly left: Change | null;
  /** what the waiting request is told; undefined: nothing */
  readonly result?: ChangeResult | undefined;
  /** its facts that were refused after the change was acknowledged */
  readonly deadLetter?: DeadLetter;
  /** it has refused facts that are not reported: its request is gone */
  readonly orphan: boolean;
  /** a repeat of the request is a new request */
  readonly endsReplay: boolean;
}

/** What a round leaves of its changes. */
export interface Verdicts {
  readonly left: Pick<Row, 'pending' | 'deadLetters' | 'replay'>;
  /** results for waiting requests, by revision */
  readonly results: ReadonlyMap<number, ChangeResult>;
  /** changes whose refused facts are not reported: their request is gone */
  readonly orphans: number;
  /** new dead letters */
  readonly made: number;
}

/** @param next the row with the round's effects in confirmed */
export function verdictOf(change: Change, round: Round, next: Row, options: SettleOptions): Verdict {
  const isThere = next.confirmed !== null;
  const refused = round.refusals.filter(
    ({ names, right }) => right === undefined && names.some((name) => asks(change).includes(name)),
  );
  const [first] = refused;
  if (first === undefined) {
    const { left, result } = leftOf(change, round, options);
    return { left: left && edited(left, isThere), result, orphan: false, endsReplay: false };
  }
  const rest = withoutRefused(change, round, !isThere);
  const { left, result } = rest === null ? NOTHING_LEFT : leftOf(rest, round, options);
  const verdict = {
    left: left && edited(left, isThere),
    result,
    orphan: false,
    // the client of a partly refused create got an error
    endsReplay: change.kind === 'create' && !change.acknowledged,
  };
  if (change.acknowledged) {
    const names = new Set(refused.flatMap((each) => each.names));
    const cause = { cause: 'refused', reason: first.error.message } as const;
    return { ...verdict, deadLetter: deadLetterOf(change, cause, options.now, isThere ? names : undefined) };
  }
  if (!options.awaited(change)) return { ...verdict, orphan: true };
  return { ...verdict, result: { kind: 'refused', error: told(change, round, first.error, left !== null) } };
}

/** @param next the row with the round's effects in confirmed */
export function verdicts(next: Row, covered: readonly Change[], round: Round, options: SettleOptions): Verdicts {
  const each = covered.map((change) => ({ change, verdict: verdictOf(change, round, next, options) }));
  const results = new Map(
    each.flatMap(({ change, verdict: { result } }) =>
      result === undefined ? [] : [[change.revision, result] as const],
    ),
  );
  const dead = each.reduce<readonly DeadLetter[]>(
    (letters, { change, verdict: { deadLetter } }) =>
      withoutSuperseded(deadLetter === undefined ? letters : [...letters, deadLetter], change, round.after),
    next.deadLetters,
  );
  const replay = each.some(({ verdict }) => verdict.endsReplay) ? null : next.replay;
  const orphans = each.filter(({ verdict }) => verdict.orphan).length;
  const made = each.filter(({ verdict }) => verdict.deadLetter !== undefined).length;
  const judged = new Map(each.map(({ change, verdict }) => [change.revision, verdict.left]));
  const left = next.pending.flatMap((change) => {
    const rest = judged.get(change.revision);
    return rest === undefined ? [change] : rest === null ? [] : [rest];
  });
  const changes = withoutDone(left, doneNames(covered, round));
  if (
    next.confirmed === null &&
    each.some(({ change, verdict }) => change.kind === 'create' && verdict.left === null)
  ) {
    // there is no user to edit: acknowledged edits share the fate of the create
    for (const { revision } of changes) results.set(revision, { kind: 'gone' });
    return { left: { pending: [], deadLetters: foldedIntoDeadCreate(dead, changes), replay }, results, orphans, made };
  }
  const rights = judgeRights(covered, round, dead, options.now);
  return {
    left: { pending: changes, deadLetters: rights.dead, replay },
    results,
    orphans,
    made: made + rights.made,
  };
}

/** Facts that now match the request. */
function doneNames(covered: readonly Change[], { after, end, refusals, left }: Round): ReadonlySet<string> {
  const done = new Set(
    [...after, ...(end === null ? covered.map(({ facts }) => facts) : [])].flatMap((each) => Object.keys(each)),
  );
  for (const { names } of [...refusals, ...left]) for (const name of names) done.delete(name);
  return done;
}

/** The change without its refused facts; null: nothing is left. */
function withoutRefused(change: Change, round: Round, whole: boolean): Change | null {
  if (whole || change.kind === 'delete') return null;
  const refused = new Set(round.refusals.flatMap(({ names }) => names));
  const facts = withoutFacts(change.facts, refused);
  const named = change.named.filter((name) => !refused.has(name));
  return Object.keys(facts).length === 0 ? null : { ...change, facts, named };
}

/** What remains of a change, and the result for the waiting request. */
function leftOf(change: Change, round: Round, options: SettleOptions): Pick<Verdict, 'left' | 'result'> {
  const { end, left } = round;
  const mine = left.filter(({ names }) => names.some((name) => asks(change).includes(name)));
  const why: Unreadable | undefined = end?.kind === 'retry' || end?.kind === 'blocked' ? end : mine[0]?.why;
  if (why === undefined) {
    const waits = change.rights === true && left.some(({ names }) => names.some(isRight));
    return { left: waits ? onlyRights(change) : null, result: { kind: 'settled' } };
  }
  const cut = end === null ? only(change, new Set(mine.flatMap(({ names }) => names))) : withoutSpent(change, round);
  if (change.acknowledged || !options.awaited(change)) return { left: cut };
  if (!options.accept && !options.sent && isUntouched(round)) return { left: null, result: awayResult(why) };
  return { left: { ...cut, acknowledged: true }, result: { kind: 'accepted' } };
}

const NOTHING_LEFT: Pick<Verdict, 'left' | 'result'> = { left: null };

/** What remains of a change while its rights have to wait: no request waits for them. */
const onlyRights = ({ revision, who, txn, at }: Change): Change => ({
  revision,
  kind: 'edit',
  facts: {},
  named: [],
  acknowledged: true,
  rights: true,
  who,
  txn,
  at,
});

/** Refused rights become dead letters, one per right; letters for rights no longer refused are dropped. */
function judgeRights(
  covered: readonly Change[],
  { refusals, left, end }: Round,
  dead: readonly DeadLetter[],
  now: number,
): { readonly dead: readonly DeadLetter[]; readonly made: number } {
  const last = covered.findLast(({ rights }) => rights);
  if (last === undefined) return { dead, made: 0 };
  const letters = refusals.flatMap(({ right, error }): DeadLetter[] => {
    if (right === undefined) return [];
    const cause = { cause: 'refused', reason: error.message } as const;
    return [{ ...deadLetterOf({ ...onlyRights(last), facts: right }, cause, now) }];
  });
  const isOf = (letter: DeadLetter): boolean => Object.keys(letter.facts).some(isRight);
  const isOpen = (letter: DeadLetter): boolean =>
    end !== null || left.some(({ names }) => names.some((name) => name in letter.facts));
  const told = new Set(letters.flatMap(({ facts }) => Object.keys(facts)));
  const kept = dead.filter(
    (letter) => !isOf(letter) || (isOpen(letter) && !Object.keys(letter.facts).some((fact) => told.has(fact))),
  );
  return { dead: [...kept, ...letters], made: letters.length };
}

/** Once a create has been applied, its remainder is an edit. */
const edited = (change: Change, isThere: boolean): Change =>
  isThere && change.kind === 'create' ? { ...change, kind: 'edit' } : change;

function only(change: Change, names: ReadonlySet<string>): Change {
  if (change.kind === 'delete') return change;
  return { ...change, facts: onlyFacts(change.facts, names), named: change.named.filter((name) => names.has(name)) };
}

/** A password is set at most once: an unanswered call may have set it. In a create, reading the user decides this. */
function withoutSpent(change: Change, { open, end }: Round): Change {
  if (end?.kind !== 'retry' || !('password' in open) || 'username' in open) return change;
  return { ...change, facts: withoutPassword(change.facts) };
}

/** Nothing was applied or is in doubt: changes without a promise may be dropped, and the client told to retry. */
const isUntouched = ({ end, after, left, refusals }: Round): boolean =>
  after.length === 0 &&
  refusals.length === 0 &&
  (end?.kind === 'blocked' || (end?.kind === 'retry' && end.definite) || (end === null && left.length > 0));

/** The facts of a change, under the names that steps use. */
const asks = (change: Change): readonly string[] => (change.kind === 'delete' ? ['gone'] : Object.keys(change.facts));

/** A refusal, with the facts of the change that were applied nevertheless. */
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
      ? DEACTIVATED
      : 'the other attributes were applied';
  return withNote(error, what);
}
