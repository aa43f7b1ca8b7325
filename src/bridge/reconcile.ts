/** reconcile(key): row -> plan -> steps -> settle, round again while something new was asked. The same for request and queue. */
import { type FactsChange } from '../mapping/facts.ts';
import { plan } from '../mapping/plan.ts';
import type { Step } from '../mapping/steps.ts';
import type { BridgeError } from '../errors.ts';
import type { Clock, Key, Lease, Outcome, Row, Store, Unique, Unreadable, Wake, Zitadel } from './ports.ts';
import { merged } from './rows.ts';
import type { Settlements } from './settlements.ts';
import {
  awayResult,
  buried,
  confirmed,
  mustGoAlone,
  retryAfterOf,
  type Round,
  type Settlement,
  settled,
} from './settle.ts';
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

/** Bars steps on users that must not be locked out; undefined: let it pass. */
export type Guard = (id: string, step: Step) => Promise<Extract<Outcome, { kind: 'refused' | 'retry' }> | undefined>;

/** A tenant's ZITADEL. */
export interface Target {
  readonly zitadel: Zitadel;
  readonly unique: Unique;
  readonly guard: Guard;
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
}

/**
 * Delivers what a row owes. `held`: the caller has the lease and wrote the row in doubt itself, when it was in none; nothing is sent yet.
 * Never throws for what ZITADEL answers: results are published to those who wait.
 */
export type Reconcile = (key: Key, held?: Lease) => Promise<void>;

/** How often ZITADEL may surprise one delivery before the row is put off. */
const MOST_SURPRISES = 5;

export function createReconcile(options: ReconcileOptions): Reconcile {
  const { store, settlements, clock, timing } = options;
  const awaited = (key: Key) => (revision: number) => settlements.awaited(key, revision);

  return async function reconcile(key, held) {
    const target = options.of(key.tenant);
    if (target === undefined) return;
    for (
      let lease = held ?? (await store.lease(key, timing.lease)), unsent = held !== undefined;
      lease !== undefined;
    ) {
      try {
        await deliver(key, target, lease, unsent);
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
  async function deliver(key: Key, target: Target, lease: Lease, unsent: boolean): Promise<void> {
    const update = (make: Make, durable = false) => updateRow(store, target.unique, key, make, durable);
    for (let mine = unsent, surprises = 0, alone = false; ; mine = false) {
      const found = await store.read(key);
      const row = alone && found !== undefined ? { ...found, changes: found.changes.slice(0, 1) } : found;
      if (row === undefined || row.tombstone !== null) return;
      if (row.doubt && !mine) {
        const answer = await target.zitadel.read(key.id);
        if (answer.kind !== 'found' && answer.kind !== 'gone') return putOff(row, update, answer);
        const reading = answer.kind === 'found' ? answer.reading : null;
        await update((now) => confirmed(now, reading, clock(), awaited(key)));
        continue;
      }
      if (row.known === null && !row.changes.some((change) => change.kind === 'create')) return vanish(key, update);
      if (row.changes.length === 0) return;
      const steps = planOf(row);
      if (!row.doubt && steps.length > 0)
        await update((now) => ({ ...now, doubt: true, dueAt: clock() + timing.lease }), true);
      const started = clock();
      const round = await run(target, key, steps, lease);
      report(row, round, clock() - started);
      if (round.end?.kind === 'replan' && ++surprises > MOST_SURPRISES)
        return putOff(row, update, { kind: 'retry', definite: false, reason: round.end.reason });
      await settle(row, round, update);
      alone ||= mustGoAlone(row.changes, round);
      if (round.end !== null && round.end.kind !== 'replan') return;
    }
  }

  function planOf(row: Row): readonly Step[] {
    const believed = clock() - row.verifiedAt <= timing.believed;
    const named = believed ? [] : row.changes.flatMap((change) => change.named);
    const asksState = row.changes.some((change) => 'state' in change.facts);
    return plan(row.known, merged(row.known, row.changes), { unknown: new Set(named), asksState });
  }

  /** Runs the steps in order. A refused one takes only its own facts with it; what cannot be had now ends the round. */
  async function run({ zitadel, guard }: Target, key: Key, steps: readonly Step[], lease: Lease): Promise<Round> {
    const after: FactsChange[] = [];
    const refusals: { names: readonly string[]; error: BridgeError }[] = [];
    const calls: string[] = [];
    const round = (end: Round['end'], removed = false): Round => ({ after, refusals, calls, end, removed });
    for (const step of steps) {
      const outcome: Outcome =
        (await guard(key.id, step)) ?? (await zitadel.run(key.id, step, () => store.prove(lease)));
      calls.push(`${step.call}:${outcome.kind}`);
      if (outcome.kind === 'refused') {
        refusals.push({ names: step.names, error: outcome.error });
        if (step.call === 'CreateUser') break; // the steps behind it have nobody to work on
      } else if (
        step.after === null &&
        (outcome.kind === 'done' || outcome.kind === 'already' || outcome.kind === 'gone')
      ) {
        return round(null, true);
      } else if (outcome.kind === 'done' || outcome.kind === 'already') {
        after.push(step.after ?? {});
      } else if (outcome.kind === 'gone') {
        // only GetUserByID and DeleteUser tell for certain that a user is gone: read it, then plan again
        return round({ kind: 'replan', reason: `${step.call}: not found` });
      } else return round(outcome);
    }
    return round(null);
  }

  /** Writes what a round came to and tells those who wait. */
  async function settle(seen: Row, round: Round, update: (make: Make) => Promise<unknown>): Promise<void> {
    const top = seen.changes.at(-1)?.revision ?? 0;
    const key = { tenant: seen.tenant, id: seen.id };
    let settlement: Settlement = { row: null, results: new Map() };
    await update((row) => {
      settlement = settled(row, round, { top, now: clock(), timing, awaited: awaited(key) });
      return settlement.row;
    });
    const dueAt = settlement.row?.dueAt;
    if (dueAt !== null && dueAt !== undefined) options.wake.at(dueAt);
    for (const [revision, result] of settlement.results) settlements.publish(key, revision, result);
  }

  /** The user is not there: its changes have nothing to change any more. */
  async function vanish(key: Key, update: (make: Make) => Promise<unknown>): Promise<void> {
    let lost: readonly { readonly revision: number; readonly kind: string }[] = [];
    await update((row) => {
      lost = row.changes;
      return buried(row, clock());
    });
    for (const { revision, kind } of lost)
      settlements.publish(key, revision, kind === 'delete' ? { kind: 'settled' } : { kind: 'gone' });
  }

  async function putOff(row: Row, update: (make: Make) => Promise<unknown>, why: Unreadable): Promise<void> {
    const dueAt = clock() + Math.max(backoff(row.attempts + 1, timing), retryAfterOf(why) * 1000);
    await update((now) => ({ ...now, doubt: true, attempts: now.attempts + 1, dueAt, lastError: why.reason }));
    options.wake.at(dueAt);
    for (const change of row.changes) settlements.publish(row, change.revision, awayResult(why));
  }

  function report(row: Row, round: Round, ms: number): void {
    const last = row.changes.at(-1);
    options.onDelivery?.({
      tenant: row.tenant,
      id: row.id,
      txns: row.changes.map((change) => change.txn),
      ...(last === undefined ? {} : { who: last.who }),
      calls: round.calls,
      outcome: round.end?.kind ?? (round.refusals.length > 0 ? 'refused' : 'done'),
      ...(round.end !== null && 'reason' in round.end ? { reason: round.end.reason } : {}),
      attempts: row.attempts + 1,
      ms,
    });
  }
}
