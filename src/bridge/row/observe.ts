/** What reading the user changes in a row in doubt. Pure. */
import type { Facts, FactsChange } from '../../mapping/facts.ts';
import type { Reading } from '../ports/zitadel.ts';
import type { Timing } from '../timing.ts';
import { dueOf } from './next-attempt.ts';
import { BRIDGE_CHANGE, differing, expectedFacts, horizonOf } from './recheck.ts';
import {
  addBridgeChange,
  clearInFlight,
  distrustRights,
  enqueue,
  hide,
  nameAll,
  observe,
  recheckPassed,
  retryDeadLetters,
  schedule,
  takeOver,
} from './transitions.ts';
import type { Change, Row } from './types.ts';
import { askedName, baseFacts, withoutPassword } from './views.ts';

export interface ReadBack {
  readonly now: number;
  readonly timing: Timing;
  /** the previous lease holder died or lost its lease: its last call may still be applied */
  readonly takenOver: boolean;
}

/**
 * A row in doubt once the user was read: no longer in doubt. When no late call is possible any more, facts that it may
 * have changed are requested again.
 */
export function readBack(row: Row, reading: Reading | null, options: ReadBack): Row {
  const { now } = options;
  const next = observe(answered(row, reading !== null, options), reading, now);
  const again =
    isTimeOf(row, options) && reading !== null
      ? lookAtRights(askAgain(next, row, differing(expectedFacts(row), reading.facts)), row, now)
      : next;
  return schedule(again, dueOf(again, row.dueAt ?? now));
}

/**
 * A row in doubt whose user is hidden: the outcome of its calls cannot be read, so everything they carried is sent
 * again, whatever confirmed says. For a create that was applied, confirmed is what it carried.
 */
export function readBackHidden(row: Row, options: ReadBack): Row {
  const { now } = options;
  const next = hide(answered(row, true, options), now, madeOf(row));
  const again = isTimeOf(row, options) ? lookAtRights(askAgain(next, row, expectedFacts(row)), row, now) : next;
  return schedule(nameAll(again), dueOf(again, row.dueAt ?? now));
}

const isTimeOf = ({ recheck }: Row, { now, takenOver }: ReadBack): boolean =>
  recheck !== null && recheck.at <= now && !takenOver;

/** The row once the outcome of its calls was read, whatever the result. */
function answered(row: Row, isThere: boolean, options: ReadBack): Row {
  const { now, timing, takenOver } = options;
  const isTime = isTimeOf(row, options);
  const rechecked = takenOver ? takeOver(row, horizonOf(now, timing)) : isTime ? recheckPassed(row) : row;
  const next = clearInFlight(rechecked, isThere ? withoutSpent(row, takenOver) : row.pending);
  // any call may have changed them
  return isTime || row.pending.some(({ rights }) => rights) ? distrustRights(next) : next;
}

/** The facts of a create that may have been applied. */
function madeOf(row: Row): Facts {
  const username = row.sentName ?? askedName(row);
  const made = row.pending.find(({ kind }) => kind === 'create')?.facts ?? {};
  const facts = Object.entries(withoutPassword(made)).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ...Object.fromEntries(facts), ...(username === null ? {} : { username }), state: 'active' };
}

/** Required facts that differ are requested again. */
function askAgain(next: Row, before: Row, facts: FactsChange): Row {
  if (before.deadLetters.some(({ kind }) => kind === 'create')) return retryDeadLetters(next);
  const at = next.verifiedAt;
  if (baseFacts(before) === null) {
    const isAsked = before.pending.some(({ kind }) => kind === 'delete');
    return isAsked ? next : enqueue(next, { ...BRIDGE_CHANGE, kind: 'delete', facts: {}, at }, at);
  }
  return Object.keys(facts).length === 0 ? next : addBridgeChange(next, { facts, at });
}

/** An unanswered call may have changed rights: the rules are evaluated again. */
const lookAtRights = (next: Row, { recheck }: Row, at: number): Row =>
  recheck?.rights === true ? addBridgeChange(next, { facts: {}, at, rights: true }) : next;

/** A password is set at most once: a call in doubt may have set it. */
function withoutSpent({ pending, calling, sentName }: Row, takenOver: boolean): readonly Change[] {
  return pending.map((change) => {
    const isSpent = takenOver ? change.revision <= (calling ?? 0) : sentName !== null && change.kind === 'create';
    return isSpent && 'password' in change.facts ? { ...change, facts: withoutPassword(change.facts) } : change;
  });
}
