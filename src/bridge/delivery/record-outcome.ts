/** Records the outcome of a delivery that ends or pauses, and notifies waiting requests. */
import type { Change, Key, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Outcome, Unreadable } from '../ports/zitadel.ts';
import type { DeliveryContext, LeasedRow, Update } from './context.ts';
import {
  acknowledge,
  addBridgeChange,
  dropDeadLetters,
  schedule,
  stayInDoubt,
  vanish as vanished,
  withdraw,
} from '../row/transitions.ts';
import { pauseOf } from '../row/next-attempt.ts';
import { deadName, isEmpty, isSameRow, unlessEmpty, deliverable } from '../row/views.ts';
import { emptyRound, type Round } from '../row/round.ts';
import { type RoundResult, settleRound } from '../row/settle.ts';
import type { Action } from './decide.ts';
import { noteUnavailable } from './tenant-availability.ts';
import { awayResult, type ChangeResult } from './waiters.ts';
import { tenantOf } from '../row/kinds.ts';
import { updateRow } from '../row/update-row.ts';

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** A round to record; `sent`: calls were made before it. */
type Ended = Pick<ActionOf<'record'>, 'row' | 'round' | 'sent'>;

/** Logs refusals for which no request is waiting. */
const MADE = { orphans: 0, dead: 0 };

/** A round in which nothing was sent. */
const notYet = (row: Row, end: Unreadable): Round => ({ ...emptyRound(row), end });

/** Writes and logs the outcome of a round. True: the changes sent together must be resent one by one. */
export async function recordRound(
  context: DeliveryContext,
  leased: LeasedRow,
  { row, round, at, sent, restoresName }: ActionOf<'record'>,
): Promise<boolean> {
  const { clock } = context;
  const { alone, ...settled } = await settle(context, leased, { row, round, sent }, leased.update).catch(
    (error: unknown) => {
      report(context, row, round, { ms: clock() - at });
      throw error;
    },
  );
  report(context, row, round, { ms: clock() - at, ...settled });
  // if the rename for which a name was given up is refused, the old name is asked for again
  if (restoresName)
    await leased.update((now) =>
      addBridgeChange(now, { facts: { username: row.confirmed?.['username'] ?? null }, at: clock() }),
    );
  return alone;
}

/** Writes the outcome of a round and notifies waiting requests. */
async function settle(
  { store, waiters, clock, timing, scheduler }: DeliveryContext,
  { target: { availability, whenDown, unique } }: LeasedRow,
  { row: seen, round, sent }: Ended,
  update: Update,
): Promise<RoundResult> {
  let settlement: RoundResult = { row: null, results: new Map(), alone: false, ...MADE };
  const names = round.after.flatMap(({ username }) => (typeof username === 'string' ? [username] : []));
  // runs alongside the write: most tenants have no dead letters
  const counting = names.length === 0 ? undefined : store.counts(seen.tenant);
  counting?.catch(() => undefined); // if the write fails as well, the count is not needed
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
    // acknowledgements from now on require a durable write
    round.end !== null || round.left.length > 0,
  );
  if (round.end === null && round.calls.length > 0) availability.succeeded(seen.id);
  if (settlement.row !== null && settlement.row.dueAt !== null) scheduler.at(settlement.row.dueAt);
  try {
    const counts = await counting;
    if (counts !== undefined && counts.deadLetter > 0)
      for (const name of names) await supersede(store, unique, seen, name);
  } finally {
    for (const [revision, result] of settlement.results) waiters.publish(seen, revision, result);
  }
  return settlement;
}

/** Closes the dead letter of a create whose userName this row has by now. */
async function supersede(store: Store, unique: Unique, row: Key, name: string): Promise<void> {
  const holder = await store.reservedBy(unique.instance, deadName(name));
  if (holder === undefined || isSameRow(holder, row)) return;
  await updateRow(store, unique, holder, (now) => unlessEmpty(dropDeadLetters(now, ({ kind }) => kind === 'create')));
}

/** Nothing to send: the row is looked at again only for a recheck. */
export async function rest({ scheduler }: DeliveryContext, { update }: LeasedRow, row: Row): Promise<void> {
  const dueAt = row.recheck?.at ?? null;
  if (row.dueAt === dueAt && !isEmpty(row)) return;
  await update((now) => {
    if (isEmpty(now)) return null;
    return deliverable(now).length > 0 || now.doubt ? now : schedule(now, now.recheck?.at ?? null);
  });
  if (dueAt !== null) scheduler.at(dueAt);
}

/** The user does not exist: its changes have no target, and acknowledged ones become dead letters. */
export async function vanish(context: DeliveryContext, { update }: LeasedRow, seen: Row): Promise<void> {
  const { clock, waiters } = context;
  let lost: readonly Change[] = [];
  let dead = 0;
  await update((row) => {
    lost = row.pending;
    const next = vanished(row, clock());
    dead = next.deadLetters.length - row.deadLetters.length;
    return next;
  }, true);
  const orphans = lost.filter((change) => !change.acknowledged && !waiters.awaited(seen, change)).length;
  report(context, seen, emptyRound(seen), { orphans, dead, outcome: 'gone' });
  for (const { revision, kind } of lost)
    waiters.publish(seen, revision, kind === 'delete' ? { kind: 'settled' } : { kind: 'gone' });
}

/** Changes whose turn did not come are treated as in an outage. */
export async function answerOthers(
  { waiters }: DeliveryContext,
  { target: { whenDown }, update }: LeasedRow,
  { row, why }: ActionOf<'answerOthers'>,
): Promise<void> {
  const results = new Map<number, ChangeResult>();
  const accept = whenDown === 'accept';
  await update((now) => {
    results.clear();
    const isOther = (change: Change): boolean => !change.acknowledged && waiters.awaited(now, change);
    for (const { revision } of now.pending.filter(isOther))
      results.set(revision, accept ? { kind: 'accepted' } : awayResult(why));
    if (results.size === 0) return now;
    return accept ? acknowledge(now, isOther) : withdraw(now, isOther);
  }, true);
  for (const [revision, result] of results) waiters.publish(row, revision, result);
}

/** Nothing can be sent now. */
export async function postpone(
  context: DeliveryContext,
  leased: LeasedRow,
  { row, why, sent }: ActionOf<'postpone'>,
): Promise<void> {
  const round = notYet(row, why);
  await settle(context, leased, { row, round, sent }, leased.update);
  report(context, row, round);
}

/** ZITADEL cannot be asked about the call: it stays in doubt. */
export async function postponeInDoubt(
  context: DeliveryContext,
  leased: LeasedRow,
  { row, why, sent }: ActionOf<'postponeInDoubt'>,
): Promise<void> {
  const { clock, timing, scheduler } = context;
  const round = notYet(row, why.kind === 'retry' ? { ...why, definite: true } : why);
  const dueAt = clock() + pauseOf(why, row.attempts + 1, timing);
  noteUnavailable(leased.target.availability, why, dueAt - clock());
  await settle(context, leased, { row, round, sent }, (make, durable) =>
    leased.update((now) => stayInDoubt(make(now), now, dueAt), durable),
  );
  scheduler.at(dueAt);
  report(context, row, round);
}

interface Reported extends Partial<typeof MADE> {
  readonly ms?: number;
  readonly outcome?: Outcome['kind'];
}

function report(
  { onDelivery }: DeliveryContext,
  row: Row,
  { calls, end, refusals, left }: Round,
  { orphans = 0, dead = 0, ms = 0, outcome }: Reported = {},
): void {
  const last = row.pending.at(-1);
  const reason = end?.reason ?? left[0]?.why.reason ?? refusals.find(({ right }) => right)?.error.message;
  onDelivery?.({
    tenant: tenantOf(row),
    id: row.id,
    txns: [...new Set(row.pending.map((change) => change.txn))],
    ...(last === undefined ? {} : { who: last.who }),
    calls,
    outcome: outcome ?? end?.kind ?? (refusals.length > 0 ? 'refused' : (left[0]?.why.kind ?? 'done')),
    ...(reason === undefined ? {} : { reason }),
    orphans,
    dead,
    attempts: row.attempts + 1,
    ms,
  });
}
