import type { Change, Row } from '../bridge/row/types.ts';
import type { Condition } from '../bridge/ports/store.ts';

const isHeld = ({ onHold: held }: Change): boolean => held === true;

export const CONDITIONS: Readonly<Record<Condition, (row: Row) => boolean>> = {
  owed: ({ pending: changes }) => !changes.every(isHeld),
  doubt: ({ doubt }) => doubt,
  dead: ({ deadLetters: dead }) => dead.length > 0,
  held: ({ pending: changes }) => changes.some(isHeld),
  blocked: ({ blocked }) => blocked !== null,
  hidden: ({ hidden }) => hidden !== null,
};

/** When the oldest change that is owed was asked; null: none is. A clock may have jumped, so it need not be the first one. */
export function owedSince({ pending: changes }: Row): number | null {
  let oldest: number | null = null;
  for (const change of changes) {
    if (!isHeld(change) && (oldest === null || change.at < oldest)) oldest = change.at;
  }
  return oldest;
}
