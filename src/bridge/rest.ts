/** Book-keeping of a row after a round: attempts, the next try, what keeps failing. Pure. */
import { mayLandLate } from './confirm.ts';
import { letterOf, withCreateDead } from './dead-letters.ts';
import type { Row, Unreadable } from './ports.ts';
import { dueOf } from './readings.ts';
import { isNothing } from './rows.ts';
import type { Round, SettleOptions } from './settle.ts';
import { retryAfterOf } from './settlements.ts';
import { backoff, type Timing } from './timing.ts';

/** When the row is looked at again, and what is noted on it until then; null: nothing is left of it. */
export function rested(before: Row, next: Row, round: Round, options: SettleOptions): Row | null {
  const { now, timing } = options;
  const { end, left } = round;
  const doubt = end?.kind === 'retry' && !end.definite;
  const attempts = end === null && left.length === 0 ? 0 : before.attempts + 1;
  const stuck = stuckBy(before, end, now);
  const bar = left.find(({ why }) => why.kind === 'blocked')?.why;
  const [first] = left;
  const base: Row = {
    ...next,
    doubt,
    attempts,
    stuck,
    blocked: bar?.reason ?? null,
    sentName: sentNameOf(before, next, round),
    lastError: end?.reason ?? first?.why.reason ?? null,
  };
  const row = isPoisoned(base, options) ? poisoned(base, options) : base;
  const pause =
    end?.kind === 'retry' || end?.kind === 'blocked'
      ? pauseOf(end, attempts, timing)
      : bar !== undefined
        ? timing.syncInterval
        : first === undefined
          ? timing.lease
          : pauseOf(first.why, attempts, timing);
  const dueAt = dueOf(row, now + pause);
  return isNothing(row) ? null : { ...row, dueAt };
}

/** An hour, ms: whoever asks for more is asked again. */
export const LONGEST_PAUSE = 3_600_000;

/** ms until the next try. */
export const pauseOf = (why: Unreadable, attempts: number, timing: Timing): number =>
  Math.max(backoff(attempts, timing), Math.min(retryAfterOf(why) * 1000, LONGEST_PAUSE));

/** The name that a call may still take which was never answered. */
export function sentNameOf(before: Row, next: Row, { open }: Round): string | null {
  if (mayLandLate(before)) return before.sentName;
  return open['username'] ?? (next.confirm === null ? null : before.sentName);
}

function stuckBy({ stuck }: Row, end: Round['end'], now: number): Row['stuck'] {
  if (end?.kind !== 'retry' || end.cause !== 'answer') return null;
  if (stuck === null || stuck.reason !== end.reason) return { reason: end.reason, since: now, times: 1 };
  return { ...stuck, times: stuck.times + 1 };
}

const isPoisoned = ({ stuck }: Row, { now, timing, othersSucceeded }: SettleOptions): boolean =>
  stuck !== null &&
  stuck.times >= timing.poisonedTimes &&
  now - stuck.since >= timing.poisonedAfter &&
  othersSucceeded(stuck.since);

/** ZITADEL fails on this row alone, always in the same way: an operator has to look at it. */
function poisoned(row: Row, { now, awaited }: SettleOptions): Row {
  const cause = { cause: 'poisoned', reason: row.stuck?.reason ?? '' } as const;
  const mine = row.changes.filter((change) => !change.held && !awaited(change));
  const letters = mine.filter(({ answered }) => answered).map((change) => letterOf(change, cause, now));
  const changes = row.changes.filter((change) => !mine.includes(change));
  const [first] = letters;
  const folded =
    first?.kind === 'create' ? withCreateDead([...row.dead, first], mine.slice(1)) : [...row.dead, ...letters];
  return { ...row, changes, dead: folded, stuck: null };
}
