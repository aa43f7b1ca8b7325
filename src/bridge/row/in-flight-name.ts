/**
 * The userName that calls on their way may still give a row (Row.sentName): it stays reserved until they can no longer land. What is
 * known of these calls differs before the plan is made, once it is made and after the calls, hence three rules. Pure.
 */
import type { Step } from '../../mapping/steps.ts';
import { mayLandLate } from './recheck.ts';
import type { Round } from './round.ts';
import type { Row } from './types.ts';
import { askedName } from './views.ts';

/** The userName a step takes in ZITADEL; undefined: none. */
export function nameTaken({ call, set }: Step): string | undefined {
  const name = call === 'CreateUser' || call === 'UpdateUser' ? set['username'] : undefined;
  return name ?? undefined;
}

export const nameTakenBy = (steps: readonly Step[]): string | undefined =>
  steps.map(nameTaken).find((name) => name !== undefined);

/**
 * A request marks the call in the write that appends its change, before there is a plan: the name that is asked for is taken to be
 * carried, unless the user has it already. Of a create the name that was sent first stays: under its id no other one may be sent.
 */
export function userNameOfUnplannedCall(row: Row): string | null {
  const { confirmed, sentName } = row;
  const asked = askedName(row);
  const isKept = confirmed === null ? sentName !== null : mayLandLate(row) || asked === (confirmed['username'] ?? null);
  return isKept ? sentName : asked;
}

/** A delivery marks the calls of its plan: the name that they really carry, unless an earlier call may still land with another one. */
export const userNameOfPlannedCalls = (row: Row, steps: readonly Step[]): string | null =>
  mayLandLate(row) ? row.sentName : (nameTakenBy(steps) ?? row.sentName);

/** The name that a call may still take which was never answered. */
export function userNameLeftOpen(before: Row, next: Row, { open }: Round): string | null {
  if (mayLandLate(before)) return before.sentName;
  return open['username'] ?? (next.recheck === null ? null : before.sentName);
}
