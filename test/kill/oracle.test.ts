import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BORN, life, person, type Told, written } from './evidence.ts';
import { emailAttribute, THERE } from './lives.ts';
import { type Evidence, judge } from './oracle.ts';

const CREATED: Told = ['create', 'answered', BORN];
const MADE = written('CreateUser');
const titled = (title: string) => written('SetUserMetadata', { text: `urn:zitadel:scim:title=${title}` });
const kinds = (evidence: Partial<Evidence>): readonly string[] =>
  judge({ lives: [], people: [], written: [], ...evidence }).map(({ kind }) => kind);

test('what was answered last, or asked later and not answered, is right', () => {
  const lives = [
    life(
      CREATED,
      ['edit', 'answered', { title: 't1' }],
      ['edit', 'unanswered', { title: 't2', nickName: 'n2' }],
      ['edit', 'unanswered', { active: 'false' }],
    ),
  ];
  for (const more of [
    { title: 't1' },
    { title: 't2' },
    { title: 't2', nickName: 'n2' },
    { title: 't1', active: 'false' },
  ])
    assert.deepEqual(kinds({ lives, people: [person({ ...BORN, ...more })], written: [MADE] }), []);
});

test('nothing is promised by what was not answered: a create, a delete', () => {
  const attempted = [life(['create', 'unanswered', BORN])];
  assert.deepEqual(kinds({ lives: attempted }), []);
  assert.deepEqual(kinds({ lives: attempted, people: [person()], written: [MADE] }), []);
  const leaving = [life(CREATED, ['delete', 'unanswered'])];
  assert.deepEqual(kinds({ lives: leaving, people: [person()], written: [MADE] }), []);
  assert.deepEqual(kinds({ lives: leaving, written: [MADE, written('DeleteUser')] }), []);
});

test('lost: answered and never written', () => {
  assert.deepEqual(kinds({ lives: [life(CREATED)] }), ['lost']);
  const lives = [life(CREATED, ['edit', 'answered', { title: 't1' }])];
  assert.deepEqual(kinds({ lives, people: [person()], written: [MADE] }), ['lost']);
  const added = [life(CREATED, ['edit', 'answered', { [emailAttribute('b@example.test')]: THERE }])];
  assert.deepEqual(kinds({ lives: added, people: [person()], written: [MADE] }), ['lost']);
});

test('wrong: written, and an older value won', () => {
  const lives = [life(CREATED, ['edit', 'answered', { title: 't1' }], ['edit', 'answered', { title: 't2' }])];
  const people = [person({ ...BORN, title: 't1' })];
  assert.deepEqual(kinds({ lives, people, written: [MADE, titled('t2'), titled('t1')] }), ['wrong']);
  assert.deepEqual(kinds({ lives, people, written: [MADE, titled('t1')] }), ['lost']);
});

test('wrong: an unanswered value that was asked before the last answered one', () => {
  const lives = [life(CREATED, ['edit', 'unanswered', { title: 't1' }], ['edit', 'answered', { title: 't2' }])];
  const people = [person({ ...BORN, title: 't1' })];
  assert.deepEqual(kinds({ lives, people, written: [MADE, titled('t2'), titled('t1')] }), ['wrong']);
});

test('wrong: made, then gone, though nobody asked for that; a value of nobody; an address twice', () => {
  assert.deepEqual(kinds({ lives: [life(CREATED)], written: [MADE, written('DeleteUser')] }), ['wrong', 'unasked']);
  assert.deepEqual(kinds({ lives: [life(CREATED)], people: [person({ ...BORN, title: 't9' })], written: [MADE] }), [
    'wrong',
  ]);
  const doubled = [person(BORN, { doubled: ['e@example.test'] })];
  assert.deepEqual(kinds({ lives: [life(CREATED)], people: doubled, written: [MADE] }), ['wrong']);
});

test('wrong: somebody who was reactivated is inactive; half of an unanswered create', () => {
  const half = [life(['create', 'unanswered', { ...BORN, active: 'false' }])];
  assert.deepEqual(kinds({ lives: half, people: [person()], written: [MADE] }), ['wrong']);
  const lives = [life(CREATED, ['edit', 'answered', { active: 'false' }], ['edit', 'answered', { active: 'true' }])];
  assert.deepEqual(kinds({ lives, people: [person({ ...BORN, active: 'false' })], written: [MADE] }), ['wrong']);
});

test('twin: two users of one create, at the end or on the way; another id than the client was told', () => {
  const lives = [life(['create', 'unanswered', BORN], CREATED)];
  const other = written('CreateUser', { id: 'b' });
  const renamed = person({ ...BORN, userName: 'other@example.test' }, { id: 'b' });
  assert.deepEqual(kinds({ lives, people: [person(), renamed], written: [MADE, other] }), ['twin']);
  assert.deepEqual(kinds({ lives, people: [person()], written: [MADE, other] }), ['twin']);
  assert.deepEqual(kinds({ lives, people: [person(BORN, { id: 'b' })], written: [other] }), ['twin']);
});

test('twin: two users of one userName', () => {
  const people = [person(), person({ ...BORN, userName: 'ADA@example.test' }, { id: 'b', birth: 'ada-2' })];
  assert.deepEqual(kinds({ people }), ['twin']);
});

test('revived: there after an answered delete, active after an answered active=false', () => {
  const deleted = [life(CREATED, ['delete', 'answered'])];
  assert.deepEqual(kinds({ lives: deleted, people: [person()], written: [MADE] }), ['revived']);
  const left = [life(CREATED, ['edit', 'answered', { active: 'false' }])];
  assert.deepEqual(kinds({ lives: left, people: [person()], written: [MADE] }), ['revived']);
});

test('refused: only who is being deleted may be unknown', () => {
  const people = [person()];
  const gone: Told = ['edit', 'refused', { title: 't1' }, 404];
  assert.deepEqual(kinds({ lives: [life(CREATED, gone)], people, written: [MADE] }), ['refused']);
  assert.deepEqual(
    kinds({ lives: [life(CREATED, ['delete', 'answered'], gone)], written: [MADE, written('DeleteUser')] }),
    [],
  );
  // unknown before anybody deleted it, and to who does
  const lives = [life(CREATED, gone, ['delete', 'refused', {}, 404])];
  assert.deepEqual(kinds({ lives, written: [MADE] }), ['wrong', 'refused', 'refused']);
  const clash: Told = ['edit', 'refused', { userName: 'bob@example.test' }, 409];
  assert.deepEqual(kinds({ lives: [life(CREATED, clash, ['delete', 'unanswered'])] }), ['refused']);
});
