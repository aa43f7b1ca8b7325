/**
 * The userName that calls in flight may still give a row (Row.sentName): reserved until they can no longer be applied.
 * What is known about these calls differs before planning, after planning and after the calls, hence three rules. Pure.
 */
import type { Step } from '../../mapping/steps.ts';
import { mayLandLate } from './recheck.ts';
import type { Round } from './round.ts';
import type { Row } from './types.ts';
import { askedName } from './views.ts';

/** The userName that a step sets in ZITADEL; undefined: none. */
export function nameTaken({ call, set }: Step): string | undefined {
  const name = call === 'CreateUser' || call === 'UpdateUser' ? set['username'] : undefined;
  return name ?? undefined;
}

export const nameTakenBy = (steps: readonly Step[]): string | undefined =>
  steps.map(nameTaken).find((name) => name !== undefined);

/**
 * A request marks the call in the write that appends its change, before there is a plan: the requested name is assumed
 * to be in the call unless the user has it already. A create keeps the name sent first: its id allows no other.
 */
export function userNameOfUnplannedCall(row: Row): string | null {
  const { confirmed, sentName } = row;
  const asked = askedName(row);
  const isKept = confirmed === null ? sentName !== null : mayLandLate(row) || asked === (confirmed['username'] ?? null);
  return isKept ? sentName : asked;
}

/** A delivery marks its planned calls with the name they carry, unless an earlier call may still set another one. */
export const userNameOfPlannedCalls = (row: Row, steps: readonly Step[]): string | null =>
  mayLandLate(row) ? row.sentName : (nameTakenBy(steps) ?? row.sentName);

/** The name that an unanswered call may still set. */
export function userNameLeftOpen(before: Row, next: Row, { open }: Round): string | null {
  if (mayLandLate(before)) return before.sentName;
  return open['username'] ?? (next.recheck === null ? null : before.sentName);
}
