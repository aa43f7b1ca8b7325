/** reconcile(key): row -> plan -> steps -> settle, round again while something new was asked. The same for request and queue. */
import { plan } from '../mapping/plan.ts';
import type { Step } from '../mapping/steps.ts';
import { nameTaken } from './claims.ts';
import type { Gate } from './gate.ts';
import type { Bar } from './guard.ts';
import { createNameWait } from './name-wait.ts';
import type { Change, Clock, Key, Lease, Outcome, Row, Store, Unique, Unreadable, Wake, Zitadel } from './ports.ts';
import { buried, readBack } from './readings.ts';
import { believedFacts, deadName, isNothing, merged, toSend } from './rows.ts';
import { createRun } from './run.ts';
import { mayLandLate, withOwn } from './confirm.ts';
import { awayResult, type Result, type Settlements } from './settlements.ts';
import { pauseOf } from './rest.ts';
import { type Round, type Settlement, settled } from './settle.ts';
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
  /** refused facts of requests that are gone: dropped */
  readonly orphans: number;
  /** dead letters it made */
  readonly dead: number;
  readonly attempts: number;
  readonly ms: number;
}

/** A tenant's ZITADEL. */
export interface Target {
  readonly zitadel: Zitadel;
  readonly unique: Unique;
  readonly bar: Bar;
  readonly gate: Gate;
  readonly whenDown: 'accept' | 'refuse';
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
 * Delivers what a row owes. `held`: the caller has the lease and wrote the row as being called itself; nothing is sent yet.
 * Results are published to those who wait. Throws only while the store cannot be read.
 */
export type Reconcile = (key: Key, held?: Lease) => Promise<void>;

/** How often ZITADEL may surprise one delivery before the row is put off. */
const MOST_SURPRISES = 5;

export function createReconcile(options: ReconcileOptions): Reconcile {
  const { store, settlements, clock, timing } = options;
  const run = createRun({ store, settlements, timing });
  const claims = createNameWait({ store, settlements, clock, timing, reconcile: (key) => reconcile(key) });

  async function reconcile(key: Key, held?: Lease): Promise<void> {
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
  }

  /** Rounds until nothing is owed or ZITADEL cannot be had. `unsent`: the doubt on the row is the caller's mark, no call was made yet. */
  async function rounds(key: Key, target: Target, lease: Lease, unsent: boolean): Promise<void> {
    const update = (make: Make, durable = false) => updateRow(store, target.unique, key, make, durable);
    const state = { mine: unsent, first: !unsent, sent: false, surprises: 0, alone: false };
    for (;;) {
      const stored = await store.read(key);
      if (stored === undefined) return;
      const isTime = stored.confirm !== null && stored.confirm.until <= clock();
      if ((stored.doubt && !state.mine) || isTime) {
        const takenOver = state.first && stored.calling !== null;
        const answer = await target.zitadel.read(key.id);
        if (answer.kind !== 'found' && answer.kind !== 'gone')
          return putOff(stored, target, update, answer, state.sent);
        const reading = answer.kind === 'found' ? answer.reading : null;
        if (!(await store.prove(lease, timing.lease))) return;
        await update((now) =>
          readBack(now, reading, { now: clock(), timing, takenOver: takenOver && now.calling !== null }),
        );
        state.first = false;
        state.mine = false;
        continue;
      }
      const pending = toSend(stored);
      const row = { ...stored, changes: state.alone ? pending.slice(0, 1) : pending };
      if (row.changes.length === 0) return rest(stored, update);
      if (row.known === null && wantsNobody(stored)) return vanish(stored, update);
      const steps = planOf(row);
      const name = await claims.wait(row, target, steps, lease);
      if (name.kind === 'retry') {
        await putOffUnsent(row, target, update, name, state.sent);
        return state.alone ? answerOthers(row, target, update, name) : undefined;
      }
      const planned = 'steps' in name ? name.steps : steps;
      if (planned.length > 0 && !state.mine) await update((now) => calling(now, row, planned), true);
      state.first = false;
      const started = clock();
      const before = state.sent;
      const round = await run(target, row, planned, lease);
      state.sent = before || round.calls.length > 0;
      // another holder has the row by now: it finds it in doubt and reads what became of the call
      if (!(await store.prove(lease, timing.lease))) return report(row, round, clock() - started);
      const over = claims.judge(name, round);
      state.surprises += over.end?.kind === 'replan' ? 1 : 0;
      if (state.surprises > MOST_SURPRISES) return putOff(row, target, update, TOO_MANY, state.sent);
      const { alone, ...made } = await settle(row, target, over, update, before);
      report(row, over, clock() - started, made);
      state.alone = state.alone || alone;
      // should the rename that a name was given up for be refused, the old one is asked for again
      if (name.kind === 'swap' && over.end?.kind === 'replan')
        await update((now) => withOwn(now, { username: row.known?.['username'] ?? null }, clock()));
      const why = over.end?.kind === 'replan' ? undefined : (over.end ?? blockedBy(over));
      if (why !== undefined) return state.alone ? answerOthers(row, target, update, why) : undefined;
      state.mine = false;
    }
  }

  /** Durably before the first call: its outcome is not known from now on. */
  function calling(now: Row, { changes }: Row, steps: readonly Step[]): Row {
    const name = steps.map(nameTaken).find((each) => each !== undefined);
    return {
      ...now,
      doubt: true,
      calling: Math.max(0, ...changes.map(({ revision }) => revision)),
      sentName: mayLandLate(now) ? now.sentName : (name ?? now.sentName),
      dueAt: clock() + timing.lease,
    };
  }

  function planOf(row: Row): readonly Step[] {
    const isFresh = clock() - row.verifiedAt <= timing.believed;
    const named = isFresh ? [] : row.changes.flatMap((change) => change.named);
    const asksState =
      row.changes.some((change) => 'state' in change.facts) || (row.confirm !== null && 'state' in row.confirm.facts);
    const wanted = merged(believedFacts(row), row.changes);
    const asked = { unknown: new Set(named), asksState };
    if (row.known !== null || wanted === null || row.sentName === null || row.sentName === wanted['username'])
      return plan(row.known, wanted, asked);
    // two creates of one id under different names would both hold their name for good
    const create = plan(null, { ...wanted, username: row.sentName });
    const rename = plan({ ...wanted, username: row.sentName }, wanted, { asksState: false });
    return [...create, ...rename];
  }

  /** Writes what a round came to and tells those who wait. */
  async function settle(
    seen: Row,
    { gate, whenDown, unique }: Target,
    round: Round,
    update: Update,
    sent: boolean,
  ): Promise<Settlement> {
    let settlement: Settlement = { row: null, results: new Map(), alone: false, ...MADE };
    await update(
      (row) => {
        settlement = settled(row, round, {
          now: clock(),
          timing,
          awaited: (revision) => settlements.awaited(seen, revision),
          accept: whenDown === 'accept',
          sent,
          othersSucceeded: (since) => gate.othersSucceeded(seen.id, since),
        });
        return settlement.row;
      },
      // what is answered from now on must be on the disk
      round.end !== null || round.barred.length > 0,
    );
    if (round.end === null && round.calls.length > 0) gate.succeeded(seen.id);
    for (const { username } of round.after) if (typeof username === 'string') await supersede(seen, unique, username);
    wakeFor(settlement.row);
    for (const [revision, result] of settlement.results) settlements.publish(seen, revision, result);
    return settlement;
  }

  /** A dead create whose userName this row has by now is closed. */
  async function supersede(row: Key, unique: Unique, name: string): Promise<void> {
    if ((await store.counts(row.tenant)).dead === 0) return;
    const holder = await store.holder(unique.instance, deadName(name));
    if (holder === undefined || (holder.tenant === row.tenant && holder.id === row.id)) return;
    await updateRow(store, unique, holder, (dead) => {
      const letters = dead.dead.filter(({ kind }) => kind !== 'create');
      return isNothing({ ...dead, dead: letters }) ? null : { ...dead, dead: letters };
    });
  }

  /** Nothing is to be sent: it is looked at again only for a call that may still land. */
  async function rest(row: Row, update: Update): Promise<void> {
    const dueAt = row.confirm?.until ?? null;
    if (row.dueAt === dueAt && !isNothing(row)) return;
    await update((now) => {
      if (isNothing(now)) return null;
      return toSend(now).length > 0 || now.doubt ? now : { ...now, dueAt: now.confirm?.until ?? null };
    });
    wakeFor({ dueAt });
  }

  /** The user is not there: its changes have nothing to change any more. */
  async function vanish(seen: Row, update: Update): Promise<void> {
    let lost: readonly Change[] = [];
    await update((row) => {
      lost = row.changes;
      return buried(row, clock());
    });
    report(seen, NOTHING, 0, MADE, 'gone');
    for (const { revision, kind } of lost)
      settlements.publish(seen, revision, kind === 'delete' ? { kind: 'settled' } : { kind: 'gone' });
  }

  /** Changes whose turn did not come: they are answered as in an outage. */
  async function answerOthers(
    { tenant, id }: Key,
    { whenDown }: Target,
    update: Update,
    why: Unreadable,
  ): Promise<void> {
    const results = new Map<number, Result>();
    const accept = whenDown === 'accept';
    await update((now) => {
      results.clear();
      const changes = now.changes.flatMap((change): Change[] => {
        if (change.answered || !settlements.awaited(now, change.revision)) return [change];
        results.set(change.revision, accept ? { kind: 'accepted' } : awayResult(why));
        return accept ? [{ ...change, answered: true }] : [];
      });
      return results.size === 0 ? now : { ...now, changes };
    }, true);
    for (const [revision, result] of results) settlements.publish({ tenant, id }, revision, result);
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
    const unknown = (now: Row, next: Row | null): Row => ({
      ...(next ?? { ...now, changes: [] }),
      doubt: true,
      calling: now.calling,
      sentName: now.sentName,
      dueAt,
    });
    if (why.kind === 'retry' && why.cause === 'limited') target.gate.limit(dueAt - clock(), why.reason);
    await settle(row, target, round, (make, durable) => update((now) => unknown(now, make(now)), durable), sent);
    wakeFor({ dueAt });
    report(row, round, 0);
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

  function report(
    row: Row,
    { calls, end, refusals, barred }: Round,
    ms: number,
    { orphans, dead }: typeof MADE = MADE,
    outcome: Outcome['kind'] = end?.kind ?? (refusals.length > 0 ? 'refused' : barred.length > 0 ? 'blocked' : 'done'),
  ): void {
    const last = row.changes.at(-1);
    const reason = end?.reason ?? barred[0]?.reason;
    options.onDelivery?.({
      tenant: row.tenant,
      id: row.id,
      txns: [...new Set(row.changes.map((change) => change.txn))],
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

  return reconcile;
}

type Update = (make: Make, durable?: boolean) => Promise<unknown>;

const NOTHING: Round = {
  covered: new Set(),
  after: [],
  refusals: [],
  barred: [],
  end: null,
  open: {},
  removed: false,
  calls: [],
};

/** Of refusals that nobody waits for. */
const MADE = { orphans: 0, dead: 0 };

const blockedBy = ({ barred: [first] }: Round): Unreadable | undefined =>
  first && { kind: 'blocked', reason: first.reason };

const TOO_MANY = { kind: 'retry', definite: false, cause: 'answer', reason: 'too-many-surprises' } as const;

/** A round in which nothing was sent. */
const notYet = (row: Row, end: Unreadable): Round => ({
  ...NOTHING,
  covered: new Set(row.changes.map(({ revision }) => revision)),
  end,
});

/** Nobody is asked for: neither now nor by what an operator may release. */
const wantsNobody = ({ changes }: Row): boolean =>
  !changes.some(({ kind }) => kind === 'create') ||
  (merged(null, changes) === null && !changes.some(({ held }) => held));
