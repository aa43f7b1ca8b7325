/** THE STATES OF A ROW: which event leads from which to which. docs/architecture.md draws them, a test checks them. */
import type * as observe from './observe.ts';
import type * as settle from './settle.ts';
import type * as transitions from './transitions.ts';
import type { Row } from './types.ts';

export type State =
  | 'absent'
  | 'settled'
  | 'pending'
  | 'in flight'
  | 'in doubt'
  | 'rechecking'
  | 'on hold'
  | 'dead letter'
  | 'hidden'
  | 'deleted';

/** The function of that name in transitions.ts, settle.ts or observe.ts. */
type Event = keyof typeof transitions | keyof typeof settle | keyof typeof observe;

export interface Edge {
  readonly from: State;
  readonly event: Event;
  readonly to: State;
  /** what happened, where the event alone does not show it */
  readonly when?: string;
}

export const EDGES: readonly Edge[] = [
  { from: 'absent', event: 'create', to: 'pending' },
  { from: 'absent', event: 'discover', to: 'settled' },
  { from: 'settled', event: 'accept', to: 'pending' },
  { from: 'pending', event: 'withdraw', to: 'settled' },
  { from: 'pending', event: 'markInFlight', to: 'in flight' },
  { from: 'pending', event: 'hold', to: 'on hold' },
  { from: 'pending', event: 'vanish', to: 'deleted', when: 'not there' },
  { from: 'pending', event: 'settleRound', to: 'rechecking', when: 'is so, a call may land late' },
  { from: 'in flight', event: 'settleRound', to: 'settled', when: 'done' },
  { from: 'in flight', event: 'settleRound', to: 'pending', when: 'not now' },
  { from: 'in flight', event: 'settleRound', to: 'in doubt', when: 'no answer' },
  { from: 'in flight', event: 'settleRound', to: 'dead letter', when: 'refused' },
  { from: 'in flight', event: 'settleRound', to: 'deleted', when: 'deleted' },
  { from: 'in flight', event: 'readBack', to: 'pending', when: 'its process died' },
  { from: 'in doubt', event: 'readBack', to: 'pending' },
  { from: 'in doubt', event: 'readBackHidden', to: 'hidden', when: 'only commands know it' },
  { from: 'rechecking', event: 'readBack', to: 'settled', when: 'as it should be' },
  { from: 'rechecking', event: 'readBack', to: 'pending', when: 'a late call won' },
  { from: 'on hold', event: 'release', to: 'in doubt' },
  { from: 'on hold', event: 'withdraw', to: 'settled', when: 'dropped' },
  { from: 'dead letter', event: 'retryDeadLetters', to: 'pending' },
  { from: 'dead letter', event: 'dropDeadLetters', to: 'settled' },
  { from: 'settled', event: 'hide', to: 'hidden' },
  { from: 'hidden', event: 'reappear', to: 'in doubt' },
  { from: 'settled', event: 'vanish', to: 'deleted' },
];

/** A row may be in several states: returns the one that says most about what happens next. */
export function stateOf(row: Row): State {
  if (row.tombstone !== null) return 'deleted';
  if (row.hidden !== null) return 'hidden';
  if (row.calling !== null) return 'in flight';
  if (row.pending.length > 0 && row.pending.every(({ onHold }) => onHold)) return 'on hold';
  if (row.doubt) return 'in doubt';
  if (row.pending.length > 0) return 'pending';
  if (row.recheck !== null) return 'rechecking';
  if (row.deadLetters.length > 0) return 'dead letter';
  return row.confirmed === null ? 'absent' : 'settled';
}
