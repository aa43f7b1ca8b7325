/** Groups and what was found of them, for the tests of the judge. */
import { groupKey, MEMBER, RULES_KEY } from '../../../src/mapping/groups.ts';
import { type Binding, type Rule, type RuleSet } from '../../../src/mapping/rules/types.ts';
import { matchOf, NO_RULES } from '../../../src/mapping/rules/rules.ts';
import { BORN, life, person, written } from '../evidence.ts';
import type { End } from '../lives.ts';
import type { Person, Written } from '../people.ts';
import type { GroupLife, GroupWish } from './lives.ts';
import type { GroupEvidence } from './oracle.ts';

/** Wishes one after the other, unless `during` says how many of those before it had not ended when it was sent. */
export type Told = Pick<GroupWish, 'kind'> &
  Partial<Pick<GroupWish, 'name' | 'joins' | 'whole' | 'status'>> & { readonly end: End; readonly during?: number };

export const CREATED: Told = { kind: 'create', end: 'answered', name: 'Other 1', whole: true };

export function group(...told: readonly Told[]): GroupLife {
  const wishes = told.map(({ during = 0, ...rest }, at): GroupWish => {
    const n = 10 * (at + 1 - during) + (during > 0 ? 1 : 0);
    return { joins: {}, whole: false, ...rest, n, done: 10 * (at + 1) + 5, sent: n, ended: 10 * (at + 1) + 5 };
  });
  return { birth: 'group0-1', wishes, ...(wishes.some(isCreate) ? { id: 'g' } : {}) };
}

const isCreate = ({ kind, end }: GroupWish): boolean => kind === 'create' && end === 'answered';

export const member = (over: Partial<Person> = {}): Person => person(BORN, { groups: ['g'], ...over });

/** A definition as it was written to the holder. */
export const defined = (id = 'g', birth = 'group0-1'): Written =>
  written('SetUserMetadata', { id: 'holder', text: `{}\n${groupKey(id)}={"displayName":"x","externalId":"${birth}"}` });

export const joined = (outcome = 'ok'): Written =>
  written('SetUserMetadata', { outcome, text: `{}\n${groupKey('g')}=${MEMBER}` });

/** The holder with one group. */
export const holding = (definition: object, set: RuleSet = NO_RULES): Readonly<Record<string, string>> => ({
  [groupKey('g')]: JSON.stringify({ displayName: 'Other 1', externalId: 'group0-1', ...definition }),
  [RULES_KEY]: JSON.stringify(set),
});

export const bound = (rule: Rule, ...ids: readonly string[]): RuleSet => ({
  ...NO_RULES,
  rules: [rule],
  bindings: { [matchOf(rule)]: ids.map((id): Binding => ({ group: id, name: 'Other 1', vouched: true })) },
});

/** A group of one user that was never changed, and all as it should be. */
export const evidence = (over: Partial<GroupEvidence> = {}): GroupEvidence => ({
  rules: [],
  groups: [group(CREATED)],
  lives: [life(['create', 'answered', BORN])],
  people: [person()],
  holder: holding({}),
  written: [defined()],
  given: [],
  ...over,
});
