import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupKey } from '../../../src/mapping/groups.ts';
import { life, BORN, person } from '../evidence.ts';
import { bound, CREATED, defined, evidence, group, holding, joined, member, type Told } from './evidence.ts';
import { type GroupEvidence, judgeGroups } from './oracle.ts';
import { BY_HAND, PROJECT, RULES } from './rules.ts';

const kinds = (over: Partial<GroupEvidence>): readonly string[] => judgeGroups(evidence(over)).map(({ kind }) => kind);

const edit = (over: Partial<Told>): Told => ({ kind: 'edit', end: 'answered', ...over });
const joins = (over: Partial<Told> = {}): Told => edit({ joins: { a: true }, ...over });
const leaves = (over: Partial<Told> = {}): Told => edit({ joins: { a: false }, ...over });
const emptied = (over: Partial<Told> = {}): Told => edit({ whole: true, ...over });
/** What may be: that the user is a member, and that it is none. */
const may = (...told: readonly Told[]): readonly boolean[] =>
  [true, false].map((is) => {
    const groups = [group(CREATED, ...told)];
    return kinds({ groups, people: [is ? member() : person()] }).length === 0;
  });
const [YES, NO, EITHER] = [
  [true, false],
  [false, true],
  [true, true],
] as const;

test('a membership is as it was last answered, or as it was asked later and not answered', () => {
  assert.deepEqual(may(), NO);
  assert.deepEqual(may(joins()), YES);
  assert.deepEqual(may(joins(), leaves()), NO);
  assert.deepEqual(may(joins(), emptied()), NO);
  assert.deepEqual(may(emptied(), joins()), YES);
  assert.deepEqual(may(joins(), leaves({ end: 'unanswered' })), EITHER);
  assert.deepEqual(may(joins({ end: 'unanswered' }), leaves()), NO);
  assert.deepEqual(may(joins({ end: 'unanswered' }), emptied()), NO);
  assert.deepEqual(
    may(joins(), { kind: 'delete', end: 'unanswered' }, leaves({ end: 'refused', status: 404 })),
    EITHER,
  );
});

test('of two requests that overlap either may be the later one', () => {
  assert.deepEqual(may(joins(), leaves({ during: 1 })), EITHER);
  assert.deepEqual(may(joins(), leaves({ during: 1 }), joins()), YES);
  assert.deepEqual(may(leaves(), joins({ during: 1, end: 'unanswered' })), EITHER);
});

test('a membership that is missing was lost, or overtaken by an older value', () => {
  const groups = [group(CREATED, joins())];
  assert.deepEqual(kinds({ groups }), ['lost']);
  assert.deepEqual(kinds({ groups, written: [defined(), joined('fault')] }), ['lost']);
  assert.deepEqual(kinds({ groups, written: [defined(), joined()] }), ['wrong']);
  assert.deepEqual(kinds({ people: [member()] }), ['revived']);
});

test('nothing is promised to a user whom somebody has asked to delete', () => {
  const lives = [life(['create', 'answered', BORN], ['delete', 'unanswered'])];
  assert.deepEqual(kinds({ groups: [group(CREATED, joins())], lives }), []);
});

test('a group that was answered is there, one that was deleted is not, and nothing of it', () => {
  assert.deepEqual(kinds({ holder: {}, written: [] }), ['wrong']);
  assert.deepEqual(
    kinds({ groups: [{ ...group(CREATED), wishes: group({ ...CREATED, end: 'unanswered' }).wishes }] }),
    [],
  );
  const deleted = [group(CREATED, { kind: 'delete', end: 'answered' })];
  assert.deepEqual(kinds({ groups: deleted, holder: {} }), []);
  assert.deepEqual(kinds({ groups: deleted }), ['revived']);
  assert.deepEqual(kinds({ groups: deleted, holder: {}, people: [member()] }), ['revived']);
  const half = [group(CREATED, { kind: 'delete', end: 'unanswered' })];
  assert.deepEqual(kinds({ groups: half, holder: holding({ deleting: true }) }), ['wrong']);
  assert.deepEqual(kinds({ groups: half }), []);
});

test('no twins, none that nobody asked for, no name but the last', () => {
  const twin = { [groupKey('h')]: JSON.stringify({ displayName: 'Other 1', externalId: 'group0-1' }) };
  assert.deepEqual(kinds({ holder: { ...holding({}), ...twin } }), ['twin']);
  assert.deepEqual(kinds({ written: [defined('g'), defined('h')] }), ['twin'], 'made and gone again');
  assert.deepEqual(kinds({ holder: { ...holding({}), [groupKey('h')]: '{"displayName":"x"}' } }), ['unasked']);
  assert.deepEqual(kinds({ groups: [group(CREATED, edit({ name: 'Dev 2' }))] }), ['wrong']);
  assert.deepEqual(kinds({ groups: [group(CREATED, edit({ name: 'Dev 2', end: 'unanswered' }))] }), []);
});

test('a refusal that nobody had deserved', () => {
  const refused = joins({ end: 'refused', status: 404 });
  assert.deepEqual(kinds({ groups: [group(CREATED, refused)] }), ['refused']);
  assert.deepEqual(kinds({ groups: [group(CREATED, { kind: 'delete', end: 'answered' }, refused)], holder: {} }), []);
});

test('rules are those of the file, and bound to what they match', () => {
  const [help, , , leads, byExternalId] = RULES;
  const told = (name: string) => ({ groups: [group(CREATED, edit({ name }))], rules: [help] });
  const holder = (...ids: readonly string[]) => holding({ displayName: 'Help 1' }, bound(help, ...ids));
  assert.deepEqual(kinds({ ...told('Help 1'), holder: holder('g') }), []);
  assert.deepEqual(kinds({ ...told('Help 1'), holder: holder() }), ['lost']);
  assert.deepEqual(kinds({ ...told('Help 1'), holder: holder('g', 'gone') }), ['revived']);
  assert.deepEqual(kinds({ rules: [help], holder: holding({}, bound(help, 'g')) }), ['wrong']);
  assert.deepEqual(kinds({ rules: [help] }), ['lost'], 'they are not in force');
  assert.deepEqual(kinds({ rules: [leads], holder: holding({}, bound(leads, 'g')) }), ['wrong']);
  assert.deepEqual(kinds({ rules: [byExternalId], holder: holding({}, bound(byExternalId, 'g')) }), ['wrong']);
});

test('rights are what the rules say of the memberships; what was given by hand stays', () => {
  const [help] = RULES;
  const inForce = {
    groups: [group(CREATED, edit({ name: 'Help 1' }), joins())],
    rules: [help],
    holder: holding({ displayName: 'Help 1' }, bound(help, 'g')),
  };
  const held = (...org: readonly string[]) => [member({ org })];
  assert.deepEqual(kinds({ ...inForce, people: held('ORG_USER_MANAGER') }), []);
  assert.deepEqual(kinds({ ...inForce, people: held() }), ['wrong']);
  assert.deepEqual(kinds({ people: held('ORG_USER_MANAGER'), groups: [group(CREATED, joins())] }), []);
  const none = [person(BORN, { org: ['ORG_USER_MANAGER'] })];
  assert.deepEqual(kinds({ ...inForce, groups: [group(CREATED, edit({ name: 'Help 1' }))], people: none }), ['wrong']);
  const given = ['a'];
  assert.deepEqual(kinds({ given }), ['lost']);
  const both = { org: [BY_HAND.org], projects: { [PROJECT]: [BY_HAND.project] } };
  assert.deepEqual(kinds({ given, people: [person(BORN, both)] }), []);
});
