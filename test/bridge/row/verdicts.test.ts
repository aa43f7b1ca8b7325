import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRound, type Round, type SettleOptions } from '../../../src/bridge/row/round.ts';
import type { Change, Row } from '../../../src/bridge/row/types.ts';
import { verdictOf } from '../../../src/bridge/row/verdicts.ts';
import { emptyRow } from '../../../src/bridge/row/views.ts';
import { TIMING } from '../../../src/bridge/timing.ts';
import { BridgeError } from '../../../src/errors.ts';

const THERE = emptyRow({ tenant: 't', id: '1' }, 0, { confirmed: { username: 'ann' } });
const ABSENT = emptyRow({ tenant: 't', id: '1' }, 0);
const AWAY = { kind: 'retry', definite: true, cause: 'away', reason: 'unreachable' } as const;
const EDIT: Change = {
  revision: 2,
  kind: 'edit',
  facts: { givenName: 'Anna', email: 'no' },
  named: ['email'],
  acknowledged: false,
  who: 'w',
  txn: 't',
  at: 0,
};
const ANSWERED: Change = { ...EDIT, acknowledged: true };
const CREATE: Change = { ...EDIT, kind: 'create' };
const DELETE: Change = { ...EDIT, kind: 'delete', facts: {}, named: [] };
const REFUSED: Partial<Round> = { refusals: [{ names: ['email'], error: new BridgeError(400, 'no e-mail') }] };
const OFF: Partial<Round> = { left: [{ names: ['email'], why: { kind: 'blocked', reason: 'not permitted' } }] };

interface Case {
  readonly name: string;
  readonly change: Change;
  readonly round?: Partial<Round>;
  readonly options?: Partial<SettleOptions>;
  readonly row?: Row;
  /** what it comes to: facts that stay, what is told, facts that died */
  readonly left: readonly string[] | null;
  readonly told?: string;
  readonly dead?: readonly string[];
  readonly orphan?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'a round with an answer to all settles it', change: EDIT, left: null, told: 'settled' },
  { name: 'a refusal is told who waits', change: EDIT, round: REFUSED, left: null, told: 'refused' },
  {
    name: 'refused after it was acknowledged, these facts are a dead letter',
    change: ANSWERED,
    round: REFUSED,
    left: null,
    told: 'settled',
    dead: ['email'],
  },
  {
    name: 'refused facts that nobody waits for are dropped',
    change: EDIT,
    round: REFUSED,
    options: { awaited: () => false },
    left: null,
    told: 'settled',
    orphan: true,
  },
  {
    name: 'of a create that is refused nothing is left',
    change: CREATE,
    round: REFUSED,
    row: ABSENT,
    left: null,
    told: 'refused',
  },
  {
    name: 'a create that was refused after it was acknowledged dies whole',
    change: { ...CREATE, acknowledged: true },
    round: REFUSED,
    row: ABSENT,
    left: null,
    dead: ['givenName', 'email'],
  },
  {
    name: 'without an answer it is acknowledged',
    change: EDIT,
    round: { end: AWAY },
    left: ['givenName', 'email'],
    told: 'accepted',
  },
  {
    name: 'WHEN_DOWN=refuse: nothing of it was sent, nothing is kept',
    change: EDIT,
    round: { end: AWAY },
    options: { accept: false },
    left: null,
    told: 'away',
  },
  {
    name: 'WHEN_DOWN=refuse: it is kept once something was applied',
    change: EDIT,
    round: { end: AWAY, after: [{ givenName: 'Anna' }] },
    options: { accept: false },
    left: ['givenName', 'email'],
    told: 'accepted',
  },
  {
    name: 'WHEN_DOWN=refuse: it is kept once something was sent before',
    change: EDIT,
    round: { end: AWAY },
    options: { accept: false, sent: true },
    left: ['givenName', 'email'],
    told: 'accepted',
  },
  { name: 'only what is not permitted now stays', change: EDIT, round: OFF, left: ['email'], told: 'accepted' },
  {
    name: 'a delete that is not permitted now stays',
    change: DELETE,
    round: { end: AWAY },
    left: [],
    told: 'accepted',
  },
];

for (const { name, change, round, options, row = THERE, left, told, dead, orphan = false } of CASES)
  test(`verdict on a change: ${name}`, () => {
    const all: SettleOptions = {
      now: 1,
      timing: TIMING,
      awaited: () => true,
      accept: true,
      sent: false,
      othersSucceeded: () => false,
      ...options,
    };
    const before = emptyRow(row, 0, { ...row, pending: [change] });
    const verdict = verdictOf(change, { ...emptyRound(before), ...round }, before, all);
    assert.deepEqual(verdict.left && Object.keys(verdict.left.facts), left);
    assert.equal(verdict.result?.kind, told);
    assert.deepEqual(verdict.deadLetter && Object.keys(verdict.deadLetter.facts), dead);
    assert.equal(verdict.orphan, orphan);
    if (verdict.result?.kind === 'accepted') assert.equal(verdict.left?.acknowledged, true);
  });

test('what is left of a create that was applied is an edit', () => {
  const before = emptyRow(THERE, 0, { ...THERE, pending: [CREATE] });
  const options = {
    now: 1,
    timing: TIMING,
    awaited: () => true,
    accept: true,
    sent: false,
    othersSucceeded: () => false,
  };
  const verdict = verdictOf(CREATE, { ...emptyRound(before), ...OFF }, before, options);
  assert.equal(verdict.left?.kind, 'edit');
});
