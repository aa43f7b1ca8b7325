/** Handing a change over: written durably, reconciled inline, its result awaited; while ZITADEL is away it is answered and left to the queue. */
import { BridgeError } from '../../errors.ts';
import { usernameClaimOf } from '../delivery/username-claims.ts';
import { nameBeforePlanning } from '../row/in-flight.ts';
import { acknowledge, awaitLast, markInFlight, schedule, scheduleBy, withdraw } from '../row/transitions.ts';
import type { TenantAvailability, Unavailable } from '../delivery/tenant-availability.ts';
import type { ProtectedUsers } from '../delivery/protected-users.ts';
import { ALONE, type Peers } from '../ports/peers.ts';
import type { Change, Key, Row, Unique } from '../row/types.ts';
import type { Clock } from '../ports/context.ts';
import type { Lease, Store, Write, WriteResult } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Deliver } from '../delivery/target.ts';
import { createBacklogLimit } from './backlog-limit.ts';
import { absent, isSameChange, indexOf, keyOf, unlessEmpty, taken } from '../row/views.ts';
import { type Wait, LOOK_AGAIN, type ChangeResult, type Waiters } from '../delivery/waiters.ts';
import { type Timing, within } from '../timing.ts';
import { updateRow, writeAsked } from '../row/update-row.ts';

export interface SubmitOptions {
  readonly unique: Unique;
  readonly store: Store;
  readonly deliver: Deliver;
  readonly waiters: Waiters;
  readonly availability: TenantAvailability;
  readonly refusalFor: ProtectedUsers['refusalFor'];
  readonly whenDown: 'accept' | 'refuse';
  /** rows of this tenant that may owe something at once */
  readonly maxPending: number;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly timing: Timing;
  /** absent: nobody else is there */
  readonly peers?: Peers;
}

/**
 * Writes `row`, which holds a new last change on top of the stored version `expect`, and has it reconciled. 'ok' when it settled or
 * is noted as answered; else why it was not written. Throws what the client is told: the refusal, 404 when the user is gone, 503 when
 * nothing of it was kept, or the store failed meanwhile. `later`: it is answered and left to the queue, whatever could be sent now.
 */
export type Submit = (row: Row, expect: number, deadline: number, later?: boolean) => Promise<Submitted>;

/** refused: nothing of it was kept, and never will be with this content. */
export type Submitted = Appended | { readonly kind: 'refused'; readonly error: BridgeError };

type Appended = Exclude<WriteResult, { kind: 'leased' }>;

export function createSubmit(options: SubmitOptions): Submit {
  const { unique, store, deliver, waiters, availability, clock, timing } = options;
  const accept = options.whenDown === 'accept';
  const peers = options.peers ?? ALONE;
  const isAlone = peers === ALONE;
  const hasRoom = createBacklogLimit(store, options.maxPending, clock);
  const writeOf = (row: Row, expect: number): Write => ({ key: keyOf(row), expect, row, index: indexOf(row, unique) });

  return async function handOver(row, expect, deadline, later = false) {
    if (row.pending.length > MOST_CHANGES) throw tooMany('this user');
    // what is asked of a row that owes something already is bounded by MOST_CHANGES
    if (row.pending.length === 1 && !(await hasRoom(row.tenant))) throw tooMany('this tenant');
    if (later) return answerLater(row, expect);
    const shut = availability.unavailable();
    if (shut === undefined) return deliverNow(row, expect, deadline);
    if (!accept) throw away(shut);
    return answerLater(row, expect);
  };

  async function append(row: Row, expect: number): Promise<Appended> {
    const outcome = await writeAsked(store, writeOf(row, expect), { durable: true });
    return outcome.kind === 'leased' ? { kind: 'version' } : outcome; // said only of writes that name a lease
  }

  /** Takes the lease with the write; undefined while somebody else has it. */
  async function appendHeld(row: Row, expect: number): Promise<Appended | undefined> {
    const outcome = await writeAsked(store, writeOf(row, expect), { durable: true, take: timing.leaseMs });
    return outcome.kind === 'leased' ? undefined : outcome;
  }

  /** Nothing can be sent now: the change is answered by the same write that keeps it. */
  async function answerLater(row: Row, expect: number): Promise<Submitted> {
    const last = row.pending.length - 1;
    const { kind, facts }: Pick<Change, 'kind' | 'facts'> = row.pending[last] ?? NO_CHANGE;
    const forbidden = options.refusalFor(row.id, { kind, facts });
    if (forbidden !== undefined) return { kind: 'refused', error: forbidden };
    const name = facts['username'];
    const claim = typeof name === 'string' ? await usernameClaimOf(store, unique, row, name) : undefined;
    if (claim?.kind === 'taken' || claim?.kind === 'stalled') return { kind: 'refused', error: taken(name ?? '') };
    const asked = row.pending[last];
    const repeated = isRepeat(row) ? row.pending[last - 1] : undefined;
    const kept = repeated === undefined ? row : withdraw(row, (change) => change === repeated);
    const now = clock();
    const outcome = await append(
      scheduleBy(
        acknowledge(kept, (change) => change === asked),
        now,
      ),
      expect,
    );
    if (outcome.kind === 'ok') options.scheduler.at(Math.min(row.dueAt ?? now, now));
    return outcome;
  }

  async function deliverNow(row: Row, expect: number, deadline: number): Promise<Appended> {
    const key = keyOf(row);
    const revision = row.pending.at(-1)?.revision ?? 0;
    // before the write: once it is accepted, another holder of the lease may settle it
    const expected = waiters.expect(key, revision);
    const dueAt = clock() + timing.leaseMs;
    const appended = schedule(isAlone ? row : awaitLast(row, peers.own), dueAt);
    const called = markInFlight(appended, { revision, userName: nameBeforePlanning(row), dueAt });
    let outcome: Appended | undefined;
    try {
      // a row in no doubt is called at once: lease and mark go with the change, in one durable write
      outcome = (row.doubt ? undefined : await appendHeld(called, expect)) ?? (await append(appended, expect));
    } finally {
      if (outcome?.kind !== 'ok') expected.forget();
    }
    if (outcome.kind !== 'ok') return outcome;
    const { lease } = outcome;
    const held = lease === undefined ? undefined : { lease, row: called };
    // not awaited: the call goes on when the client is answered before it ends
    deliver(key, held).catch(() => waiters.publish(appended, revision, STORE_AWAY));
    try {
      tell((await ending(key, expected, deadline)) ?? (await late(row, revision, expected, lease)));
    } finally {
      expected.forget();
    }
    return { kind: 'ok' };
  }

  /** Another process may hold the row, and may have looked before this change was written: then it is this one's turn. */
  async function ending(key: Key, expected: Wait, deadline: number): Promise<ChangeResult | undefined> {
    for (;;) {
      const left = deadline - clock();
      const ended = await within(expected.result, isAlone ? left : Math.min(left, LOOK_AGAIN));
      if (ended !== undefined || isAlone || clock() >= deadline) return ended;
      deliver(key).catch(() => undefined);
    }
  }

  /** No request waits longer: its change is noted as answered, or taken back when that is still possible and wanted. */
  async function late(row: Row, revision: number, expected: Wait, own: Lease | undefined): Promise<ChangeResult> {
    const keep = accept ? undefined : expected.withdraw();
    let isTakenBack = keep !== undefined;
    let isKept = false;
    // our own lease, still held: no other process can have sent anything
    const isHeld = isAlone || (own !== undefined && (await store.prove(own, timing.leaseMs)));
    await updateRow(
      store,
      unique,
      keyOf(row),
      (now) => {
        isKept = now.pending.some((change) => change.revision === revision);
        if (!isKept) return now;
        // another process is at it
        isTakenBack = isTakenBack && (isHeld || now.calling === null || now.calling < revision);
        const isMine = (change: Change): boolean => change.revision === revision;
        return unlessEmpty(isTakenBack ? withdraw(now, isMine) : acknowledge(now, isMine));
      },
      true,
    );
    if (!isTakenBack) keep?.();
    // it settled just now; what another process says of it may be lost on the way, a refusal too
    if (!isKept) return isAlone ? expected.result : ((await within(expected.result, RESULT_LATE)) ?? UNKNOWN);
    return isTakenBack ? { kind: 'away', retryAfter: 5, reason: 'late' } : { kind: 'accepted' };
  }
}

/** The last change asks what the one before it asks, which is answered and not on its way: of the two one will do. */
function isRepeat({ pending: changes, calling: isCalling }: Row): boolean {
  const [before, last] = changes.slice(-2);
  if (before === undefined || last === undefined || !before.acknowledged || before.onHold || isCalling !== null)
    return false;
  return isSameChange(before, last);
}

/** Changes of one user that may wait at once: each write carries them all. */
const MOST_CHANGES = 200;

const tooMany = (whose: string): BridgeError =>
  new BridgeError(503, `too many changes of ${whose} wait for ZITADEL already; try again later`, { retryAfter: 60 });

const NO_CHANGE = { kind: 'edit', facts: {} } as const;

/** reconcile throws only while the store cannot be read. */
const STORE_AWAY: ChangeResult = { kind: 'away', retryAfter: 5, reason: 'store' };
/** The process that saw it end has not told. */
const UNKNOWN: ChangeResult = { kind: 'away', retryAfter: 5, reason: 'unexpected' };
/** A result that another process tells is here after so long, ms. */
const RESULT_LATE = 1_000;
/** It was not for want of ZITADEL: the store failed, or something that nobody expected. */
const OWN_REASONS: ReadonlySet<string> = new Set(['store', 'unexpected']);

export const contended = (): BridgeError =>
  new BridgeError(503, 'others wrote this user again and again, or its name is not decided yet; try again', {
    retryAfter: 5,
  });

function tell(ended: ChangeResult): void {
  if (ended.kind === 'refused') throw ended.error;
  if (ended.kind === 'gone') throw absent();
  if (ended.kind === 'away' && OWN_REASONS.has(ended.reason))
    throw new BridgeError(503, 'the bridge could not note how this ended; try again', { retryAfter: ended.retryAfter });
  if (ended.kind === 'away')
    throw away({ kind: ended.blocked === true ? 'blocked' : 'away', retryAfter: ended.retryAfter });
}

function away({ kind, retryAfter }: Pick<Unavailable, 'kind' | 'retryAfter'>): BridgeError {
  const why = kind === 'blocked' ? BLOCKED : 'ZITADEL cannot be reached now; try again later';
  return new BridgeError(503, why, { retryAfter });
}

const BLOCKED =
  'ZITADEL does not let the bridge do this: the token or the roles of its service user have to be mended; `scim-bridge doctor` says which';
