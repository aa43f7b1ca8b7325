import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  userNameLeftOpen,
  userNameOfPlannedCalls,
  userNameOfUnplannedCall,
} from '../../../src/bridge/row/in-flight-name.ts';
import { emptyRound } from '../../../src/bridge/row/round.ts';
import type { Change, Row } from '../../../src/bridge/row/types.ts';
import { emptyRow } from '../../../src/bridge/row/views.ts';
import type { Step } from '../../../src/mapping/steps.ts';

const LATE = { recheck: { at: 1, facts: {} } };
const asks = (username: string): Pick<Row, 'pending'> => {
  const change: Change = {
    revision: 2,
    kind: 'edit',
    facts: { username },
    named: [],
    acknowledged: false,
    who: 'w',
    txn: 't',
    at: 0,
  };
  return { pending: [change] };
};
const row = (fields: Partial<Row>): Row => emptyRow({ tenant: 't', id: '1' }, 0, fields);
const there = (fields: Partial<Row>): Row => row({ confirmed: { username: 'ann' }, ...fields });
const created = (username: string): Pick<Row, 'pending'> => ({
  pending: asks(username).pending.map((change) => ({ ...change, kind: 'create' })),
});
const rename = (username: string): Step => ({
  call: 'UpdateUser',
  set: { username },
  names: ['username'],
  after: { username },
});
const OFF: Step = { call: 'DeactivateUser', set: {}, names: ['state'], after: { state: 'inactive' } };

const UNPLANNED: readonly (readonly [name: string, row: Row, carried: string | null])[] = [
  ['a rename carries the new name', there(asks('bob')), 'bob'],
  ['a name that the user has already is carried by no call', there(asks('ann')), null],
  ['what an earlier call may still set stays noted', there({ ...asks('bob'), ...LATE, sentName: 'eve' }), 'eve'],
  ['a create carries its name', row(created('ann')), 'ann'],
  ['a create that was sent keeps the name it was sent with', row({ ...created('ann'), sentName: 'eve' }), 'eve'],
];
for (const [name, before, carried] of UNPLANNED)
  test(`a call that is marked before its plan is made: ${name}`, () =>
    assert.equal(userNameOfUnplannedCall(before), carried));

const PLANNED: readonly (readonly [name: string, row: Row, steps: readonly Step[], carried: string | null])[] = [
  ['the name among the steps', there(asks('bob')), [OFF, rename('bob')], 'bob'],
  ['steps without a name leave what was noted', there({ sentName: 'eve' }), [OFF], 'eve'],
  ['what an earlier call may still set stays noted', there({ ...LATE, sentName: 'eve' }), [rename('bob')], 'eve'],
  ['a name that is asked for and not sent is carried by no call', there(asks('bob')), [OFF], null],
];
for (const [name, before, steps, carried] of PLANNED)
  test(`calls that are marked with their plan: ${name}`, () =>
    assert.equal(userNameOfPlannedCalls(before, steps), carried));

test('after the calls: only a name whose call got no answer is left', () => {
  const before = there({ sentName: 'bob' });
  const open = { ...emptyRound(before), open: { username: 'bob' } };
  assert.equal(userNameLeftOpen(before, before, open), 'bob');
  assert.equal(userNameLeftOpen(before, before, emptyRound(before)), null);
  assert.equal(userNameLeftOpen(before, emptyRow(before, 0, { ...before, ...LATE }), emptyRound(before)), 'bob');
});
