/** Held changes: asked before a long sleep, perhaps out of a restored back-up. An operator releases or drops them. Pure. */
import type { Change, Row } from './ports.ts';

/** A row whose changes wait for an operator; what ZITADEL has is read before anything is sent again. */
export function heldBack(row: Row): Row {
  const changes = row.changes.map((change): Change => ({ ...change, held: true }));
  const doubt = row.doubt || changes.length > 0;
  const dueAt = doubt && changes.length === 0 ? row.dueAt : null;
  return { ...row, changes, doubt, calling: null, sentName: null, confirm: null, dueAt };
}

const released = ({ held: _held, ...change }: Change): Change => change;

export const release = (row: Row): Row => ({ ...row, changes: row.changes.map(released), doubt: true });

/** What a new request names is no longer held; a held create is released by any write to that user. */
export function withoutNamed(changes: readonly Change[], made: Change): readonly Change[] {
  if (!changes.some(({ held }) => held)) return changes;
  if (changes.some(({ held, kind }) => held === true && kind === 'create')) return changes.map(released);
  return changes.flatMap((change) => {
    if (change.held !== true || change.kind === 'delete') return [change];
    const facts = Object.fromEntries(Object.entries(change.facts).filter(([name]) => !(name in made.facts)));
    return Object.keys(facts).length === 0 ? [] : [{ ...change, facts }];
  });
}
