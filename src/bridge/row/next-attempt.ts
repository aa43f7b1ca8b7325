/** Book-keeping of a row after a round: attempts, the next try, what keeps failing. Pure. */
import { userNameLeftOpen } from './in-flight-name.ts';
import { deadLetterOf, foldedIntoDeadCreate } from './dead-letters.ts';
import type { Row } from './types.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import { dueOf } from './observe.ts';
import { isEmpty } from './views.ts';
import type { Round, SettleOptions } from './round.ts';
import { retryAfterOf } from '../delivery/waiters.ts';
import { backoff, type Timing } from '../timing.ts';

/** When the row is looked at again, and what is noted on it until then; null: nothing is left of it. */
export function withNextAttempt(before: Row, next: Row, round: Round, options: SettleOptions): Row | null {
  const { now, timing } = options;
  const { end, left } = round;
  const doubt = end?.kind === 'retry' && !end.definite;
  const attempts = end === null && left.length === 0 ? 0 : before.attempts + 1;
  const repeated = stuckBy(before, end, now);
  const checkProtection = left.find(({ why }) => why.kind === 'blocked')?.why;
  const [first] = left;
  const base: Row = {
    ...next,
    doubt,
    attempts,
    repeated,
    blocked: checkProtection?.reason ?? null,
    sentName: userNameLeftOpen(before, next, round),
    lastError: end?.reason ?? first?.why.reason ?? null,
  };
  const row = isPoisoned(base, options) ? poisoned(base, options) : base;
  const pause =
    end?.kind === 'retry' || end?.kind === 'blocked'
      ? pauseOf(end, attempts, timing)
      : checkProtection !== undefined
        ? timing.syncIntervalMs
        : first === undefined
          ? timing.leaseMs
          : pauseOf(first.why, attempts, timing);
  const dueAt = dueOf(row, now + pause);
  return isEmpty(row) ? null : { ...row, dueAt };
}

/** An hour, ms: whoever asks for more is asked again. */
export const LONGEST_PAUSE = 3_600_000;

/** ms until the next try. */
export const pauseOf = (why: Unreadable, attempts: number, timing: Timing): number =>
  Math.max(backoff(attempts, timing), Math.min(retryAfterOf(why) * 1000, LONGEST_PAUSE));

function stuckBy({ repeated }: Row, end: Round['end'], now: number): Row['repeated'] {
  if (end?.kind !== 'retry' || end.cause !== 'answer') return null;
  if (repeated === null || repeated.reason !== end.reason) return { reason: end.reason, since: now, times: 1 };
  return { ...repeated, times: repeated.times + 1 };
}

const isPoisoned = ({ repeated }: Row, { now, timing, othersSucceeded }: SettleOptions): boolean =>
  repeated !== null &&
  repeated.times >= timing.repeatedlyFailingTimes &&
  now - repeated.since >= timing.repeatedlyFailingAfterMs &&
  othersSucceeded(repeated.since);

/** ZITADEL fails on this row alone, always in the same way: an operator has to look at it. */
function poisoned(row: Row, { now, awaited }: SettleOptions): Row {
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
  return { ...row, pending: changes, deadLetters: folded, repeated: null };
}
