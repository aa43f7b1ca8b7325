import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRow } from '../../src/bridge/row/views.ts';
import type { Change, Row } from '../../src/bridge/row/types.ts';
import { BORN, life, written } from './evidence.ts';
import type { End, Life } from './lives.ts';
import { hits, type Scene, type Window } from './windows.ts';

const STARTED = -1;
const KILLED = 1_000;
const APPENDED = 900;
const confirmed = { familyName: 'ada-1' };
const change = (over: Partial<Change>): Change => ({
  revision: 2,
  kind: 'edit',
  facts: { 'urn:zitadel:scim:title': 't0000002' },
  named: [],
  acknowledged: false,
  who: 'client',
  txn: 'x',
  at: APPENDED,
  ...over,
});
const row = (over: Partial<Row> = {}): Row =>
  emptyRow({ tenant: 't', id: 'a' }, 0, { confirmed, pending: [change({})], ...over });
const call = (began: number, time: number, over = {}) =>
  written('SetUserMetadata', { began, time, text: 'title=t0000002', ...over });

/** A user whose title was asked for a moment before the kill. */
function titled(end?: End): Life {
  const user = life(['create', 'answered', BORN]);
  const wish = { n: 2, kind: 'edit', values: { title: 't0000002' }, sent: APPENDED - 10 } as const;
  const told = end === 'answered' ? { end, ended: KILLED - 1, status: 200 } : { end, ended: KILLED + 1 };
  user.wishes.push({ ...wish, ...(end === undefined ? {} : (told as { end: End })) });
  return user;
}

function hit(scene: Partial<Scene>): readonly Window[] {
  const counts = hits({
    started: STARTED,
    killed: KILLED,
    rows: [],
    lives: [titled('unanswered')],
    written: [],
    ...scene,
  });
  return [...counts].flatMap(([window, n]) => (n > 0 ? [window] : []));
}

test('appended, not sent: the change is there, ZITADEL was not called', () => {
  assert.deepEqual(hit({ rows: [row()] }), ['appended, not sent']);
  assert.deepEqual(hit({ rows: [row()], written: [call(APPENDED - 100, APPENDED - 90)] }), ['appended, not sent']);
  assert.deepEqual(hit({ rows: [row()], started: APPENDED + 1 }), [], 'by an earlier process');
  assert.deepEqual(hit({ rows: [row()], lives: [titled()] }), ['appended, not sent'], 'the client does not know yet');
});

test('sent, not answered by ZITADEL: the call came in before the kill and was applied after it', () => {
  const written = [call(KILLED - 5, KILLED + 5)];
  assert.deepEqual(hit({ rows: [row()], written }), ['sent, not answered by ZITADEL']);
  assert.deepEqual(hit({ rows: [row()], written: [call(KILLED + 1, KILLED + 5)] }), ['appended, not sent']);
});

test('answered by ZITADEL, not settled: it was applied, the change is still there', () => {
  const applied = [call(KILLED - 5, KILLED - 2)];
  assert.deepEqual(hit({ rows: [row()], written: applied }), ['answered by ZITADEL, not settled']);
  const lost = [call(KILLED - 5, KILLED - 2, { answered: false })];
  assert.deepEqual(hit({ rows: [row()], written: lost }), [], 'its answer never left');
  assert.deepEqual(hit({ rows: [row({ attempts: 1 })], written: applied }), [], 'another step of it was put off');
});

test('settled, not answered to the client: it was applied, nothing is left, the client was cut off', () => {
  const applied = [call(KILLED - 5, KILLED - 2)];
  assert.deepEqual(hit({ written: applied }), ['settled, not answered to the client']);
  assert.deepEqual(hit({ written: applied, lives: [titled('answered')] }), []);
  assert.deepEqual(hit({ written: [] }), [], 'it never came so far');
});

test('answered, not delivered: the client has its answer, ZITADEL has no call or an open one', () => {
  const lives = [titled('answered')];
  const rows = [row({ pending: [change({ acknowledged: true })] })];
  assert.deepEqual(hit({ lives, rows }), ['answered, not delivered']);
  assert.deepEqual(hit({ lives, rows, written: [call(KILLED - 5, KILLED + 5)] }), [
    'sent, not answered by ZITADEL',
    'answered, not delivered',
  ]);
});

test('a create is known by its birth, a state by its time', () => {
  const facts = { familyName: 'ada-1', email: 'e0000001@example.test' };
  const rows = [row({ confirmed: null, pending: [change({ kind: 'create', facts, at: 0 })] })];
  assert.deepEqual(hit({ rows, lives: [life(['create', 'unanswered', BORN])] }), ['appended, not sent']);
  const lives = [life(['create', 'answered', BORN], ['edit', 'unanswered', { active: 'false' }])];
  const states = [row({ pending: [change({ facts: { state: 'inactive' }, at: 12 })] })];
  const off = written('DeactivateUser', { began: 13, time: 14 });
  assert.deepEqual(hit({ rows: states, lives, written: [off] }), ['answered by ZITADEL, not settled']);
});
