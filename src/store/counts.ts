import type { Counts } from '../bridge/ports/store.ts';
import type { Row } from '../bridge/row/types.ts';
import { CONDITIONS } from './conditions.ts';

export const NO_COUNTS: Counts = { rows: 0, owed: 0, doubt: 0, dead: 0, held: 0, blocked: 0, hidden: 0 };

const one = (is: boolean): number => (is ? 1 : 0);

/** What a row adds to the counts of its tenant. */
export const countsOf = (row: Row, visible: boolean): Counts => ({
  rows: one(visible),
  owed: one(CONDITIONS.owed(row)),
  doubt: one(CONDITIONS.doubt(row)),
  dead: one(CONDITIONS.dead(row)),
  held: one(CONDITIONS.held(row)),
  blocked: one(CONDITIONS.blocked(row)),
  hidden: one(CONDITIONS.hidden(row)),
});

/** left + right, or left - right with sign -1. */
export const sum = (left: Counts, right: Counts, sign: 1 | -1 = 1): Counts => ({
  rows: left.rows + sign * right.rows,
  owed: left.owed + sign * right.owed,
  doubt: left.doubt + sign * right.doubt,
  dead: left.dead + sign * right.dead,
  held: left.held + sign * right.held,
  blocked: left.blocked + sign * right.blocked,
  hidden: left.hidden + sign * right.hidden,
});

export const isNothing = (counts: Counts): boolean => Object.values(counts).every((count) => count === 0);
