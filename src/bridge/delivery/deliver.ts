/** reconcile(key): row -> plan -> steps -> settle, round again while something new was asked. The same for request and queue. */
import type { Store, Lease } from '../ports/store.ts';
import type { Waiters } from './waiters.ts';
import type { Target, Deliver, HeldLease } from './target.ts';
import type { Clock } from '../ports/context.ts';
import { type Timing, backoff } from '../timing.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import { type Delivery, createRecordOutcome, type Update } from './record-outcome.ts';
import type { Key, Row, Change } from '../row/types.ts';
import { createRunSteps } from './run-steps.ts';
import { createUsernameOrder } from './username-order.ts';
import { LeaseLost, updateSeen, updateRow } from '../row/update-row.ts';
import { readBackHidden, readBack } from '../row/observe.ts';
import { deliverable, merged, askedName, normalizedUserName, isSameRow, believedFacts } from '../row/views.ts';
import { planRights, needsReading, withGiven, withRights, type RightsPlan } from './rights.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import { isGroupRow } from '../row/kinds.ts';
import { nameInSteps } from '../row/in-flight.ts';
import { addBridgeChange, markInFlight, narrow, postpone } from '../row/transitions.ts';
import type { Step } from '../../mapping/steps.ts';
import { planDefinition } from '../groups/definitions.ts';
import { nameTaken } from './username-claims.ts';
import { plan } from '../../mapping/plan.ts';
import type { Round } from '../row/round.ts';
import { isRight, ORG_RIGHT } from '../../mapping/rights.ts';
export interface DeliverOptions {
  readonly store: Store;
  readonly waiters: Waiters;
  /** undefined: no such tenant any more */
  readonly of: (tenant: string) => Target | undefined;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly scheduler: Scheduler;
  readonly onDelivery?: (delivery: Delivery) => void;
  /** something nobody expected; the row is tried again later */
  readonly onError: (key: Key, error: unknown) => void;
}

/** How often ZITADEL may surprise one delivery before the row is put off. */
const MOST_SURPRISES = 5;

export function createDeliver(options: DeliverOptions): Deliver {
  const { store, waiters, clock, timing } = options;
  const run = createRunSteps({ store, waiters, timing });
  const after = createRecordOutcome(options);
  const claims = createUsernameOrder({ store, waiters, clock, timing, deliver: (key) => deliver(key) });

  async function deliver(key: Key, held?: HeldLease): Promise<void> {
    const target = options.of(key.tenant);
    let lease = held?.lease ?? (await store.lease(key, timing.leaseMs));
    let called = held?.row;
    while (lease !== undefined) {
      let left: Row | undefined;
      try {
        if (target !== undefined) await rounds(key, target, lease, called);
      } catch (error) {
        if (!(error instanceof LeaseLost)) await giveUp(key, target, error);
      } finally {
        left = await store.release(lease);
      }
      // whoever appended while the lease was held relies on this look
      if (left === undefined || !left.pending.some((change) => waiters.awaited(key, change))) return;
      lease = await store.lease(key, timing.leaseMs);
      called = undefined;
    }
  }

  /**
   * Rounds until nothing is owed or ZITADEL cannot be had. `called`: the row with the caller's own mark, no call was made yet.
   * What others append meanwhile is seen with the next write, or when the lease is given back. Throws LeaseLost.
   */
  async function rounds(key: Key, target: Target, lease: Lease, called?: Row): Promise<void> {
    let seen = called ?? (await store.read(key));
    const update: Update = async (make, durable = false) => {
      seen = (await updateSeen(store, target.unique, seen, make, { durable, under: lease })) ?? undefined;
    };
    const isOwn = called !== undefined;
    const state = { mine: isOwn, first: !isOwn, sent: false, surprises: 0, alone: false, hasRights: false };
    for (;;) {
      const stored = seen;
      if (stored === undefined) return;
      const isTime = stored.recheck !== null && stored.recheck.at <= clock();
      if ((stored.doubt && !state.mine) || isTime) {
        const takenOver = state.first && stored.calling !== null;
        const answer = await target.zitadel.read(key.id);
        if (answer.kind === 'retry' || answer.kind === 'blocked')
          return after.putOff(stored, target, update, answer, state.sent);
        await update((now) => {
          const how = { now: clock(), timing, takenOver: takenOver && now.calling !== null };
          if (answer.kind === 'hidden') return readBackHidden(now, how);
          return readBack(now, answer.kind === 'found' ? answer.reading : null, how);
        });
        state.first = false;
        state.mine = false;
        continue;
      }
      const pending = deliverable(stored);
      const row = narrow(stored, state.alone ? await firstOf(stored, pending, target) : pending);
      if (row.pending.length === 0) return after.rest(stored, update);
      if (row.confirmed === null && wantsNobody(stored)) return after.vanish(stored, update);
      const rights = target.rules === undefined ? NO_RIGHTS : planRights(row, target.rules);
      let unread: Unreadable | undefined;
      if (target.rules !== undefined && !state.hasRights && needsReading(row, rights, target.rules, clock(), timing)) {
        unread = await readRights(key, target, stored, update);
        state.hasRights = unread === undefined;
        if (state.hasRights) continue;
      }
      state.hasRights = false;
      const base = isGroupRow(row) ? planGroup(row) : planOf(row);
      // nothing else waits for rights that cannot be read now
      const steps = unread === undefined ? withRightSteps(base, rights) : base;
      const name = await claims.wait(row, target, steps, lease);
      if (name.kind === 'retry') {
        await after.putOffUnsent(row, target, update, name, state.sent);
        return state.alone ? after.answerOthers(row, target, update, name) : undefined;
      }
      const planned = 'steps' in name ? name.steps : steps;
      const notes = (now: Row): Row => (target.rules === undefined ? now : withGiven(now, planned, target.rules));
      if (planned.length > 0 && (!state.mine || notes(row) !== row))
        await update((now) => notes(state.mine ? now : calling(now, row, planned)), true);
      state.first = false;
      const started = clock();
      const before = state.sent;
      const made = await run(target, row, planned, lease);
      const round = unread === undefined ? made : { ...made, left: [...made.left, { names: ALL_RIGHTS, why: unread }] };
      state.sent = before || round.calls.length > 0;
      const over = claims.judge(name, round);
      state.surprises += over.end?.kind === 'replan' ? 1 : 0;
      if (state.surprises > MOST_SURPRISES) return after.putOff(row, target, update, TOO_MANY, state.sent);
      const { alone, ...settled } = await after.settle(row, target, over, update, before).catch((error: unknown) => {
        after.report(row, over, clock() - started);
        throw error;
      });
      after.report(row, over, clock() - started, settled);
      state.alone = state.alone || alone;
      // should the rename that a name was given up for be refused, the old one is asked for again
      if (name.kind === 'swap' && over.end?.kind === 'replan')
        await update((now) =>
          addBridgeChange(now, { facts: { username: row.confirmed?.['username'] ?? null }, at: clock() }),
        );
      const why = over.end?.kind === 'replan' ? undefined : (over.end ?? blockedBy(over));
      // what only rights wait for is not tried again at once; what was asked meanwhile is
      if (why === undefined && over.left.length > 0 && !hasNewer(seen, over)) return;
      if (why !== undefined) return state.alone ? after.answerOthers(row, target, update, why) : undefined;
      state.mine = false;
    }
  }

  /** Reads what rights a user holds; the reason why not. What was sent just now no list shows yet. */
  async function readRights(
    key: Key,
    { zitadel }: Target,
    { rights }: Row,
    update: Update,
  ): Promise<Unreadable | undefined> {
    const asked = clock();
    const answer = await zitadel.rights(key.id);
    if (answer.kind !== 'found') return answer;
    let isOld = false;
    await update((now) => {
      const read = withRights(now, answer.facts, asked, timing);
      isOld = read === undefined;
      return read ?? now;
    });
    if (isOld) return { ...LISTS_LAG, retryAfter: Math.ceil((rights.sent + timing.listLagMs - asked) / 1000) };
    return undefined;
  }

  function planGroup(row: Row): readonly Step[] {
    const isSure = !row.pending.some(({ named }) => named.length > 0);
    return planDefinition(row.id, row.confirmed, merged(row.confirmed, row.pending), isSure);
  }

  /** The change whose turn it is. A create does not take a name that was given to another one since: it takes the one asked last. */
  async function firstOf(stored: Row, [first]: readonly Change[], { unique }: Target): Promise<readonly Change[]> {
    const name = first?.facts['username'];
    const asked = askedName(stored);
    if (first?.kind !== 'create' || typeof name !== 'string' || asked === null)
      return first === undefined ? [] : [first];
    const holder = await store.reservedBy(unique.instance, normalizedUserName(name));
    const isOwn = holder === undefined || isSameRow(holder, stored);
    return [isOwn ? first : { ...first, facts: { ...first.facts, username: asked } }];
  }

  /** Durably before the first call: its outcome is not known from now on. */
  function calling(now: Row, { pending: changes }: Row, steps: readonly Step[]): Row {
    return markInFlight(now, {
      revision: Math.max(0, ...changes.map(({ revision }) => revision)),
      userName: nameInSteps(
        now,
        steps.map(nameTaken).find((each) => each !== undefined),
      ),
      dueAt: clock() + timing.leaseMs,
    });
  }

  function planOf(row: Row): readonly Step[] {
    const isFresh = row.hidden === null && Math.abs(clock() - row.verifiedAt) <= timing.believedMs;
    const named = isFresh ? [] : row.pending.flatMap((change) => change.named);
    const asksState =
      row.pending.some((change) => 'state' in change.facts) || (row.recheck !== null && 'state' in row.recheck.facts);
    const wanted = merged(believedFacts(row), row.pending);
    const asked = { unknown: new Set(named), asksState };
    if (row.confirmed !== null || wanted === null || row.sentName === null || row.sentName === wanted['username'])
      return row.hidden === null
        ? plan(row.confirmed, wanted, asked)
        : plan(row.confirmed, wanted, asked).flatMap(keyByKey);
    // two creates of one id under different names would both hold their name for good
    const create = plan(null, { ...wanted, username: row.sentName });
    const rename = plan({ ...wanted, username: row.sentName }, wanted, { asksState: false });
    return [...create, ...rename];
  }

  /** Something nobody expected, e.g. a store that fails: nobody waits in vain, and the row is tried again later. */
  async function giveUp(key: Key, target: Target | undefined, error: unknown): Promise<void> {
    options.onError(key, error);
    const row = await store.read(key);
    if (row === undefined) return;
    for (const change of row.pending)
      waiters.publish(row, change.revision, { kind: 'away', retryAfter: 5, reason: 'unexpected' });
    if (target === undefined) return;
    const dueAt = clock() + backoff(row.attempts + 1, timing);
    await updateRow(store, target.unique, key, (now) => postpone(now, dueAt));
    options.scheduler.at(dueAt);
  }

  return deliver;
}

const hasNewer = (row: Row | undefined, { covered }: Round): boolean =>
  row !== undefined && deliverable(row).some(({ revision }) => !covered.has(revision));

/** Who is to be told that something waits: nobody waits for a right. */
const blockedBy = ({ left }: Round): Unreadable | undefined => left.find(({ names }) => !names.every(isRight))?.why;

/** The names of rights that could not even be planned. */
const ALL_RIGHTS = [ORG_RIGHT];

const NO_RIGHTS = { take: [], give: [] } as const;

/** Rights are taken away before everything else and given after it. */
function withRightSteps(steps: readonly Step[], { take, give }: RightsPlan): readonly Step[] {
  return steps.some(({ call }) => call === 'DeleteUser') ? steps : [...take, ...steps, ...give];
}

/** Whether a key is there cannot be read of a user that reads have lost, and of several of which one is not there none is deleted. */
const keyByKey = (step: Step): readonly Step[] =>
  step.call !== 'DeleteUserMetadata' || step.names.length < 2
    ? [step]
    : step.names.map((name) => ({ ...step, set: { [name]: null }, names: [name], after: { [name]: null } }));

const LISTS_LAG = { kind: 'retry', definite: true, cause: 'answer', reason: 'rights-are-listed-late' } as const;

const TOO_MANY = { kind: 'retry', definite: false, cause: 'answer', reason: 'too-many-surprises' } as const;

/** Nobody is asked for: neither now nor by what an operator may release. */
const wantsNobody = ({ pending: changes }: Row): boolean =>
  !changes.some(({ kind }) => kind === 'create') ||
  (merged(null, changes) === null && !changes.some(({ onHold: held }) => held));
