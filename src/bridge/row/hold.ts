/** Changes on hold: from before a long downtime, maybe from a restored backup. An operator releases or drops them. */
import { withoutFacts } from '../../mapping/facts.ts';
import { expectedFacts, BRIDGE_CHANGE } from './recheck.ts';
import type { Change, Row } from './types.ts';
import { baseFacts } from './views.ts';

/** Puts everything pending or awaiting a recheck on hold. */
export const heldChanges = (row: Row): readonly Change[] =>
  [...toConfirm(row), ...row.pending].map((change) => ({ ...change, onHold: true }));

/** A call may have been applied during the downtime: the required values, as a change. */
function toConfirm(row: Row): readonly Change[] {
  const { recheck: confirm } = row;
  if (confirm === null) return [];
  const at = confirm.at;
  if (baseFacts(row) === null)
    return row.pending.some(({ kind }) => kind === 'delete')
      ? []
      : [{ ...BRIDGE_CHANGE, kind: 'delete', facts: {}, at }];
  const facts = expectedFacts(row);
  const rights = confirm.rights === true;
  if (row.confirmed === null || (Object.keys(facts).length === 0 && !rights)) return [];
  return [{ ...BRIDGE_CHANGE, kind: 'edit', facts, at, ...(rights ? { rights } : {}) }];
}

export const released = ({ onHold: _held, ...change }: Change): Change => change;

/** Any write to the user releases a create that is on hold. */
export const releasedBy = (changes: readonly Change[]): readonly Change[] =>
  changes.some(({ onHold: held, kind }) => held === true && kind === 'create') ? changes.map(released) : changes;

/** Facts that a new request has set are no longer on hold. */
export function withoutDone(changes: readonly Change[], done: ReadonlySet<string>): readonly Change[] {
  if (done.size === 0 || !changes.some(({ onHold: held }) => held)) return changes;
  return changes.flatMap((change) => {
    if (change.onHold !== true || change.kind === 'delete') return [change];
    const facts = withoutFacts(change.facts, done);
    return Object.keys(facts).length === 0 && change.rights !== true ? [] : [{ ...change, facts }];
  });
}
