/** Dead letters: acknowledged changes that were refused for good. Pure. */
import { type FactsChange, onlyFacts, withoutFacts } from '../../mapping/facts.ts';
import { groupOf, MEMBER } from '../../mapping/groups.ts';
import { isRight } from '../../mapping/rights.ts';
import type { Change, DeadLetter, Row } from './types.ts';
import { withoutPassword } from './views.ts';

/** @param names only these facts were refused; all of them when absent */
export function deadLetterOf(
  change: Change,
  why: Pick<DeadLetter, 'cause' | 'reason'>,
  died: number,
  names?: ReadonlySet<string>,
): DeadLetter {
  const { revision, kind, who, txn, at } = change;
  const facts = withoutPassword(names === undefined ? change.facts : onlyFacts(change.facts, names));
  return {
    revision,
    kind: kind === 'create' && names !== undefined ? 'edit' : kind,
    facts,
    ...(change.rights === true ? { rights: true } : {}),
    ...why,
    who,
    txn,
    at,
    deadAt: died,
  };
}

/** Facts that a newer change has already set are not retried. */
export function withoutSuperseded(
  dead: readonly DeadLetter[],
  change: Pick<Change, 'revision'>,
  done: readonly FactsChange[],
): readonly DeadLetter[] {
  const names = new Set(done.flatMap((each) => Object.keys(each)));
  if (names.size === 0 || dead.length === 0) return dead;
  return dead.flatMap((letter) => {
    if (letter.revision >= change.revision) return [letter];
    if (letter.kind === 'delete') return []; // a client has written to this user again
    const facts = withoutFacts(letter.facts, names);
    return Object.keys(facts).length === 0 ? [] : [{ ...letter, facts }];
  });
}

/** Acknowledged changes on top of a dead create belong to it; if one was a delete, nothing remains to be done. */
export function foldedIntoDeadCreate(dead: readonly DeadLetter[], changes: readonly Change[]): readonly DeadLetter[] {
  const answered = changes.filter((change) => change.acknowledged);
  if (answered.some(({ kind }) => kind === 'delete')) return dead.filter(({ kind }) => kind !== 'create');
  return dead.map((letter) =>
    letter.kind === 'create'
      ? { ...letter, facts: cleared(Object.assign({}, letter.facts, ...answered.map(({ facts }) => facts))) }
      : letter,
  );
}

/** A create has nothing to remove, and no dead letter holds a password. */
const cleared = (facts: FactsChange): FactsChange =>
  Object.fromEntries(Object.entries(facts).filter(([name, value]) => value !== null && name !== 'password'));

/** Requeues dead letters as pending changes, each without facts that were requested since. */
export function requeuedChanges(row: Row): Pick<Row, 'pending' | 'trusted'> {
  const changes = row.deadLetters.map((letter): Change => {
    const newer = row.pending.filter(({ revision }) => revision > letter.revision);
    const { revision, kind, who, txn, at } = letter;
    const newest = new Set(newer.flatMap((change) => Object.keys(change.facts)));
    // the rules decide which rights at delivery
    const facts = withoutFacts(letter.facts, new Set([...newest, ...Object.keys(letter.facts).filter(isRight)]));
    const rights = letter.rights === true ? ({ rights: true } as const) : {};
    return { revision, kind, facts, named: Object.keys(facts), acknowledged: true, who, txn, at, ...rights };
  });
  const asked = changes.filter(
    ({ kind, facts, rights }) => kind !== 'edit' || rights === true || Object.keys(facts).length > 0,
  );
  const joined = asked.flatMap(({ facts }) =>
    Object.entries(facts).flatMap(([fact, value]) => (value === MEMBER ? (groupOf(fact) ?? []) : [])),
  );
  return {
    trusted: [...new Set([...row.trusted, ...joined])],
    pending: [...asked, ...row.pending].toSorted((left, right) => left.revision - right.revision),
  };
}
