/** Held changes: asked before a long sleep, perhaps out of a restored back-up. An operator releases or drops them. Pure. */
import { withoutFacts } from '../mapping/facts.ts';
import { mustBe, OWN } from './confirm.ts';
import type { Change, Row } from './ports.ts';
import { baseFacts } from './rows.ts';

/** A row whose changes wait for an operator; what ZITADEL has is read before anything is sent again. */
export function heldBack(row: Row): Row {
  const changes = [...toConfirm(row), ...row.changes].map((change): Change => ({ ...change, held: true }));
  const doubt = row.doubt || changes.length > 0;
  const dueAt = doubt && changes.length === 0 ? row.dueAt : null;
  // sentName stays: the name that a call may have taken meanwhile is not free yet
  return { ...row, changes, doubt, calling: null, confirm: null, dueAt };
}

/** A call may have landed during the sleep: what must be so, as a change. */
function toConfirm(row: Row): readonly Change[] {
  const { confirm } = row;
  if (confirm === null) return [];
  const at = confirm.until;
  if (baseFacts(row) === null)
    return row.changes.some(({ kind }) => kind === 'delete') ? [] : [{ ...OWN, kind: 'delete', facts: {}, at }];
  const facts = mustBe(row);
  const rights = confirm.rights === true;
  if (row.known === null || (Object.keys(facts).length === 0 && !rights)) return [];
  return [{ ...OWN, kind: 'edit', facts, at, ...(rights ? { rights } : {}) }];
}

const released = ({ held: _held, ...change }: Change): Change => change;

export const release = (row: Row): Row => ({ ...row, changes: row.changes.map(released), doubt: true });

/** A held create is released by any write to that user. */
export const releasedBy = (changes: readonly Change[]): readonly Change[] =>
  changes.some(({ held, kind }) => held === true && kind === 'create') ? changes.map(released) : changes;

/** What a new request has brought about is no longer held. */
export function withoutDone(changes: readonly Change[], done: ReadonlySet<string>): readonly Change[] {
  if (done.size === 0 || !changes.some(({ held }) => held)) return changes;
  return changes.flatMap((change) => {
    if (change.held !== true || change.kind === 'delete') return [change];
    const facts = withoutFacts(change.facts, done);
    return Object.keys(facts).length === 0 && change.rights !== true ? [] : [{ ...change, facts }];
  });
}
