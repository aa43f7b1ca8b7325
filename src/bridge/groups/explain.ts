/** Why a user has, will get, or does not get a right. Pure. */
import { groupKey, membershipsOf } from '../../mapping/groups.ts';
import { isIn, namesOf, ORG_RIGHT, projectRight, type Rights, rightsOfFacts } from '../../mapping/rights.ts';
import { given, managed } from '../../mapping/rules/rules.ts';
import type { ExplainedRight, Explanation, RightName } from '../ports/operator.ts';
import type { Row } from '../row/types.ts';
import { split } from '../delivery/rights.ts';
import { baseFacts } from '../row/views.ts';
import type { Directory } from './directory.ts';
import type { ActiveRules } from './active-rules.ts';

export function explained(row: Row, book: ActiveRules, directory: Directory): Explanation {
  const facts = baseFacts(row) ?? {};
  const ids = new Set([...membershipsOf(row.confirmed ?? {}), ...membershipsOf(facts)]);
  const memberships = split(row, facts);
  const held = rightsOfFacts(row.confirmed ?? {});
  const isSpared = book.spares(row.id);
  const wanted = isSpared ? held : book.wanted(held, memberships, row.rights.given);
  const all = [
    ...namesOf(held),
    ...namesOf(wanted),
    ...[...memberships.vouched, ...memberships.others].flatMap(givenBy),
  ];
  return {
    id: row.id,
    memberships: [...ids].map((id) => ({
      id,
      displayName: directory.find(id)?.displayName,
      trusted: row.trusted.includes(id),
      pending: pendingOf(row, id),
    })),
    unresolved: [...directory.all()].flatMap(({ id, definition }) =>
      definition.pending.some(({ value }) => value === row.id) ? [id] : [],
    ),
    protected: isSpared,
    rights: unique(all).map((name) => right(name)),
    off: [...book.off()].flatMap(([place, reason]) =>
      [...ids].some((id) => given(book.set(), id).some(({ rule }) => rule === place))
        ? [{ rule: place + 1, reason }]
        : [],
    ),
    blocked: row.blocked,
  };

  function givenBy(group: string): readonly RightName[] {
    return given(book.set(), group, book.offPlaces());
  }

  function right({ project, role }: RightName): ExplainedRight {
    const groups = [...memberships.vouched, ...memberships.others].flatMap((id) =>
      given(book.set(), id, book.offPlaces())
        .filter((each) => each.project === project && each.role === role)
        .map(({ rule }) => ({ id, displayName: directory.find(id)?.displayName ?? id, rule: rule + 1 })),
    );
    const isHeld = holds(held, { project, role });
    const isWanted = holds(wanted, { project, role });
    const fact = project === null ? ORG_RIGHT : projectRight(project);
    const letter = row.deadLetters.find(({ facts: dead }) => fact in dead);
    const isMine = !isSpared && managedBy(book, { project, role });
    const isSure = groups.some(({ id }) => memberships.vouched.includes(id));
    const standing =
      isHeld !== isWanted
        ? letter === undefined
          ? 'pending'
          : 'dead-letter'
        : isHeld && isMine && !isSure
          ? 'kept'
          : 'settled';
    return {
      project,
      role,
      groups,
      held: isHeld,
      managed: isMine,
      standing,
      ...(standing === 'dead-letter' && letter !== undefined ? { reason: letter.reason } : {}),
    };
  }
}

const unique = (names: readonly RightName[]): readonly RightName[] =>
  names.filter((name, at) => names.findIndex((each) => isIn([each], name)) === at);

const holds = (rights: Rights, name: RightName): boolean => isIn(namesOf(rights), name);

function managedBy(book: ActiveRules, { project, role }: RightName): boolean {
  const { org, projects } = managed(book.set(), book.offPlaces());
  return project === null ? org.has(role) : projects.get(project)?.has(role) === true;
}

function pendingOf(row: Row, id: string): 'add' | 'remove' | null {
  const key = groupKey(id);
  const last = row.pending.findLast(({ facts }) => key in facts);
  return last === undefined ? null : last.facts[key] === null ? 'remove' : 'add';
}
