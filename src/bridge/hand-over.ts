/** Handing a change over: written durably, reconciled inline, its result awaited; while ZITADEL is away it is answered and left to the queue. */
import { BridgeError } from '../errors.ts';
import { claimOf } from './claims.ts';
import { mayLandLate } from './confirm.ts';
import type { Gate, Shut } from './gate.ts';
import type { Guard } from './guard.ts';
import { ALONE, type Peers } from './peers.ts';
import type { Change, Clock, Key, Lease, Row, Store, Unique, Wake, Write, WriteResult } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { createRoom } from './room.ts';
import { absent, askedName, asksTheSame, indexOf, keyOf, orNothing, taken } from './rows.ts';
import { type Expected, LOOK_AGAIN, type Result, type Settlements } from './settlements.ts';
import { type Timing, within } from './timing.ts';
import { updateRow, writeAsked } from './writes.ts';

export interface HandOverOptions {
  readonly unique: Unique;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly gate: Gate;
  readonly forbids: Guard['forbids'];
  readonly whenDown: 'accept' | 'refuse';
  /** rows of this tenant that may owe something at once */
  readonly owedMax: number;
  readonly wake: Wake;
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
export type HandOver = (row: Row, expect: number, deadline: number, later?: boolean) => Promise<Handed>;

/** refused: nothing of it was kept, and never will be with this content. */
export type Handed = Appended | { readonly kind: 'refused'; readonly error: BridgeError };

type Appended = Exclude<WriteResult, { kind: 'leased' }>;

export function createHandOver(options: HandOverOptions): HandOver {
  const { unique, store, reconcile, settlements, gate, clock, timing } = options;
  const accept = options.whenDown === 'accept';
  const peers = options.peers ?? ALONE;
  const isAlone = peers === ALONE;
  const hasRoom = createRoom(store, options.owedMax, clock);
  const writeOf = (row: Row, expect: number): Write => ({ key: keyOf(row), expect, row, index: indexOf(row, unique) });

  return async function handOver(row, expect, deadline, later = false) {
    if (row.changes.length > MOST_CHANGES) throw tooMany('this user');
    // what is asked of a row that owes something already is bounded by MOST_CHANGES
    if (row.changes.length === 1 && !(await hasRoom(row.tenant))) throw tooMany('this tenant');
    if (later) return answerLater(row, expect);
    const shut = gate.shut();
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
    const outcome = await writeAsked(store, writeOf(row, expect), { durable: true, take: timing.lease });
    return outcome.kind === 'leased' ? undefined : outcome;
  }

  /** Nothing can be sent now: the change is answered by the same write that keeps it. */
  async function answerLater(row: Row, expect: number): Promise<Handed> {
    const last = row.changes.length - 1;
    const { kind, facts }: Pick<Change, 'kind' | 'facts'> = row.changes[last] ?? NO_CHANGE;
    const forbidden = options.forbids(row.id, { kind, facts });
    if (forbidden !== undefined) return { kind: 'refused', error: forbidden };
    const name = facts['username'];
    const claim = typeof name === 'string' ? await claimOf(store, unique, row, name) : undefined;
    if (claim?.kind === 'taken' || claim?.kind === 'stalled') return { kind: 'refused', error: taken(name ?? '') };
    const changes = row.changes.map((change, at) => (at === last ? { ...change, answered: true } : change));
    if (isRepeat(row)) changes.splice(last - 1, 1);
    const dueAt = row.dueAt === null ? clock() : Math.min(row.dueAt, clock());
    const outcome = await append({ ...row, changes, dueAt }, expect);
    if (outcome.kind === 'ok') options.wake.at(dueAt);
    return outcome;
  }

  async function deliverNow(row: Row, expect: number, deadline: number): Promise<Appended> {
    const key = keyOf(row);
    const revision = row.changes.at(-1)?.revision ?? 0;
    // before the write: once it is accepted, another holder of the lease may settle it
    const expected = settlements.expect(key, revision);
    const changes = isAlone ? row.changes : signed(row.changes, peers.own);
    const appended = { ...row, changes, dueAt: clock() + timing.lease };
    const called = { ...appended, ...calling(row) };
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
    reconcile(key, held).catch(() => settlements.publish(appended, revision, STORE_AWAY));
    try {
      tell((await ending(key, expected, deadline)) ?? (await late(row, revision, expected, lease)));
    } finally {
      expected.forget();
    }
    return { kind: 'ok' };
  }

  /** Another process may hold the row, and may have looked before this change was written: then it is this one's turn. */
  async function ending(key: Key, expected: Expected, deadline: number): Promise<Result | undefined> {
    for (;;) {
      const left = deadline - clock();
      const ended = await within(expected.result, isAlone ? left : Math.min(left, LOOK_AGAIN));
      if (ended !== undefined || isAlone || clock() >= deadline) return ended;
      reconcile(key).catch(() => undefined);
    }
  }

  /** No request waits longer: its change is noted as answered, or taken back when that is still possible and wanted. */
  async function late(row: Row, revision: number, expected: Expected, own: Lease | undefined): Promise<Result> {
    const keep = accept ? undefined : expected.withdraw();
    let isTakenBack = keep !== undefined;
    let isKept = false;
    // our own lease, still held: no other process can have sent anything
    const isHeld = isAlone || (own !== undefined && (await store.prove(own, timing.lease)));
    await updateRow(
      store,
      unique,
      keyOf(row),
      (now) => {
        isKept = now.changes.some((change) => change.revision === revision);
        if (!isKept) return now;
        // another process is at it
        isTakenBack = isTakenBack && (isHeld || now.calling === null || now.calling < revision);
        const changes = now.changes.flatMap((change): Change[] =>
          change.revision !== revision ? [change] : isTakenBack ? [] : [{ ...change, answered: true }],
        );
        return orNothing({ ...now, changes });
      },
      true,
    );
    if (!isTakenBack) keep?.();
    // it settled just now; what another process says of it may be lost on the way, a refusal too
    if (!isKept) return isAlone ? expected.result : ((await within(expected.result, RESULT_LATE)) ?? UNKNOWN);
    return isTakenBack ? { kind: 'away', retryAfter: 5, reason: 'late' } : { kind: 'accepted' };
  }
}

/** The last change with the name of the process whose request waits for it. */
const signed = (changes: readonly Change[], process: string): readonly Change[] =>
  changes.map((change, at) => (at === changes.length - 1 ? { ...change, process } : change));

/** The mark that a call for the last change may be on its way. */
function calling(row: Row): Pick<Row, 'doubt' | 'calling' | 'sentName'> {
  const { changes, known, sentName } = row;
  const asked = askedName(row);
  // the name of a create that may still be applied stays
  const isKept = known === null ? sentName !== null : mayLandLate(row) || asked === (known['username'] ?? null);
  return { doubt: true, calling: changes.at(-1)?.revision ?? 0, sentName: isKept ? sentName : asked };
}

/** The last change asks what the one before it asks, which is answered and not on its way: of the two one will do. */
function isRepeat({ changes, calling: isCalling }: Row): boolean {
  const [before, last] = changes.slice(-2);
  if (before === undefined || last === undefined || !before.answered || before.held || isCalling !== null) return false;
  return asksTheSame(before, last);
}

/** Changes of one user that may wait at once: each write carries them all. */
const MOST_CHANGES = 200;

const tooMany = (whose: string): BridgeError =>
  new BridgeError(503, `too many changes of ${whose} wait for ZITADEL already; try again later`, { retryAfter: 60 });

const NO_CHANGE = { kind: 'edit', facts: {} } as const;

/** reconcile throws only while the store cannot be read. */
const STORE_AWAY: Result = { kind: 'away', retryAfter: 5, reason: 'store' };
/** The process that saw it end has not told. */
const UNKNOWN: Result = { kind: 'away', retryAfter: 5, reason: 'unexpected' };
/** A result that another process tells is here after so long, ms. */
const RESULT_LATE = 1_000;
/** It was not for want of ZITADEL: the store failed, or something that nobody expected. */
const OWN_REASONS: ReadonlySet<string> = new Set(['store', 'unexpected']);

export const contended = (): BridgeError =>
  new BridgeError(503, 'others wrote this user again and again, or its name is not decided yet; try again', {
    retryAfter: 5,
  });

function tell(ended: Result): void {
  if (ended.kind === 'refused') throw ended.error;
  if (ended.kind === 'gone') throw absent();
  if (ended.kind === 'away' && OWN_REASONS.has(ended.reason))
    throw new BridgeError(503, 'the bridge could not note how this ended; try again', { retryAfter: ended.retryAfter });
  if (ended.kind === 'away')
    throw away({ kind: ended.blocked === true ? 'blocked' : 'away', retryAfter: ended.retryAfter });
}

function away({ kind, retryAfter }: Pick<Shut, 'kind' | 'retryAfter'>): BridgeError {
  const why = kind === 'blocked' ? BLOCKED : 'ZITADEL cannot be reached now; try again later';
  return new BridgeError(503, why, { retryAfter });
}

const BLOCKED =
  'ZITADEL does not let the bridge do this: the token or the roles of its service user have to be mended; `scim-bridge doctor` says which';
