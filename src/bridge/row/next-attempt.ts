/** Bookkeeping of a row after a round: attempts, next attempt, repeated failures. Pure. */
import { userNameLeftOpen } from './in-flight-name.ts';
import { deadLetterOf, foldedIntoDeadCreate } from './dead-letters.ts';
import type { Row } from './types.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import type { Round, SettleOptions } from './round.ts';
import { retryAfterOf } from '../delivery/waiters.ts';
import { backoff, type Timing } from '../timing.ts';

/** What is recorded on a row after an attempt. */
export type Attempt = Pick<Row, 'doubt' | 'attempts' | 'repeated' | 'blocked' | 'sentName' | 'lastError'>;

/** @param next the row with the round's effects in confirmed */
export function attemptAfter(before: Row, next: Row, round: Round, now: number): Attempt {
  const { end, left } = round;
  return {
    doubt: end?.kind === 'retry' && !end.definite,
    attempts: end === null && left.length === 0 ? 0 : before.attempts + 1,
    repeated: repeatedBy(before, end, now),
    blocked: blockOf(round)?.reason ?? null,
    sentName: userNameLeftOpen(before, next, round),
    lastError: end?.reason ?? left[0]?.why.reason ?? null,
  };
}

const blockOf = ({ left }: Round): Unreadable | undefined => left.find(({ why }) => why.kind === 'blocked')?.why;

/** ms until the next attempt. */
export function pauseAfter(round: Round, attempts: number, timing: Timing): number {
  const { end, left } = round;
  if (end?.kind === 'retry' || end?.kind === 'blocked') return pauseOf(end, attempts, timing);
  if (blockOf(round) !== undefined) return timing.syncIntervalMs;
  return left[0] === undefined ? timing.leaseMs : pauseOf(left[0].why, attempts, timing);
}

/** When to look at a row: when something must be sent or read (`next`), or when no late call is possible any more. */
export function dueOf(row: Row, next: number): number | null {
  const until = row.recheck?.at ?? null;
  const waits = row.doubt || row.pending.some((change) => !change.onHold);
  if (!waits) return until;
  return until === null ? next : Math.min(next, until);
}

/** An hour, ms: longer delays requested by ZITADEL are capped. */
export const LONGEST_PAUSE = 3_600_000;

/** ms until the next attempt. */
export const pauseOf = (why: Unreadable, attempts: number, timing: Timing): number =>
  Math.max(backoff(attempts, timing), Math.min(retryAfterOf(why) * 1000, LONGEST_PAUSE));

function repeatedBy({ repeated }: Row, end: Round['end'], now: number): Row['repeated'] {
  if (end?.kind !== 'retry' || end.cause !== 'answer') return null;
  if (repeated === null || repeated.reason !== end.reason) return { reason: end.reason, since: now, times: 1 };
  return { ...repeated, times: repeated.times + 1 };
}

export const isPoisoned = ({ repeated }: Row, { now, timing, othersSucceeded }: SettleOptions): boolean =>
  repeated !== null &&
  repeated.times >= timing.repeatedlyFailingTimes &&
  now - repeated.since >= timing.repeatedlyFailingAfterMs &&
  othersSucceeded(repeated.since);

/** What remains of a row for which ZITADEL always fails: an operator has to look at its changes. */
export function poisoned(row: Row, { now, awaited }: SettleOptions): Pick<Row, 'pending' | 'deadLetters'> {
  const cause = { cause: 'poisoned', reason: row.repeated?.reason ?? '' } as const;
  const mine = row.pending.filter((change) => !change.onHold && !awaited(change));
  const letters = mine
    .filter(({ acknowledged: answered }) => answered)
    .map((change) => deadLetterOf(change, cause, now));
  const changes = row.pending.filter((change) => !mine.includes(change));
  const [first] = letters;
  const folded =
    first?.kind === 'create'
      ? foldedIntoDeadCreate([...row.deadLetters, first], mine.slice(1))
      : [...row.deadLetters, ...letters];
  return { pending: changes, deadLetters: folded };
}
