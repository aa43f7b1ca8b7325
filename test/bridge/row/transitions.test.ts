import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '../../../src/bridge/ports/zitadel.ts';
import { readBack, readBackHidden } from '../../../src/bridge/row/observe.ts';
import type { Round, SettleOptions } from '../../../src/bridge/row/round.ts';
import { settleRound } from '../../../src/bridge/row/settle.ts';
import { EDGES, type State, stateOf } from '../../../src/bridge/row/states.ts';
import * as on from '../../../src/bridge/row/transitions.ts';
import type { Change, DeadLetter, Row } from '../../../src/bridge/row/types.ts';
import { emptyRow, UNKNOWN_RIGHTS } from '../../../src/bridge/row/views.ts';
import { TIMING } from '../../../src/bridge/timing.ts';
import { BridgeError } from '../../../src/errors.ts';

const NOW = 1_000;
const KEY = { tenant: 't', id: 'u' };
const ANN = { username: 'ann', state: 'active' };

const edit = (over: Partial<Change> = {}): Change => ({
  revision: 2,
  kind: 'edit',
  facts: { title: 'x' },
  named: [],
  acknowledged: true,
  who: 'okta',
  txn: '1',
  at: 5,
  ...over,
});
const bridge = (over: Partial<Change>): Change => edit({ revision: 0, who: 'bridge', txn: 'confirm', ...over });
const letter = (over: Partial<DeadLetter> = {}): DeadLetter => ({
  revision: 2,
  kind: 'edit',
  facts: { title: 'x' },
  cause: 'refused',
  reason: 'too long',
  who: 'okta',
  txn: '1',
  at: 5,
  deadAt: 6,
  ...over,
});
const user = (fields: Partial<Row> = {}): Row => emptyRow(KEY, 0, { version: 1, confirmed: ANN, ...fields });
const reading = (over: Partial<Reading> = {}): Reading => ({
  id: 'u',
  facts: ANN,
  sequence: '7',
  created: 3,
  changed: 4,
  ...over,
});
const round = (over: Partial<Round> = {}): Round => ({
  covered: new Set([2]),
  after: [],
  refusals: [],
  left: [],
  end: null,
  open: {},
  openRight: false,
  removed: false,
  calls: [],
  ...over,
});
const OPTIONS: SettleOptions = {
  now: NOW,
  timing: TIMING,
  awaited: () => false,
  accept: true,
  sent: false,
  othersSucceeded: () => false,
};
const LANDS = NOW + TIMING.writeCallMs + TIMING.horizonMs;
const own = edit({ acknowledged: false });
const isOwn = (change: Change): boolean => !change.acknowledged;
const sent = { doubt: true, calling: 2, sentName: 'ann' };
const recheck = { at: 50, facts: { title: 'x' } };

type Case = readonly [name: string, before: Partial<Row>, event: (row: Row) => Row, difference: Partial<Row>];

const CASES: readonly Case[] = [
  ['accept: on top', {}, (row) => on.accept(row, own), { version: 2, pending: [own] }],
  [
    'accept: a create on hold is released',
    { pending: [edit({ kind: 'create', onHold: true })] },
    (row) => on.accept(row, edit({ revision: 3 })),
    { version: 2, pending: [edit({ kind: 'create' }), edit({ revision: 3 })] },
  ],
  ['enqueue', {}, (row) => on.enqueue(row, own, 9), { pending: [edit()], dueAt: 9 }],
  [
    'addBridgeChange: one, below all others',
    { pending: [bridge({ facts: { title: 'y' } }), edit()] },
    (row) => on.addBridgeChange(row, { facts: { state: 'active' }, at: 5 }),
    { pending: [bridge({ facts: { title: 'y', state: 'active' } }), edit()] },
  ],
  ['acknowledge', { pending: [own] }, (row) => on.acknowledge(row, isOwn), { pending: [edit()] }],
  ['withdraw', { pending: [edit(), own] }, (row) => on.withdraw(row, isOwn), { pending: [edit()] }],
  [
    'awaitLast',
    { pending: [edit(), own] },
    (row) => on.awaitLast(row, 'p'),
    { pending: [edit(), { ...own, process: 'p' }] },
  ],
  [
    'abandon: not what was acknowledged',
    { pending: [edit(), own] },
    on.abandon,
    { pending: [edit(), { ...own, abandoned: true }] },
  ],
  [
    'adopt: while the replay is open',
    { pending: [{ ...own, abandoned: true }], replay: { hash: 'h', open: true } },
    on.adopt,
    { pending: [edit()] },
  ],
  ['adopt: not after that', { pending: [own], replay: { hash: 'h', open: false } }, on.adopt, {}],
  ['closeReplay', { replay: { hash: 'h', open: true } }, on.closeReplay, { replay: { hash: 'h', open: false } }],
  ['trust: each once', { trusted: ['a'] }, (row) => on.trust(row, ['a', 'b']), { trusted: ['a', 'b'] }],
  ['trust: instead', { trusted: ['a', 'e'] }, (row) => on.trust(row, ['b'], ['e']), { trusted: ['a', 'b'] }],
  ['trustOnly', { trusted: ['a'] }, (row) => on.trustOnly(row, ['b']), { trusted: ['b'] }],
  ['narrow', { pending: [edit(), own] }, (row) => on.narrow(row, [own]), { pending: [own] }],
  [
    'markInFlight',
    { pending: [edit()] },
    (row) => on.markInFlight(row, { revision: 2, userName: 'ann', dueAt: 9 }),
    { ...sent, dueAt: 9 },
  ],
  ['stayInDoubt', sent, (row) => on.stayInDoubt(on.distrust(user()), row, 9), { dueAt: 9 }],
  [
    'stayInDoubt: nothing was left',
    { ...sent, pending: [edit()] },
    (row) => on.stayInDoubt(null, row, 9),
    { pending: [], dueAt: 9 },
  ],
  [
    'advance: what was done is confirmed',
    { ...sent, sequence: '7', pending: [edit()] },
    (row) => on.advance(row, round({ after: [{ title: 'x' }] }), OPTIONS),
    { confirmed: { ...ANN, title: 'x' }, calling: null, sequence: null, modified: 0 },
  ],
  [
    'advance: a call without an answer is rechecked',
    sent,
    (row) =>
      on.advance(
        row,
        round({ open: { title: 'x' }, end: { kind: 'retry', definite: false, cause: 'away', reason: 'away' } }),
        OPTIONS,
      ),
    { calling: null, recheck: { at: LANDS, facts: { title: null } } },
  ],
  ['distrust', {}, on.distrust, { doubt: true }],
  ['splitRefused', sent, (row) => on.splitRefused(row, null, 9), { doubt: false, sentName: null, dueAt: 9 }],
  [
    'settle',
    { pending: [edit()] },
    (row) => on.settle(row, { pending: [], deadLetters: [letter()], replay: null }),
    { pending: [], deadLetters: [letter()] },
  ],
  [
    'giveUp',
    { pending: [edit()], repeated: { reason: 'r', since: 0, times: 10 } },
    (row) => on.giveUp(row, { pending: [], deadLetters: [letter()] }),
    { pending: [], deadLetters: [letter()], repeated: null },
  ],
  ['schedule', { dueAt: 9 }, (row) => on.schedule(row, null), { dueAt: null }],
  ['scheduleBy: earlier', { dueAt: 9 }, (row) => on.scheduleBy(row, 5), { dueAt: 5 }],
  ['scheduleBy: not later', { dueAt: 9 }, (row) => on.scheduleBy(row, 20), {}],
  ['postpone', { attempts: 1 }, (row) => on.postpone(row, 9), { attempts: 2, dueAt: 9 }],
  [
    'bringForward',
    { dueAt: 9e9, recheck: { ...recheck, at: 9e9 } },
    (row) => on.bringForward(row, NOW, 2_000),
    { dueAt: NOW, recheck: { ...recheck, at: 2_000 } },
  ],
  [
    'observe: rights stay',
    { confirmed: { ...ANN, 'right:org': '[]' }, doubt: true, hidden: 1, lastError: 'x' },
    (row) => on.observe(row, reading(), NOW),
    { doubt: false, hidden: null, lastError: null, verifiedAt: NOW, sequence: '7' },
  ],
  ['observe: gone', {}, (row) => on.observe(row, null, NOW), { confirmed: null, verifiedAt: NOW }],
  [
    'discover',
    { confirmed: null },
    (row) => on.discover(row, reading(), NOW),
    { confirmed: ANN, verifiedAt: NOW, sequence: '7', created: 3, modified: 4 },
  ],
  [
    'readRights: later than our own call',
    { rights: { at: 0, sent: 8 } },
    (row) => on.readRights(row, ANN, 5),
    { rights: { at: 9, sent: 8 } },
  ],
  [
    'noteGiven: none',
    { rights: { at: 1, sent: 1, given: [{ project: null, role: 'r' }] } },
    (row) => on.noteGiven(row, []),
    { rights: { at: 1, sent: 1 } },
  ],
  [
    'hide: since when it was first',
    { hidden: 3, sequence: '7' },
    (row) => on.hide(row, 9),
    { sequence: null, verifiedAt: 9 },
  ],
  [
    'hide: a create that may have been applied',
    { confirmed: null },
    (row) => on.hide(row, 9, ANN),
    { confirmed: ANN, hidden: 9, verifiedAt: 9, modified: 9 },
  ],
  ['reappear', { hidden: 3 }, (row) => on.reappear(row, 9), { hidden: null, doubt: true, dueAt: 9 }],
  [
    'takeOver: what was sent is rechecked',
    { ...sent, pending: [edit()] },
    (row) => on.takeOver(row, 9),
    { recheck: { at: 9, facts: { title: null } } },
  ],
  ['recheckPassed', { recheck }, on.recheckPassed, { recheck: null }],
  ['clearInFlight', sent, (row) => on.clearInFlight(row, []), { doubt: false, calling: null, sentName: null }],
  [
    'clearInFlight: a name may still be taken late',
    { ...sent, recheck },
    (row) => on.clearInFlight(row, []),
    { doubt: false, calling: null },
  ],
  ['distrustRights', {}, on.distrustRights, { rights: { at: UNKNOWN_RIGHTS, sent: 0 } }],
  ['nameAll', { pending: [edit()] }, on.nameAll, { pending: [edit({ named: ['title'] })] }],
  [
    'tombstone',
    { ...sent, pending: [edit()], trusted: ['a'], deadLetters: [letter()], attempts: 3, blocked: 'b' },
    (row) => on.tombstone(row, 9),
    {
      confirmed: null,
      pending: [],
      doubt: false,
      calling: null,
      sentName: null,
      trusted: [],
      deadLetters: [],
      attempts: 0,
      blocked: null,
      modified: 9,
      tombstone: 9,
    },
  ],
  [
    'vanish: what was acknowledged is a dead letter',
    { pending: [edit(), own] },
    (row) => on.vanish(row, 9),
    {
      confirmed: null,
      pending: [],
      deadLetters: [letter({ reason: 'deleted in ZITADEL', deadAt: 9 })],
      modified: 9,
      tombstone: 9,
    },
  ],
  [
    'retryDeadLetters: without what was asked since',
    { deadLetters: [letter({ facts: { title: 'x', nick: 'y' } })], pending: [edit({ revision: 3 })] },
    on.retryDeadLetters,
    { deadLetters: [], pending: [edit({ facts: { nick: 'y' }, named: ['nick'] }), edit({ revision: 3 })] },
  ],
  ['dropDeadLetters', { deadLetters: [letter()] }, (row) => on.dropDeadLetters(row, () => true), { deadLetters: [] }],
  ['tryNow', { attempts: 3, blocked: 'b' }, (row) => on.tryNow(row, 9), { attempts: 0, blocked: null, dueAt: 9 }],
  [
    'hold: ZITADEL is read before anything is sent',
    { ...sent, pending: [edit()], dueAt: 9 },
    on.hold,
    { pending: [edit({ onHold: true })], calling: null, dueAt: null },
  ],
  [
    'release',
    { pending: [edit({ onHold: true })] },
    (row) => on.release(row, 9),
    { pending: [edit()], doubt: true, dueAt: 9 },
  ],
  ['atVersion', {}, (row) => on.atVersion(row, 8), { version: 8 }],
];

for (const [name, before, event, difference] of CASES)
  test(name, () => assert.deepEqual(event(user(before)), user({ ...before, ...difference })));

test('create: the first change of a new row', () =>
  assert.deepEqual(
    on.create(KEY, edit({ kind: 'create' }), { dueAt: 9 }),
    emptyRow(KEY, 5, { version: 1, pending: [edit({ kind: 'create' })], dueAt: 9 }),
  ));

test('what changes nothing is the same row, which is not written', () => {
  const row = user({ trusted: ['a'] });
  assert.equal(on.trust(row, ['a']), row);
  assert.equal(on.closeReplay(row), row);
  assert.equal(on.adopt(row), row);
  assert.notEqual(on.rewrite(row), row, 'this one is to be written');
});

const SAMPLES: Readonly<Record<State, Row>> = {
  absent: emptyRow(KEY, 0),
  settled: user(),
  pending: user({ pending: [edit()] }),
  'in flight': user({ pending: [edit()], ...sent }),
  'in doubt': user({ pending: [edit()], doubt: true }),
  rechecking: user({ recheck }),
  'on hold': user({ pending: [edit({ onHold: true })] }),
  'dead letter': user({ deadLetters: [letter()] }),
  hidden: user({ hidden: 1 }),
  deleted: user({ confirmed: null, tombstone: 1 }),
};

const after = (over: Partial<Round>) => (row: Row) => settleRound(row, round(over), OPTIONS).row ?? emptyRow(KEY, 0);
const back =
  (facts: Reading['facts'], takenOver = false) =>
  (row: Row) =>
    readBack(row, reading({ facts }), { now: NOW, timing: TIMING, takenOver });
const WALK: Readonly<Record<string, (row: Row) => Row>> = {
  create: () => on.create(KEY, edit({ kind: 'create' }), {}),
  discover: (row) => on.discover(row, reading(), NOW),
  accept: (row) => on.accept(row, own),
  withdraw: (row) => on.withdraw(row, () => true),
  'withdraw dropped': (row) => on.withdraw(row, () => true),
  markInFlight: (row) => on.markInFlight(row, { revision: 2, userName: null, dueAt: 9 }),
  hold: on.hold,
  'vanish not there': (row) => on.vanish(row, NOW),
  vanish: (row) => on.vanish(row, NOW),
  'settleRound is so, a call may land late': (row) => after({})(on.takeOver(row, 9)),
  'settleRound done': after({ after: [{ title: 'x' }] }),
  'settleRound not now': after({ end: { kind: 'retry', definite: true, cause: 'away', reason: 'away' } }),
  'settleRound no answer': after({
    open: { title: 'x' },
    end: { kind: 'retry', definite: false, cause: 'away', reason: 'away' },
  }),
  'settleRound refused': after({ refusals: [{ names: ['title'], error: new BridgeError(400, 'too long') }] }),
  'settleRound deleted': after({ removed: true }),
  'readBack its process died': back(ANN, true),
  readBack: back(ANN),
  'readBackHidden only commands know it': (row) => readBackHidden(row, { now: NOW, timing: TIMING, takenOver: false }),
  'readBack as it should be': back({ ...ANN, title: 'x' }),
  'readBack a late call won': back({ ...ANN, title: 'old' }),
  release: (row) => on.release(row, 9),
  retryDeadLetters: on.retryDeadLetters,
  dropDeadLetters: (row) => on.dropDeadLetters(row, () => true),
  hide: (row) => on.hide(row, NOW),
  reappear: (row) => on.reappear(row, NOW),
};

for (const { from, event, to, when } of EDGES) {
  const name = when === undefined ? event : `${event} ${when}`;
  test(`${from} -> ${to}: ${name}`, () => {
    const row = SAMPLES[from];
    assert.equal(stateOf(row), from);
    assert.equal(stateOf(WALK[name]?.(row) ?? row), to);
  });
}
