/** Whether groups, memberships and rights are as they were answered. Pure: judges what clients know against what ZITADEL has. */
import { stableJson } from '../../../src/mapping/codecs.ts';
import { type Definition, groupOf, MEMBER, RULES_KEY } from '../../../src/mapping/groups.ts';
import { isGlob, matches } from '../../../src/mapping/rules/glob.ts';
import { matchOf, type Rights, wanted } from '../../../src/mapping/rules/rules.ts';
import { type Rule, type RuleSet } from '../../../src/mapping/rules/types.ts';
import { isDeleteAsked, isDeleted, isCreated, type Life, presence } from '../lives.ts';
import type { Violation, ViolationKind } from '../oracle.ts';
import type { Person, Written } from '../people.ts';
import { type GroupLife, type GroupWish, mayBeCalled, mayBeMember, namesAsked } from './lives.ts';
import { BY_HAND, PROJECT } from './rules.ts';

export interface GroupEvidence {
  readonly rules: readonly Rule[];
  readonly groups: readonly GroupLife[];
  readonly lives: readonly Life[];
  readonly people: readonly Person[];
  /** metadata of the user that keeps the groups */
  readonly holder: Readonly<Record<string, string>>;
  readonly written: readonly Written[];
  /** ids of users whom roles were given by hand */
  readonly given: readonly string[];
}

/** A group as the holder has it. */
interface Found {
  readonly id: string;
  readonly definition: Partial<Definition>;
}

type Tell = (kind: ViolationKind, detail: string) => Violation;

const teller =
  (birth: string, ...ids: readonly string[]): Tell =>
  (kind, detail) => ({ kind, birth, ids, detail });

export function judgeGroups(evidence: GroupEvidence): readonly Violation[] {
  const found = Object.entries(evidence.holder).flatMap(([key, json]): Found[] => {
    const id = groupOf(key);
    return id === undefined ? [] : [{ id, definition: JSON.parse(json) as Partial<Definition> }];
  });
  const byBirth = Map.groupBy(found, ({ definition }) => definition.externalId ?? '');
  const births = new Set(evidence.groups.map(({ birth }) => birth));
  return [
    ...evidence.groups.flatMap((group) => ofGroup(group, byBirth.get(group.birth) ?? [], evidence)),
    ...found
      .filter(({ definition }) => !births.has(definition.externalId ?? ''))
      .map(({ id, definition }) => teller(definition.externalId ?? '', id)('unasked', 'nobody asked for this group')),
    ...ofRules(evidence, byBirth),
    ...evidence.people.flatMap((person) => ofPerson(person, evidence, found)),
  ];
}

function ofGroup(life: GroupLife, found: readonly Found[], { written }: GroupEvidence): Violation[] {
  const ids = new Set([
    ...madeAs(life, written),
    ...found.map(({ id }) => id),
    ...(life.id === undefined ? [] : [life.id]),
  ]);
  const tell = teller(life.birth, ...ids);
  const out = refusals(life, tell);
  if (ids.size > 1) out.push(tell('twin', `${ids.size} ids for one create`));
  const [group] = found;
  const should = presence(life);
  if (group === undefined) {
    if (should === 'there')
      out.push(tell(ids.size > 0 ? 'wrong' : 'lost', 'the create was answered, the group is not there'));
    return out;
  }
  if (should === 'gone') out.push(tell(isDeleted(life) ? 'revived' : 'wrong', 'the group is there and should not be'));
  if (group.definition.deleting === true) out.push(tell('wrong', 'its deletion never ended'));
  const name = group.definition.displayName ?? '';
  const may = mayBeCalled(life);
  if (should !== 'gone' && !may.has(name) && isCreated(life))
    out.push(tell('wrong', `it is called ${name}, may be called ${[...may].join(' or ')}`));
  return out;
}

/** Ids under which a group of this birth was ever written. */
const madeAs = ({ birth }: GroupLife, written: readonly Written[]): readonly string[] =>
  written
    .filter(
      ({ method, outcome, text }) => method === 'SetUserMetadata' && outcome === 'ok' && text.includes(`"${birth}"`),
    )
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.includes(`"externalId":"${birth}"`))
    .flatMap((line) => groupOf(line.slice(0, line.indexOf('='))) ?? []);

/** A request is refused when its group is gone, or going; no other refusal was called for. */
function refusals({ wishes }: GroupLife, tell: Tell): Violation[] {
  const isGoing = ({ ended = 0 }: GroupWish): boolean =>
    wishes.some(({ kind, end, sent }) => kind === 'delete' && end !== 'refused' && sent <= ended);
  return wishes
    .filter((wish) => wish.end === 'refused' && !(wish.status === 404 && isGoing(wish)))
    .map(({ kind, n, status, detail }) => tell('refused', `${kind} (wish ${n}) was answered ${status} ${detail}`));
}

const setOf = ({ holder }: GroupEvidence): RuleSet =>
  JSON.parse(holder[RULES_KEY] ?? '{"rules":[],"bindings":{},"retired":[]}') as RuleSet;

/** The rules in force are those of bridge.yaml, and bound to the groups that match: read from ZITADEL, where a lost store would find them. */
function ofRules(evidence: GroupEvidence, byBirth: ReadonlyMap<string, readonly Found[]>): Violation[] {
  const set = setOf(evidence);
  const tell = teller('rules');
  if (stableJson(set.rules) !== stableJson(evidence.rules))
    return [tell('lost', `the rules in force are ${stableJson(set.rules)}`)];
  const ids = new Map(evidence.groups.map((life) => [life, byBirth.get(life.birth)?.[0]?.id]));
  return evidence.rules.flatMap((rule) => {
    const match = matchOf(rule);
    const bound = new Set(set.bindings[match]?.map(({ group }) => group));
    const out: Violation[] = [];
    for (const life of evidence.groups) {
      const id = ids.get(life);
      if (id === undefined) continue;
      const { must, may } = boundBy(rule, life);
      if (bound.has(id) && !may) out.push(teller(life.birth, id)('wrong', `it is bound to ${match}`));
      if (!bound.has(id) && must) out.push(teller(life.birth, id)('lost', `it is not bound to ${match}`));
      bound.delete(id);
    }
    for (const id of bound) out.push(tell('revived', `${match} is bound to ${id}, which is gone`));
    const several = rule.by === 'displayName' && !isGlob(rule.pattern) && (set.bindings[match]?.length ?? 0) > 1;
    return several ? [...out, tell('wrong', `${match} is bound to more than one group`)] : out;
  });
}

/** Whether a rule has to be bound to a group that is there, and whether it may be. A whole name is bound to the first group that has it. */
function boundBy({ by, pattern }: Rule, life: GroupLife): { readonly must: boolean; readonly may: boolean } {
  const fits = (value: string): boolean => matches(pattern, value);
  if (by === 'externalId') return { must: isCreated(life) && fits(life.birth), may: fits(life.birth) };
  const { answered, maybe } = namesAsked(life);
  return { must: isGlob(pattern) && answered.some(fits), may: maybe.some(fits) };
}

function ofPerson(person: Person, evidence: GroupEvidence, found: readonly Found[]): Violation[] {
  const tell = teller(person.birth, person.id);
  const definitions = new Map(found.map((group) => [group.id, group]));
  const out = person.groups
    .filter((id) => !definitions.has(id))
    .map((id) => tell('revived', `a membership of ${id}, which is gone`));
  const life = evidence.lives.find(({ birth }) => birth === person.birth);
  // of whom somebody has asked to delete nothing was promised any more
  if (life !== undefined && !isDeleteAsked(life)) out.push(...memberships(person, evidence, found, tell));
  return [...out, ...rights(person, evidence, tell)];
}

function memberships(person: Person, evidence: GroupEvidence, found: readonly Found[], tell: Tell): Violation[] {
  const lives = new Map(evidence.groups.map((life) => [life.birth, life]));
  return found.flatMap(({ id, definition }) => {
    const life = lives.get(definition.externalId ?? '');
    const is = person.groups.includes(id);
    if (life === undefined || isDeleteAsked(life) || mayBeMember(life, person.id).has(is)) return [];
    if (is) return [tell('revived', `it is a member of ${life.birth} (${id})`)];
    const was = evidence.written.some((call) => carries(call, person.id, id));
    return [tell(was ? 'wrong' : 'lost', `it is not a member of ${life.birth} (${id})`)];
  });
}

const carries = ({ method, outcome, id, text }: Written, user: string, group: string): boolean =>
  id === user && method === 'SetUserMetadata' && outcome === 'ok' && text.includes(`group:${group}=${MEMBER}`);

/** All memberships came by SCIM, so the rules say the whole of what they manage; the rest is as it was given by hand. */
function rights({ id, groups, org, projects }: Person, evidence: GroupEvidence, tell: Tell): Violation[] {
  const held: Rights = {
    org,
    projects: new Map(Object.entries(projects).map(([project, roles]) => [project, { id: '', roles }])),
  };
  // nobody has applied them: they take what they gave, and by hand nothing is given that they manage
  const { first: _first, ...set } = setOf(evidence);
  const should = wanted(set, held, { vouched: groups, others: [] });
  const out =
    plain(should) === plain(held) ? [] : [tell('wrong', `rights are ${plain(held)}, should be ${plain(should)}`)];
  if (!evidence.given.includes(id)) return out;
  const isThere = org.includes(BY_HAND.org) && projects[PROJECT]?.includes(BY_HAND.project) === true;
  return isThere ? out : [...out, tell('lost', `a role that was given by hand: rights are ${plain(held)}`)];
}

const plain = ({ org, projects }: Rights): string =>
  stableJson([
    org.toSorted(),
    Object.fromEntries([...projects].map(([project, { roles }]) => [project, roles.toSorted()])),
  ]);
