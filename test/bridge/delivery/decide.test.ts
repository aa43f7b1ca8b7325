import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Action,
  type Attempt,
  decide,
  firstAttempt,
  fold,
  type Happened,
} from '../../../src/bridge/delivery/decide.ts';
import { emptyRound, type Round } from '../../../src/bridge/row/round.ts';
import type { Change, Row } from '../../../src/bridge/row/types.ts';
import { emptyRow } from '../../../src/bridge/row/views.ts';
import type { UsernameTurn } from '../../../src/bridge/delivery/username-order.ts';
import { TIMING } from '../../../src/bridge/timing.ts';
import { BridgeError } from '../../../src/errors.ts';
import type { Facts, FactsChange } from '../../../src/mapping/facts.ts';

const NOW = 1_000_000;
const AT = { now: NOW, timing: TIMING };
const ANN: Facts = { username: 'ann', givenName: 'Ann', familyName: 'A', email: 'ann@example.com', state: 'active' };
const AWAY = { kind: 'retry', definite: true, cause: 'away', reason: 'unreachable' } as const;
const RECHECK_DUE = { recheck: { at: NOW, facts: {} } };

const row = (fields: Partial<Row> = {}): Row =>
  emptyRow({ tenant: 't', id: '1' }, 0, { version: 1, confirmed: ANN, verifiedAt: NOW, ...fields });
/** The row as it is, but for these fields. */
const changed = (row: Row, fields: Partial<Row>): Row => emptyRow(row, row.created, { ...row, ...fields });

const change = (facts: FactsChange, fields: Partial<Change> = {}): Change => ({
  revision: 2,
  kind: 'edit',
  facts,
  named: [],
  acknowledged: false,
  who: 'w',
  txn: 't',
  at: NOW,
  ...fields,
});

const RENAME = { pending: [change({ username: 'bob' })] };
const PHONE = { pending: [change({ givenName: 'Anna' })] };
const CREATE = { confirmed: null, pending: [change(ANN, { kind: 'create' })] };

/** An attempt to which all this has happened. */
const after = (...happened: Happened[]): Attempt => happened.reduce(fold, firstAttempt('found'));

const roundOf = (of: Row, fields: Partial<Round>): Round => ({ ...emptyRound(of), calls: ['UpdateUser:x'], ...fields });
const sent = (of: Row, fields: Partial<Round>): Happened => ({
  kind: 'sent',
  row: of,
  round: roundOf(of, fields),
  at: NOW,
});
const recorded = (of: Row, fields: Partial<Round>, apart = false): Happened => ({
  kind: 'recorded',
  row: of,
  round: roundOf(of, fields),
  apart,
});
const SURPRISE = { end: { kind: 'replan', reason: 'gone' } } as const;
const surprise = (of: Row): Happened[] => [sent(of, SURPRISE), recorded(of, SURPRISE), { kind: 'readBack' }];
const turn = (name: string, kind: 'free' | 'taken' | 'swap'): Happened => ({
  kind: 'nameAwaited',
  name,
  turn: { kind },
});

/** What is told of an action in the table below. */
const told = (action: Action): string =>
  [
    action.kind,
    ...('steps' in action ? action.steps.map(({ call }) => call) : []),
    ...('takenOver' in action && action.takenOver ? ['taken over'] : []),
    ...('why' in action ? [action.why.reason] : []),
    ...('name' in action ? [action.name] : []),
  ].join(' ');

const CASES: readonly (readonly [name: string, row: Row | undefined, attempt: Attempt, action: string])[] = [
  ['a row that is not there is done', undefined, after(), 'done'],
  ['an idle row rests', row(), after(), 'rest'],
  ['changes on hold are not sent', row({ pending: [change({ email: 'x@y.z' }, { onHold: true })] }), after(), 'rest'],
  ['a row in doubt is read back', row({ ...PHONE, doubt: true }), after(), 'readBack'],
  [
    'a mark of an earlier holder is taken over',
    row({ ...PHONE, doubt: true, calling: 2 }),
    after(),
    'readBack taken over',
  ],
  [
    'a mark of our own last call is not',
    row({ ...PHONE, doubt: true, calling: 2 }),
    after(recorded(row(PHONE), SURPRISE)),
    'readBack',
  ],
  [
    "the caller's own mark is no doubt",
    row({ ...PHONE, doubt: true, calling: 2 }),
    firstAttempt('own'),
    'sendSteps UpdateUser',
  ],
  ['a recheck whose time has come is read back', row(RECHECK_DUE), firstAttempt('own'), 'readBack'],
  [
    'what cannot be read back is tried later',
    row({ ...PHONE, doubt: true }),
    after({ kind: 'unreadable', why: AWAY }),
    'postponeInDoubt unreachable',
  ],
  ['a change is sent', row(PHONE), after(), 'sendSteps UpdateUser'],
  [
    'what is so already is recorded without a call',
    row({ pending: [change({ givenName: 'Ann' })] }),
    after(),
    'record',
  ],
  ['an edit of a user that is not there', row({ ...PHONE, confirmed: null }), after(), 'vanish'],
  ['a new userName waits for its turn', row(RENAME), after(), 'awaitUserName bob'],
  ['and is sent when it is free', row(RENAME), after(turn('bob', 'free')), 'sendSteps UpdateUser'],
  ['a turn is good for that name only', row(RENAME), after(turn('carl', 'free')), 'awaitUserName bob'],
  [
    'a turn does not outlive the round',
    row(RENAME),
    after(turn('bob', 'free'), ...surprise(row(RENAME))),
    'awaitUserName bob',
  ],
  ['two that wait for each other: one steps aside', row(RENAME), after(turn('bob', 'swap')), 'sendSteps UpdateUser'],
  ['a name that another row keeps is refused', row(RENAME), after(turn('bob', 'taken')), 'record'],
  ['nobody is created without a name', row(CREATE), after(turn('ann', 'taken')), 'record'],
  [
    'a name that does not come free in time',
    row(RENAME),
    after({ kind: 'nameAwaited', name: 'bob', turn: { ...AWAY, reason: 'waits-for-name' } }),
    'postpone waits-for-name',
  ],
  ['what was sent is recorded', row(PHONE), after(sent(row(PHONE), {})), 'record'],
  [
    'five surprises are planned again, six are too many',
    row(PHONE),
    after(...Array.from({ length: 5 }, () => surprise(row(PHONE))).flat(), sent(row(PHONE), SURPRISE)),
    'postponeInDoubt too-many-surprises',
  ],
  ['a round without an answer ends the delivery', row(PHONE), after(recorded(row(PHONE), { end: AWAY })), 'done'],
  [
    'of changes that go one by one the others are answered then',
    row(PHONE),
    after(recorded(row(PHONE), {}, true), recorded(row(PHONE), { end: AWAY })),
    'answerOthers unreachable',
  ],
  [
    'a right that has to wait is not tried at once',
    row(PHONE),
    after(recorded(row(PHONE), { left: [{ names: ['right:'], why: AWAY }] })),
    'done',
  ],
  [
    'a create that goes alone looks who has its name',
    row({ ...CREATE, pending: [...CREATE.pending, change({ username: 'bob' }, { revision: 3 })] }),
    after(recorded(row(), {}, true)),
    'lookUpHolder ann',
  ],
  [
    'and takes the one asked last when another row has it',
    row({ ...CREATE, pending: [...CREATE.pending, change({ username: 'bob' }, { revision: 3 })] }),
    after(recorded(row(), {}, true), { kind: 'holderFound', name: 'ann', isOwn: false }),
    'awaitUserName bob',
  ],
];

for (const [name, stored, attempt, action] of CASES)
  test(`next action: ${name}`, () => assert.equal(told(decide(stored, attempt, AT)), action));

test('a name that another row keeps is refused, whatever the round says of the rest', () => {
  const both = row({ pending: [change({ username: 'bob', givenName: 'Anna' })] });
  const attempt = after(turn('bob', 'taken'));
  const action = decide(both, attempt, AT);
  assert.deepEqual('steps' in action && action.steps.map(({ set }) => set), [{ givenName: 'Anna' }]);
  const record = decide(both, fold(attempt, sent(both, { after: [{ givenName: 'Anna' }] })), AT);
  assert.equal(record.kind, 'record');
  assert.deepEqual('round' in record && record.round.refusals.map(({ names, error }) => [names, error.status]), [
    [['username'], 409],
  ]);
});

const facts = fc
  .subarray(['username', 'givenName', 'email', 'state'])
  .map((names) => Object.fromEntries(names.map((name) => [name, name === 'state' ? 'inactive' : `new-${name}`])));
const changes = fc
  .array(
    fc.record({
      facts,
      kind: fc.constantFrom('edit', 'edit', 'create', 'delete'),
      onHold: fc.boolean(),
      named: fc.boolean(),
    }),
    {
      maxLength: 3,
    },
  )
  .map((all) =>
    all.map(({ kind, facts: asked, onHold, named }, at) =>
      change(kind === 'create' ? { ...ANN, ...asked } : kind === 'delete' ? {} : asked, {
        kind,
        revision: at + 2,
        named: named ? Object.keys(asked) : [],
        ...(onHold ? { onHold: true } : {}),
      }),
    ),
  );
const rows = fc
  .record({
    pending: changes,
    isThere: fc.boolean(),
    doubt: fc.boolean(),
    calling: fc.constantFrom(null, 2),
    sentName: fc.constantFrom(null, 'ann', 'bob'),
    recheck: fc.constantFrom(null, { at: NOW, facts: {} }, { at: NOW + 1, facts: { givenName: 'Ann' } }),
    hidden: fc.constantFrom(null, 5),
    verifiedAt: fc.constantFrom(0, NOW),
  })
  .map(({ isThere, ...fields }) => row({ ...fields, confirmed: isThere ? ANN : null }));

/** What ZITADEL and the store may answer to an action: chosen by `pick`, a number. */
function answers(action: Exclude<Action, { kind: 'done' }>, pick: number): Happened {
  const of = <T>(...all: readonly T[]): T => all[pick % all.length] as T;
  switch (action.kind) {
    case 'readBack':
      return of<Happened>({ kind: 'readBack' }, { kind: 'readBack' }, { kind: 'unreadable', why: AWAY });
    case 'readRights':
      return of<Happened>({ kind: 'rightsRead' }, { kind: 'rightsUnreadable', why: AWAY });
    case 'lookUpHolder':
      return { kind: 'holderFound', name: action.name, isOwn: of(true, false) };
    case 'awaitUserName':
      return {
        kind: 'nameAwaited',
        name: action.name,
        turn: of<UsernameTurn>({ kind: 'free' }, { kind: 'taken' }, { kind: 'late' }, AWAY),
      };
    case 'sendSteps': {
      const { row: sentRow, steps } = action;
      const refusals = [{ names: steps[0]?.names ?? [], error: new BridgeError(400, 'no') }];
      const unanswered = { end: { ...AWAY, definite: false } };
      return sent(sentRow, of<Partial<Round>>({}, SURPRISE, { refusals }, { end: AWAY }, unanswered));
    }
    case 'record': {
      const { row: carried, round } = action;
      const apart = round.end === null && round.refusals.length > 0 && round.covered.size > 1;
      return { kind: 'recorded', row: carried, round, apart };
    }
    case 'postpone':
      return { kind: 'postponed', row: action.row, why: action.why };
    default:
      return { kind: 'over' };
  }
}

/** The row after an action, as far as decisions depend on it. */
function moved(stored: Row, action: Action, happened: Happened): Row {
  const isDue = (stored.recheck?.at ?? Infinity) <= NOW;
  if (happened.kind === 'readBack')
    return changed(stored, { doubt: false, calling: null, recheck: isDue ? null : stored.recheck });
  if (action.kind === 'sendSteps') return changed(stored, { doubt: true, calling: 2 });
  if (happened.kind !== 'recorded') return stored;
  const isSettled = happened.round.end === null && !happened.apart;
  const pending = isSettled
    ? stored.pending.filter(({ revision }) => !happened.round.covered.has(revision))
    : stored.pending;
  return changed(stored, { pending, doubt: happened.round.end?.kind === 'replan', calling: null });
}

test('no delivery sends in doubt, sends nothing, or goes on without end', () => {
  const property = fc.property(
    rows,
    fc.constantFrom('own' as const, 'found' as const),
    fc.array(fc.nat(59), { minLength: 5, maxLength: 60 }),
    (start, mark, picks) => {
      let stored = start;
      let attempt = firstAttempt(mark);
      let isKnown = mark === 'own' || !start.doubt;
      for (let turns = 0; ; turns += 1) {
        assert.ok(turns < 200, 'it goes on without end');
        const action = decide(stored, attempt, AT);
        if (action.kind === 'done') return;
        if (action.kind === 'sendSteps') {
          assert.ok(isKnown, 'it sends while a call is in doubt');
          assert.ok(action.steps.length > 0, 'it sends nothing');
          assert.ok(
            action.row.pending.every(({ onHold }) => onHold !== true),
            'it sends what is on hold',
          );
          assert.ok(action.row.pending.length <= 1 || !attempt.alone, 'it sends together what has to go alone');
        }
        if (action.kind === 'rest') assert.ok(!stored.doubt || mark === 'own', 'it rests in doubt');
        const happened = answers(action, picks[turns % picks.length] ?? 0);
        stored = moved(stored, action, happened);
        attempt = fold(attempt, happened);
        if (happened.kind === 'readBack') isKnown = true;
        if (happened.kind === 'recorded') isKnown = !stored.doubt;
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
});

test('the same row, attempt and time give the same action, and neither is changed', () => {
  const property = fc.property(rows, (stored) => {
    const attempt = Object.freeze(firstAttempt('found'));
    const before = JSON.stringify(stored);
    assert.deepEqual(decide(stored, attempt, AT), decide(stored, attempt, AT));
    assert.equal(JSON.stringify(stored), before);
  });
  fc.assert(property);
});
