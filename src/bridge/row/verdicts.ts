/** What a round of calls leaves of each change: settled, refused, or still owed. Pure. */
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

/** What a round leaves of the changes it was for. */
export interface Verdicts {
  readonly left: Pick<Row, 'pending' | 'deadLetters' | 'replay'>;
  /** what those who wait are told, by revision */
  readonly results: ReadonlyMap<number, ChangeResult>;
  /** changes whose refused facts nobody is told of: their request was cut off */
  readonly orphans: number;
  /** new dead letters */
  readonly made: number;
}

/** @param next the row with what the round brought about in known */
export function verdicts(next: Row, covered: readonly Change[], round: Round, options: SettleOptions): Verdicts {
  const { awaited, now } = options;
  const results = new Map<number, ChangeResult>();
  const kept = new Map<number, Change | null>();
  let { deadLetters: dead, replay: createMark } = next;
  let orphans = 0;
  let made = 0;
  for (const change of covered) {
    const { revision } = change;
    const refused = round.refusals.filter(
      ({ names, right }) => right === undefined && names.some((name) => asks(change).includes(name)),
    );
    const [first] = refused;
    // a create that was refused in part was answered with an error: a repeat is no repeat
    if (first !== undefined && change.kind === 'create' && !change.acknowledged) createMark = null;
    // one whose time was up is answered already
    const isTold = first !== undefined && awaited(change) && !change.acknowledged;
    if (first !== undefined && change.acknowledged && !isTold) {
      const names = new Set(refused.flatMap((each) => each.names));
      const cause = { cause: 'refused', reason: first.error.message } as const;
      made += 1;
      dead = [...dead, deadLetterOf(change, cause, now, next.confirmed === null ? undefined : names)];
    } else if (first !== undefined && !isTold) orphans += 1;
    const rest = first === undefined ? change : withoutRefused(change, round, next.confirmed === null);
    const left = rest === null ? null : leftOf(rest, round, options, results);
    kept.set(revision, left === null ? null : edited(left, next));
    if (first !== undefined && isTold)
      results.set(revision, { kind: 'refused', error: told(change, round, first.error, left !== null) });
    dead = withoutSuperseded(dead, change, round.after);
  }
  const rights = judgeRights(covered, round, dead, now);
  const left = next.pending.flatMap((change) => {
    const rest = kept.get(change.revision);
    return rest === undefined ? [change] : rest === null ? [] : [rest];
  });
  const changes = withoutDone(left, doneNames(covered, round));
  const lost =
    next.confirmed === null && covered.some(({ kind, revision }) => kind === 'create' && kept.get(revision) === null);
  if (!lost)
    return {
      left: { pending: changes, deadLetters: rights.dead, replay: createMark },
      results,
      orphans,
      made: made + rights.made,
    };
  // nobody is there to be edited: what was answered goes with the create
  for (const { revision } of changes) results.set(revision, { kind: 'gone' });
  return {
    left: { pending: [], deadLetters: foldedIntoDeadCreate(dead, changes), replay: createMark },
    results,
    orphans,
    made,
  };
}

/** Facts that are now as they were asked. */
function doneNames(covered: readonly Change[], { after, end, refusals, left }: Round): ReadonlySet<string> {
  const done = new Set(
    [...after, ...(end === null ? covered.map(({ facts }) => facts) : [])].flatMap((each) => Object.keys(each)),
  );
  for (const { names } of [...refusals, ...left]) for (const name of names) done.delete(name);
  return done;
}

/** What a change still asks after its refused facts are taken from it; null: nothing. */
function withoutRefused(change: Change, round: Round, whole: boolean): Change | null {
  if (whole || change.kind === 'delete') return null;
  const refused = new Set(round.refusals.flatMap(({ names }) => names));
  const facts = withoutFacts(change.facts, refused);
  const named = change.named.filter((name) => !refused.has(name));
  return Object.keys(facts).length === 0 ? null : { ...change, facts, named };
}

/** What of a change stays; results say what those who wait for it are told. */
function leftOf(
  change: Change,
  round: Round,
  options: SettleOptions,
  results: Map<number, ChangeResult>,
): Change | null {
  const { revision } = change;
  const { end, left } = round;
  const mine = left.filter(({ names }) => names.some((name) => asks(change).includes(name)));
  const why: Unreadable | undefined = end?.kind === 'retry' || end?.kind === 'blocked' ? end : mine[0]?.why;
  if (why === undefined) {
    results.set(revision, { kind: 'settled' });
    return change.rights === true && left.some(({ names }) => names.some(isRight)) ? onlyRights(change) : null;
  }
  const cut = end === null ? only(change, new Set(mine.flatMap(({ names }) => names))) : withoutSpent(change, round);
  if (change.acknowledged || !options.awaited(change)) return cut;
  if (!options.accept && !options.sent && isUntouched(round)) {
    results.set(revision, awayResult(why));
    return null;
  }
  results.set(revision, { kind: 'accepted' });
  return { ...cut, acknowledged: true };
}

/** What of a change stays while its rights have to wait: nobody is kept waiting for them. */
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

/** Refused rights are dead letters, one for each right; one that is not refused any more is none. */
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

/** Once a create has been applied, what is left of it is an edit. */
const edited = (change: Change, { confirmed }: Row): Change =>
  confirmed !== null && change.kind === 'create' ? { ...change, kind: 'edit' } : change;

function only(change: Change, names: ReadonlySet<string>): Change {
  if (change.kind === 'delete') return change;
  return { ...change, facts: onlyFacts(change.facts, names), named: change.named.filter((name) => names.has(name)) };
}

/** A password is set at most once: a call that was never answered may have set it. One in a create is judged when the user is read. */
function withoutSpent(change: Change, { open, end }: Round): Change {
  if (end?.kind !== 'retry' || !('password' in open) || 'username' in open) return change;
  return { ...change, facts: withoutPassword(change.facts) };
}

/** Nothing was applied and nothing is in doubt: what nobody was promised may be dropped, and the client told to come back. */
const isUntouched = ({ end, after, left, refusals }: Round): boolean =>
  after.length === 0 &&
  refusals.length === 0 &&
  (end?.kind === 'blocked' || (end?.kind === 'retry' && end.definite) || (end === null && left.length > 0));

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
      ? DEACTIVATED
      : 'the other attributes were applied';
  return withNote(error, what);
}
