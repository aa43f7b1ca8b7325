/** What every store keeps beside a row, so that rows in trouble are found and counted without reading them all. */
import type { Change, Row, Trouble } from '../bridge/ports.ts';

const isHeld = ({ held }: Change): boolean => held === true;

export const TROUBLES: Readonly<Record<Trouble, (row: Row) => boolean>> = {
  owed: ({ changes }) => !changes.every(isHeld),
  doubt: ({ doubt }) => doubt,
  dead: ({ dead }) => dead.length > 0,
  held: ({ changes }) => changes.some(isHeld),
  blocked: ({ blocked }) => blocked !== null,
  hidden: ({ hidden }) => hidden !== null,
};

/** When the oldest change that is owed was asked; null: none is. A clock may have jumped, so it need not be the first one. */
export function owedSince({ changes }: Row): number | null {
  let oldest: number | null = null;
  for (const change of changes) {
    if (!isHeld(change) && (oldest === null || change.at < oldest)) oldest = change.at;
  }
  return oldest;
}
