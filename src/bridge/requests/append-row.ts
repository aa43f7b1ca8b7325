/** Writes a row with a new change: durable, delivered inline, result awaited; or acknowledged and left to the queue. */
import { BridgeError } from '../../errors.ts';
import { usernameClaimOf } from '../delivery/username-claims.ts';
import { userNameOfUnplannedCall } from '../row/in-flight-name.ts';
import type { Unavailable } from '../delivery/tenant-availability.ts';
import type { ProtectedUsers } from '../delivery/protected-users.ts';
import { ALONE } from '../ports/peers.ts';
import { acknowledge as acknowledged, awaitLast, markInFlight, schedule, withdraw } from '../row/transitions.ts';
import type { Change, Key, Row, Unique } from '../row/types.ts';
import type { Lease, Write, WriteResult } from '../ports/store.ts';
import { isSameChange, indexOf, keyOf, taken, unlessEmpty } from '../row/views.ts';
import { type Wait, LOOK_AGAIN, type ChangeResult } from '../delivery/waiters.ts';
import { within } from '../timing.ts';
import { updateRow, writeAsked } from '../row/update-row.ts';
import type { RequestContext } from './context.ts';

/** The rows of one kind (users, or groups) that changes are appended to. */
export interface AppendContext {
  readonly requests: RequestContext;
  readonly unique: Unique;
  /** whether one more row may have pending changes */
  readonly hasRoom: (shelf: string) => Promise<boolean>;
  readonly refusalFor: ProtectedUsers['refusalFor'];
}

/** A row to write: the stored version `expect` plus a new last change. */
export interface Append {
  readonly row: Row;
  readonly expect: number;
  readonly deadline: number;
  /** acknowledged and left to the queue, even if it could be sent now */
  readonly later: boolean;
}

/** accepted: settled, or durably acknowledged. raced: another request wrote the row meanwhile. */
export type Appended =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'raced' }
  | { readonly kind: 'reserved'; readonly name: string; readonly holder: Key }
  /** by the bridge: nothing was kept. By ZITADEL: everything the error does not name was applied */
  | { readonly kind: 'refused'; readonly by: 'bridge' | 'zitadel'; readonly error: BridgeError }
  /** the user or group turned out not to exist */
  | { readonly kind: 'gone' };

/** Throws BridgeError 503 if nothing was kept, or if the store failed meanwhile. */
export async function appendRow(context: AppendContext, append: Append): Promise<Appended> {
  const { row } = append;
  const { availability, whenDown } = context.requests;
  if (row.pending.length > MOST_CHANGES) throw tooMany('this user');
  // further changes of a row with pending changes are limited by MOST_CHANGES
  if (row.pending.length === 1 && !(await context.hasRoom(row.tenant))) throw tooMany('this tenant');
  if (append.later) return acknowledge(context, append);
  const unavailable = availability.unavailable();
  if (unavailable === undefined) return deliverNow(context, append);
  if (whenDown === 'refuse') throw away(unavailable);
  return acknowledge(context, append);
}

type Written = Exclude<WriteResult, { kind: 'leased' }>;

const writeOf = ({ unique }: AppendContext, row: Row, expect: number): Write => ({
  key: keyOf(row),
  expect,
  row,
  index: indexOf(row, unique),
});

async function write(context: AppendContext, row: Row, expect: number): Promise<Written> {
  const written = await writeAsked(context.requests.store, writeOf(context, row, expect), { durable: true });
  return written.kind === 'leased' ? { kind: 'version' } : written; // occurs only for writes that name a lease
}

/** Takes the lease with the write; undefined while another holder has it. */
async function writeWithLease(context: AppendContext, row: Row, expect: number): Promise<Written | undefined> {
  const { store, timing } = context.requests;
  const written = await writeAsked(store, writeOf(context, row, expect), { durable: true, take: timing.leaseMs });
  return written.kind === 'leased' ? undefined : written;
}

function unwritten(written: Exclude<Written, { kind: 'ok' }>): Appended {
  return written.kind === 'name' ? { ...written, kind: 'reserved' } : { kind: 'raced' };
}

/** Nothing can be sent now: the write that stores the change also acknowledges it. */
async function acknowledge(context: AppendContext, { row, expect }: Append): Promise<Appended> {
  const { store, scheduler, clock } = context.requests;
  const last = row.pending.length - 1;
  const { kind, facts }: Pick<Change, 'kind' | 'facts'> = row.pending[last] ?? NO_CHANGE;
  const error = context.refusalFor(row.id, { kind, facts });
  if (error !== undefined) return { kind: 'refused', by: 'bridge', error };
  const name = facts['username'];
  const claim = typeof name === 'string' ? await usernameClaimOf(store, context.unique, row, name) : undefined;
  if (claim?.kind === 'taken' || claim?.kind === 'stalled')
    return { kind: 'refused', by: 'bridge', error: taken(name ?? '') };
  const [before] = row.pending.slice(-2);
  const promised = acknowledged(row, (change) => change === row.pending[last]);
  const once = isRepeat(row) ? withdraw(promised, (change) => change === before) : promised;
  const dueAt = row.dueAt === null ? clock() : Math.min(row.dueAt, clock());
  const written = await write(context, schedule(once, dueAt), expect);
  if (written.kind !== 'ok') return unwritten(written);
  scheduler.at(dueAt);
  return { kind: 'accepted' };
}

async function deliverNow(context: AppendContext, { row, expect, deadline }: Append): Promise<Appended> {
  const { deliver, waiters, peers, clock, timing } = context.requests;
  const key = keyOf(row);
  const revision = row.pending.at(-1)?.revision ?? 0;
  // before the write: once it is accepted, another lease holder may settle the change
  const expected = waiters.expect(key, revision);
  const dueAt = clock() + timing.leaseMs;
  const appended = schedule(peers === ALONE ? row : awaitLast(row, peers.own), dueAt);
  const called = markInFlight(appended, { revision, userName: userNameOfUnplannedCall(row), dueAt });
  let written: Written | undefined;
  try {
    // a row that is not in doubt is delivered at once: lease, mark and change share one durable write
    written =
      (row.doubt ? undefined : await writeWithLease(context, called, expect)) ??
      (await write(context, appended, expect));
  } finally {
    if (written?.kind !== 'ok') expected.forget();
  }
  if (written.kind !== 'ok') return unwritten(written);
  const { lease } = written;
  const held = lease === undefined ? undefined : { lease, row: called };
  // not awaited: the call continues if the client is answered before it ends
  deliver(key, held).catch(() => waiters.publish(appended, revision, STORE_AWAY));
  try {
    const result = await resultOf(context.requests, key, expected, deadline);
    return appendedAs(result ?? (await late(context, { key, revision, expected, lease })));
  } finally {
    expected.forget();
  }
}

/** Another process may have held the lease and read the row before this write: then this process has to deliver. */
async function resultOf(
  { deliver, peers, clock }: RequestContext,
  key: Key,
  expected: Wait,
  deadline: number,
): Promise<ChangeResult | undefined> {
  const isAlone = peers === ALONE;
  for (;;) {
    const left = deadline - clock();
    const result = await within(expected.result, isAlone ? left : Math.min(left, LOOK_AGAIN));
    if (result !== undefined || isAlone || clock() >= deadline) return result;
    deliver(key).catch(() => undefined);
  }
}

interface Sent {
  readonly key: Key;
  readonly revision: number;
  readonly expected: Wait;
  readonly lease: Lease | undefined;
}

/** The deadline of a request: its change is acknowledged, or withdrawn if that is possible and configured. */
async function late({ requests, unique }: AppendContext, sent: Sent): Promise<ChangeResult> {
  const { store, peers, whenDown, timing } = requests;
  const { key, revision, expected, lease } = sent;
  const isAlone = peers === ALONE;
  const keep = whenDown === 'accept' ? undefined : expected.withdraw();
  let isWithdrawn = keep !== undefined;
  let isKept = false;
  // we still have the lease: no other process can have sent anything
  const isHeld = isAlone || (lease !== undefined && (await store.prove(lease, timing.leaseMs)));
  await updateRow(
    store,
    unique,
    key,
    (now) => {
      isKept = now.pending.some((change) => change.revision === revision);
      if (!isKept) return now;
      // another process is delivering it
      isWithdrawn = isWithdrawn && (isHeld || now.calling === null || now.calling < revision);
      const isOurs = (change: Change): boolean => change.revision === revision;
      return unlessEmpty(isWithdrawn ? withdraw(now, isOurs) : acknowledged(now, isOurs));
    },
    true,
  );
  if (!isWithdrawn) keep?.();
  // settled just now; a result from another process, even a refusal, may be lost on the way
  if (!isKept) return isAlone ? expected.result : ((await within(expected.result, RESULT_LATE_MS)) ?? UNKNOWN);
  return isWithdrawn ? { kind: 'away', retryAfter: 5, reason: 'late' } : { kind: 'accepted' };
}

/** The last change repeats the one before it, which is acknowledged and not in flight: one of the two is enough. */
function isRepeat({ pending: changes, calling: isCalling }: Row): boolean {
  const [before, last] = changes.slice(-2);
  if (before === undefined || last === undefined || !before.acknowledged || before.onHold || isCalling !== null)
    return false;
  return isSameChange(before, last);
}

/** Maximum number of pending changes per user: each write carries them all. */
const MOST_CHANGES = 200;

const tooMany = (whose: string): BridgeError =>
  new BridgeError(503, `too many changes of ${whose} wait for ZITADEL already; try again later`, { retryAfter: 60 });

const NO_CHANGE = { kind: 'edit', facts: {} } as const;

/** deliver throws only while the store cannot be read. */
const STORE_AWAY: ChangeResult = { kind: 'away', retryAfter: 5, reason: 'store' };
/** The process that saw the outcome has not published it. */
const UNKNOWN: ChangeResult = { kind: 'away', retryAfter: 5, reason: 'unexpected' };
/** By then a result from another process has arrived. */
const RESULT_LATE_MS = 1_000;
/** Not caused by ZITADEL: the store failed, or there was an unexpected error. */
const OWN_REASONS: ReadonlySet<string> = new Set(['store', 'unexpected']);

/** Throws BridgeError 503 if ZITADEL or the store was unavailable. */
function appendedAs(result: ChangeResult): Appended {
  if (result.kind === 'refused') return { kind: 'refused', by: 'zitadel', error: result.error };
  if (result.kind === 'gone') return { kind: 'gone' };
  if (result.kind !== 'away') return { kind: 'accepted' };
  if (OWN_REASONS.has(result.reason))
    throw new BridgeError(503, 'the bridge could not record the outcome; try again', {
      retryAfter: result.retryAfter,
    });
  throw away({ kind: result.blocked === true ? 'suspended' : 'unreachable', retryAfter: result.retryAfter });
}

function away({ kind, retryAfter }: Pick<Unavailable, 'kind' | 'retryAfter'>): BridgeError {
  const why = kind === 'suspended' ? BLOCKED : 'ZITADEL cannot be reached now; try again later';
  return new BridgeError(503, why, { retryAfter });
}

const BLOCKED =
  'ZITADEL does not let the bridge do this: the token or the roles of its service user must be fixed; `scim-bridge doctor` says which';
