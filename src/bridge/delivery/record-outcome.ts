import type { Change, Key, Row, Unique } from '../row/types.ts';
import type { Clock } from '../ports/context.ts';
import type { Outcome, Unreadable } from '../ports/zitadel.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import {
  acknowledge,
  dropDeadLetters,
  schedule,
  stayInDoubt,
  vanish as vanished,
  withdraw,
} from '../row/transitions.ts';
import type { Target } from './target.ts';
import { pauseOf } from '../row/next-attempt.ts';
import { deadName, isEmpty, isSameRow, unlessEmpty, deliverable } from '../row/views.ts';
import { type Round } from '../row/round.ts';
import { type RoundResult, settleRound } from '../row/settle.ts';
import { awayResult, type ChangeResult, type Waiters } from './waiters.ts';
import { tenantOf } from '../row/kinds.ts';
import type { Timing } from '../timing.ts';
import { type Make, updateRow } from '../row/update-row.ts';

/** One delivery, for its log line: ids and outcomes, never values. */
export interface Delivery {
  readonly tenant: string;
  readonly id: string;
  /** the requests it was for */
  readonly txns: readonly string[];
  /** token name of the last of them */
  readonly who?: string;
  /** e.g. ["DeactivateUser:done", "UpdateUser:refused"] */
  readonly calls: readonly string[];
  readonly outcome: Outcome['kind'];
  readonly reason?: string;
  /** refused facts of requests that are gone: dropped */
  readonly orphans: number;
  /** dead letters it made */
  readonly dead: number;
  readonly attempts: number;
  readonly ms: number;
}

export interface RecordOutcomeOptions {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly scheduler: Scheduler;
  readonly onDelivery?: (delivery: Delivery) => void;
}

/** Writes one row, whatever it is by then. */
export type Update = (make: Make, durable?: boolean) => Promise<unknown>;

const NOTHING: Round = {
  covered: new Set(),
  after: [],
  refusals: [],
  left: [],
  end: null,
  open: {},
  openRight: false,
  removed: false,
  calls: [],
};

/** Of refusals that nobody waits for. */
const MADE = { orphans: 0, dead: 0 };

/** A round in which nothing was sent. */
const notYet = (row: Row, end: Unreadable): Round => ({
  ...NOTHING,
  covered: new Set(row.pending.map(({ revision }) => revision)),
  end,
});

export function createRecordOutcome({
  store,
  waiters,
  clock,
  timing,
  scheduler: wake,
  onDelivery,
}: RecordOutcomeOptions) {
  /** Writes what a round came to and tells those who wait. */
  async function settle(
    seen: Row,
    { availability, whenDown, unique }: Target,
    round: Round,
    update: Update,
    sent: boolean,
  ): Promise<RoundResult> {
    let settlement: RoundResult = { row: null, results: new Map(), alone: false, ...MADE };
    const names = round.after.flatMap(({ username }) => (typeof username === 'string' ? [username] : []));
    // asked beside the write: most tenants have no dead letter
    const counting = names.length === 0 ? undefined : store.counts(seen.tenant);
    counting?.catch(() => undefined); // when the write fails too nobody looks at it
    await update(
      (row) => {
        settlement = settleRound(row, round, {
          now: clock(),
          timing,
          awaited: (change) => waiters.awaited(seen, change),
          accept: whenDown === 'accept',
          sent,
          othersSucceeded: (since) => availability.othersSucceeded(seen.id, since),
        });
        return settlement.row;
      },
      // what is answered from now on must be on the disk
      round.end !== null || round.left.length > 0,
    );
    if (round.end === null && round.calls.length > 0) availability.succeeded(seen.id);
    wakeFor(settlement.row);
    try {
      const counts = await counting;
      if (counts !== undefined && counts.dead > 0) for (const name of names) await supersede(seen, unique, name);
    } finally {
      for (const [revision, result] of settlement.results) waiters.publish(seen, revision, result);
    }
    return settlement;
  }

  /** A dead create whose userName this row has by now is closed. */
  async function supersede(row: Key, unique: Unique, name: string): Promise<void> {
    const holder = await store.reservedBy(unique.instance, deadName(name));
    if (holder === undefined || isSameRow(holder, row)) return;
    await updateRow(store, unique, holder, (now) => unlessEmpty(dropDeadLetters(now, ({ kind }) => kind === 'create')));
  }

  /** Nothing is to be sent: it is looked at again only for a call that may still land. */
  async function rest(row: Row, update: Update): Promise<void> {
    const dueAt = row.recheck?.at ?? null;
    if (row.dueAt === dueAt && !isEmpty(row)) return;
    await update((now) => {
      if (isEmpty(now)) return null;
      return deliverable(now).length > 0 || now.doubt ? now : schedule(now, now.recheck?.at ?? null);
    });
    wakeFor({ dueAt });
  }

  /** The user is not there: its changes have nothing to change any more, and what was answered of them is a dead letter. */
  async function vanish(seen: Row, update: Update): Promise<void> {
    let lost: readonly Change[] = [];
    let dead = 0;
    await update((row) => {
      lost = row.pending;
      const next = vanished(row, clock());
      dead = next.deadLetters.length - row.deadLetters.length;
      return next;
    }, true);
    const orphans = lost.filter((change) => !change.acknowledged && !waiters.awaited(seen, change)).length;
    report(seen, NOTHING, 0, { orphans, dead }, 'gone');
    for (const { revision, kind } of lost)
      waiters.publish(seen, revision, kind === 'delete' ? { kind: 'settled' } : { kind: 'gone' });
  }

  /** Changes whose turn did not come: they are answered as in an outage. */
  async function answerOthers(row: Row, { whenDown }: Target, update: Update, why: Unreadable): Promise<void> {
    const results = new Map<number, ChangeResult>();
    const accept = whenDown === 'accept';
    await update((now) => {
      results.clear();
      const isAnswered = (change: Change): boolean => !change.acknowledged && waiters.awaited(now, change);
      for (const { revision } of now.pending.filter(isAnswered))
        results.set(revision, accept ? { kind: 'accepted' } : awayResult(why));
      if (results.size === 0) return now;
      return accept ? acknowledge(now, isAnswered) : withdraw(now, isAnswered);
    }, true);
    for (const [revision, result] of results) waiters.publish(row, revision, result);
  }

  /** Another row has to be delivered first. */
  async function putOffUnsent(row: Row, target: Target, update: Update, why: Unreadable, sent: boolean): Promise<void> {
    const round = notYet(row, why);
    await settle(row, target, round, update, sent);
    report(row, round, 0);
  }

  /** ZITADEL cannot be asked what became of a call: that is as unknown as before. */
  async function putOff(row: Row, target: Target, update: Update, why: Unreadable, sent: boolean): Promise<void> {
    const round = notYet(row, why.kind === 'retry' ? { ...why, definite: true } : why);
    const dueAt = clock() + pauseOf(why, row.attempts + 1, timing);
    if (why.kind === 'retry' && why.cause === 'away') target.availability.unanswered();
    if (why.kind === 'retry' && why.cause === 'limited') target.availability.rateLimited(dueAt - clock(), why.reason);
    await settle(
      row,
      target,
      round,
      (make, durable) => update((now) => stayInDoubt(make(now), now, dueAt), durable),
      sent,
    );
    wakeFor({ dueAt });
    report(row, round, 0);
  }

  function wakeFor(row: Pick<Row, 'dueAt'> | null): void {
    if (row !== null && row.dueAt !== null) wake.at(row.dueAt);
  }

  function report(
    row: Row,
    { calls, end, refusals, left }: Round,
    ms: number,
    { orphans, dead }: typeof MADE = MADE,
    outcome: Outcome['kind'] = end?.kind ?? (refusals.length > 0 ? 'refused' : (left[0]?.why.kind ?? 'done')),
  ): void {
    const last = row.pending.at(-1);
    const reason = end?.reason ?? left[0]?.why.reason ?? refusals.find(({ right }) => right)?.error.message;
    onDelivery?.({
      tenant: tenantOf(row),
      id: row.id,
      txns: [...new Set(row.pending.map((change) => change.txn))],
      ...(last === undefined ? {} : { who: last.who }),
      calls,
      outcome,
      ...(reason === undefined ? {} : { reason }),
      orphans,
      dead,
      attempts: row.attempts + 1,
      ms,
    });
  }

  return { settle, rest, vanish, answerOthers, putOff, putOffUnsent, report };
}
