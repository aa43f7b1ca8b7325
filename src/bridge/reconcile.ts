/** reconcile(key): row -> plan -> steps -> settle, round again while something new was asked. The same for request and queue. */
import { type FactsChange } from '../mapping/facts.ts';
import { plan } from '../mapping/plan.ts';
import type { Step } from '../mapping/steps.ts';
import type { BridgeError } from '../errors.ts';
import type { Bar } from './guard.ts';
import type { Change, Clock, Key, Lease, Outcome, Row, Store, Unique, Unreadable, Wake, Zitadel } from './ports.ts';
import { merged } from './rows.ts';
import type { Settlements } from './settlements.ts';
import { awayResult, buried, confirmed, retryAfterOf, type Round, type Settlement, settled } from './settle.ts';
import { backoff, type Timing } from './timing.ts';
import { type Make, updateRow } from './writes.ts';

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
  readonly attempts: number;
  readonly ms: number;
}

/** A tenant's ZITADEL. */
export interface Target {
  readonly zitadel: Zitadel;
  readonly unique: Unique;
  readonly bar: Bar;
}

export interface ReconcileOptions {
  readonly store: Store;
  readonly settlements: Settlements;
  /** undefined: no such tenant any more */
  readonly of: (tenant: string) => Target | undefined;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly wake: Wake;
  readonly onDelivery?: (delivery: Delivery) => void;
  /** something nobody expected; the row is tried again later */
  readonly onError: (key: Key, error: unknown) => void;
}

/**
 * Delivers what a row owes. `held`: the caller has the lease and wrote the row in doubt itself, when it was in none; nothing is sent yet.
 * Results are published to those who wait. Throws only while the store cannot be read.
 */
export type Reconcile = (key: Key, held?: Lease) => Promise<void>;

/** How often ZITADEL may surprise one delivery before the row is put off. */
const MOST_SURPRISES = 5;

export function createReconcile(options: ReconcileOptions): Reconcile {
  const { store, settlements, clock, timing } = options;
  const awaited = (key: Key) => (revision: number) => settlements.awaited(key, revision);

  return async function reconcile(key, held) {
    const target = options.of(key.tenant);
    let lease = held ?? (await store.lease(key, timing.lease));
    let unsent = held !== undefined;
    while (lease !== undefined) {
      try {
        if (target !== undefined) await rounds(key, target, lease, unsent);
      } catch (error) {
        await giveUp(key, target, error);
      } finally {
        await store.release(lease);
      }
      // whoever appended while the lease was held relies on this look
      const row = await store.read(key);
      if (row === undefined || !row.changes.some((change) => settlements.awaited(key, change.revision))) return;
      lease = await store.lease(key, timing.lease);
      unsent = false;
    }
  };

  /** Rounds until nothing is owed or ZITADEL cannot be had. `unsent`: the doubt on the row is the caller's mark, no call was made yet. */
  async function rounds(key: Key, target: Target, lease: Lease, unsent: boolean): Promise<void> {
    const update = (make: Make, durable = false) => updateRow(store, target.unique, key, make, durable);
    let mine = unsent;
    let surprises = 0;
    let alone = false;
    for (;;) {
      const stored = await store.read(key);
      if (stored === undefined || stored.tombstone !== null) return;
      const row = alone ? { ...stored, changes: stored.changes.slice(0, 1) } : stored;
      if (row.doubt && !mine) {
        const answer = await target.zitadel.read(key.id);
        if (answer.kind !== 'found' && answer.kind !== 'gone') return putOff(row, update, answer);
        const reading = answer.kind === 'found' ? answer.reading : null;
        await update((now) => confirmed(now, reading, clock(), awaited(key)));
        continue;
      }
      if (row.known === null && !row.changes.some((change) => change.kind === 'create')) return vanish(row, update);
      if (row.changes.length === 0) return;
      const steps = planOf(row);
      if (!row.doubt && steps.length > 0)
        await update((now) => ({ ...now, doubt: true, dueAt: clock() + timing.lease }), true);
      const started = clock();
      const round = await run(target, key, steps, lease);
      report(
        row,
        round.calls,
        round.end?.kind ?? (round.refusals.length > 0 ? 'refused' : 'done'),
        clock() - started,
        round.end?.reason,
      );
      // another holder has the row by now: it finds it in doubt and reads what became of the call
      if (!(await store.prove(lease, timing.lease))) return;
      surprises += round.end?.kind === 'replan' ? 1 : 0;
      if (surprises > MOST_SURPRISES)
        return putOff(row, update, { kind: 'retry', definite: false, reason: 'too-many-surprises' });
      const oneByOne = await settle(row, round, update);
      alone = alone || oneByOne;
      if (round.end !== null && round.end.kind !== 'replan') return;
      mine = false;
    }
  }

  function planOf(row: Row): readonly Step[] {
    const believed = clock() - row.verifiedAt <= timing.believed;
    const named = believed ? [] : row.changes.flatMap((change) => change.named);
    const asksState = row.changes.some((change) => 'state' in change.facts);
    return plan(row.known, merged(row.known, row.changes), { unknown: new Set(named), asksState });
  }

  /** Runs the steps in order. A refused one takes only its own facts with it; what cannot be had now ends the round. */
  async function run({ zitadel, bar }: Target, key: Key, steps: readonly Step[], lease: Lease): Promise<Round> {
    const after: FactsChange[] = [];
    const refusals: { names: readonly string[]; error: BridgeError }[] = [];
    const calls: string[] = [];
    const round = (end: Round['end'], removed = false): Round => ({ after, refusals, calls, end, removed });
    const proceed = (): Promise<boolean> => store.prove(lease, timing.lease);
    for (const step of steps) {
      const outcome: Outcome = (await bar(key.id, step)) ?? (await zitadel.run(key.id, step, proceed));
      calls.push(`${step.call}:${outcome.kind}`);
      if (outcome.kind === 'refused') {
        refusals.push({ names: step.names, error: outcome.error });
        if (step.call === 'CreateUser') break; // the steps behind it have nobody to work on
      } else if (outcome.kind === 'done' || outcome.kind === 'already') {
        if (step.after === null) return round(null, true);
        after.push(step.after);
      } else if (outcome.kind === 'gone') {
        if (step.after === null) return round(null, true);
        // only GetUserByID and DeleteUser tell for certain that a user is gone: read it, then plan again
        return round({ kind: 'replan', reason: `${step.call}: not found` });
      } else return round(outcome);
    }
    return round(null);
  }

  /** Writes what a round came to and tells those who wait. True: the changes have to go one by one from now on. */
  async function settle(seen: Row, round: Round, update: Update): Promise<boolean> {
    const top = seen.changes.at(-1)?.revision ?? 0;
    let settlement: Settlement = { row: null, results: new Map(), alone: false };
    await update((row) => {
      settlement = settled(row, round, { top, now: clock(), timing, awaited: awaited(seen) });
      return settlement.row;
    });
    wakeFor(settlement.row);
    for (const [revision, result] of settlement.results) settlements.publish(seen, revision, result);
    return settlement.alone;
  }

  /** The user is not there: its changes have nothing to change any more. */
  async function vanish(seen: Row, update: Update): Promise<void> {
    let lost: readonly Change[] = [];
    await update((row) => {
      lost = row.changes;
      return buried(row, clock());
    });
    report(seen, [], 'gone', 0);
    for (const { revision, kind } of lost)
      settlements.publish(seen, revision, kind === 'delete' ? { kind: 'settled' } : { kind: 'gone' });
  }

  /** ZITADEL cannot be asked what became of a call. */
  async function putOff(row: Row, update: Update, why: Unreadable): Promise<void> {
    const dueAt = clock() + Math.max(backoff(row.attempts + 1, timing), retryAfterOf(why) * 1000);
    await update((now) => ({ ...now, doubt: true, attempts: now.attempts + 1, dueAt, lastError: why.reason }));
    wakeFor({ dueAt });
    report(row, [], why.kind, 0, why.reason);
    for (const change of row.changes) settlements.publish(row, change.revision, awayResult(why));
  }

  /** Something nobody expected, e.g. a store that fails: nobody waits in vain, and the row is tried again later. */
  async function giveUp(key: Key, target: Target | undefined, error: unknown): Promise<void> {
    options.onError(key, error);
    const row = await store.read(key);
    for (const change of row?.changes ?? [])
      settlements.publish(key, change.revision, { kind: 'away', retryAfter: 5, reason: 'unexpected' });
    if (row === undefined || target === undefined) return;
    const dueAt = clock() + backoff(row.attempts + 1, timing);
    await updateRow(store, target.unique, key, (now) => ({ ...now, attempts: now.attempts + 1, dueAt }));
    wakeFor({ dueAt });
  }

  function wakeFor(row: Pick<Row, 'dueAt'> | null): void {
    if (row !== null && row.dueAt !== null) options.wake.at(row.dueAt);
  }

  function report(row: Row, calls: readonly string[], outcome: Outcome['kind'], ms: number, reason?: string): void {
    const last = row.changes.at(-1);
    options.onDelivery?.({
      tenant: row.tenant,
      id: row.id,
      txns: row.changes.map((change) => change.txn),
      ...(last === undefined ? {} : { who: last.who }),
      calls,
      outcome,
      ...(reason === undefined ? {} : { reason }),
      attempts: row.attempts + 1,
      ms,
    });
  }
}

type Update = (make: Make) => Promise<unknown>;
