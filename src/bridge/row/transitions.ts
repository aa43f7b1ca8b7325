/**
 * What can happen to a row: one pure function for each event, and the only place where a row is made from another one (types.ts: Made).
 * What a change, a recheck or a dead letter becomes is computed in the files beside it; settle.ts and observe.ts put events together.
 */
import { type Facts, type FactsChange, overlay } from '../../mapping/facts.ts';
import { groupOf } from '../../mapping/groups.ts';
import { isRight, rightFacts } from '../../mapping/rights.ts';
import { definitionKey } from '../groups/definitions.ts';
import type { Reading } from '../ports/zitadel.ts';
import { deadLetterOf, requeuedChanges } from './dead-letters.ts';
import { heldChanges, released, releasedBy } from './hold.ts';
import { isGroupRow } from './kinds.ts';
import type { Attempt } from './next-attempt.ts';
import { BRIDGE_CHANGE, type BridgeWish, recheckAfter, recheckAfterTakeover, withBridgeWish } from './recheck.ts';
import type { Round, SettleOptions } from './round.ts';
import type { Change, DeadLetter, Key, Row } from './types.ts';
import { emptyRow, shownFacts, textOf, UNKNOWN_RIGHTS, userOf } from './views.ts';

const changed = (row: Row, fields: Partial<Row>): Row => ({ ...row, ...fields }) as Row;

type IsMeant<T> = (each: T) => boolean;

// What a request or the bridge asks

/** The first change of a row that nobody has. */
export const create = (key: Key, change: Change, fields: Partial<Pick<Row, 'replay' | 'trusted' | 'dueAt'>>): Row =>
  changed(emptyRow(key, change.at), { version: 1, pending: [change], ...fields });

/** A request asks for a change on top of all others. A create on hold is released by it. */
export const accept = (row: Row, change: Change): Row =>
  changed(row, { version: row.version + 1, pending: [...releasedBy(row.pending), change] });

/** The bridge or an operator asks for a change: nobody waits for it, so it is as good as acknowledged. */
export const enqueue = (row: Row, change: Change, dueAt: number): Row =>
  changed(row, { pending: [...row.pending, { ...change, acknowledged: true }], dueAt });

/** The bridge asks for something below all that clients ask. */
export const addBridgeChange = (row: Row, wish: BridgeWish): Row =>
  changed(row, { pending: withBridgeWish(row.pending, wish) });

/** The clients of these changes are told that they will be done. */
export const acknowledge = (row: Row, isMeant: IsMeant<Change>): Row =>
  changed(row, {
    pending: row.pending.map((change) => (isMeant(change) ? { ...change, acknowledged: true } : change)),
  });

/** Nobody was promised these changes, and nobody asks for them any more. */
export const withdraw = (row: Row, isMeant: IsMeant<Change>): Row =>
  changed(row, { pending: row.pending.filter((change) => !isMeant(change)) });

/** The process whose request asked for the last change waits for it. */
export const awaitLast = (row: Row, process: string): Row =>
  changed(row, {
    pending: row.pending.map((each, at) => (at === row.pending.length - 1 ? { ...each, process } : each)),
  });

/** The requests died with their process: what was not acknowledged is finished all the same. */
export const abandon = (row: Row): Row =>
  changed(row, {
    pending: row.pending.map((change) => (change.acknowledged ? change : { ...change, abandoned: true })),
  });

/** An equal request gets the answer that the one which created it never got. */
export function adopt(row: Row): Row {
  if (row.replay?.open !== true || row.pending.every(({ acknowledged }) => acknowledged)) return row;
  return changed(row, {
    pending: row.pending.map(({ abandoned: _abandoned, ...each }) => ({ ...each, acknowledged: true })),
  });
}

/** The answer to the create has left, or its client has moved on: a repeat is a new request. */
export const closeReplay = (row: Row): Row =>
  row.replay?.open === true ? changed(row, { replay: { ...row.replay, open: false } }) : row;

/** Memberships, or what is said of a group, came by SCIM, import or an operator. `instead`: what is so no longer. */
export function trust(row: Row, ids: readonly string[], instead: readonly string[] = []): Row {
  const trusted = [...new Set([...row.trusted.filter((id) => !instead.includes(id)), ...ids])];
  return trusted.length === row.trusted.length && trusted.every((id) => row.trusted.includes(id))
    ? row
    : changed(row, { trusted });
}

/** Nothing but these is trusted. */
export const trustOnly = (row: Row, trusted: readonly string[]): Row => changed(row, { trusted });

// A delivery

/** What a row is as long as only these of its changes are looked at: to plan from, never to be written. */
export const narrow = (row: Row, pending: readonly Change[]): Row =>
  pending === row.pending ? row : changed(row, { pending });

/** Calls for the changes up to `revision` may be on their way from now on; to be written durably before the first of them. */
export const markInFlight = (
  row: Row,
  {
    revision,
    userName,
    dueAt,
  }: { readonly revision: number; readonly userName: string | null; readonly dueAt: number },
): Row => changed(row, { doubt: true, calling: revision, sentName: userName, dueAt });

/** ZITADEL could not be asked what became of a call: all of that is as unknown as `before`. `row`: after the attempt; null: nothing was left. */
export const stayInDoubt = (row: Row | null, before: Row, dueAt: number): Row =>
  changed(row ?? changed(before, { pending: [] }), {
    doubt: true,
    calling: before.calling,
    sentName: before.sentName,
    dueAt,
  });

/** What a round of calls did is confirmed, and nothing of it runs any more. */
export function advance(row: Row, round: Round, options: Pick<SettleOptions, 'now' | 'timing'>): Row {
  const { now } = options;
  const next = changed(confirm(row, round.after, now), { rights: rightsAfter(row, round, now), calling: null });
  return changed(next, { recheck: recheckAfter(next, round, options) });
}

/** Confirmed with what was done laid over it. */
function confirm(row: Row, done: readonly FactsChange[], now: number): Row {
  if (done.length === 0) return row;
  const next = changed(row, { confirmed: overlay(row.confirmed ?? {}, ...done) });
  if (row.confirmed === null) return changed(next, { verifiedAt: now, sequence: null });
  // rights do not move a user's sequence
  const isUser = done.some((each) => !Object.keys(each).every(isRight));
  return changed(next, {
    modified: shows(row) === shows(next) ? row.modified : now,
    sequence: isUser ? null : row.sequence,
  });
}

/** What we set ourselves we know; what a call without an answer may have set we do not. */
function rightsAfter({ confirmed, rights }: Row, { after, openRight, end }: Round, now: number): Row['rights'] {
  if (openRight) return { ...rights, at: UNKNOWN_RIGHTS, sent: now };
  const isSet = after.some((each) => Object.keys(each).some(isRight));
  const next = isSet
    ? { ...rights, at: now, sent: now }
    : confirmed === null && after.length > 0
      ? { ...rights, at: now, sent: 0 }
      : rights;
  return end?.kind === 'replan' && end.right === true ? { ...next, at: UNKNOWN_RIGHTS } : next;
}

/** ZITADEL's state is not what was believed: it is read before anything else is sent. */
export const distrust = (row: Row): Row => changed(row, { doubt: true });

/** A call for several changes was refused: each of them goes alone, which tells whose fault it was. */
export const splitRefused = (row: Row, userName: string | null, dueAt: number): Row =>
  changed(row, { doubt: false, sentName: userName, dueAt });

/** Changes are settled or refused; what is left of them stays. */
export const settle = (row: Row, left: Pick<Row, 'pending' | 'deadLetters' | 'replay'>): Row => changed(row, left);

/** What an attempt came to is noted until the next one. */
export const recordAttempt = (row: Row, attempt: Attempt): Row => changed(row, attempt);

/** ZITADEL fails on this row alone, always in the same way: its changes wait for an operator. */
export const giveUp = (row: Row, left: Pick<Row, 'pending' | 'deadLetters'>): Row =>
  changed(row, { ...left, repeated: null });

/** The row is looked at again at `dueAt`; null: never. */
export const schedule = (row: Row, dueAt: number | null): Row => changed(row, { dueAt });

/** The row is looked at again at `at` or earlier. */
export const scheduleBy = (row: Row, at: number): Row => schedule(row, Math.min(row.dueAt ?? at, at));

/** An unexpected error ended the attempt. */
export const postpone = (row: Row, dueAt: number): Row => changed(row, { attempts: row.attempts + 1, dueAt });

/** The clock was set back: what was due in a far future is due now, and a late call has landed by `recheckAt`. */
export const bringForward = (row: Row, now: number, recheckAt: number): Row =>
  changed(row, { dueAt: now, recheck: row.recheck && { ...row.recheck, at: Math.min(row.recheck.at, recheckAt) } });

// What ZITADEL has

/** ZITADEL was read while nothing was on its way; null: it has no such user. */
export function observe(row: Row, reading: Reading | null, now: number): Row {
  if (reading === null) return changed(row, { confirmed: null, doubt: false, hidden: null, verifiedAt: now });
  const next = changed(row, {
    confirmed: keepingRights(row.confirmed, reading.facts),
    doubt: false,
    hidden: null,
    verifiedAt: now,
    sequence: reading.sequence,
    lastError: null,
  });
  return changed(next, { modified: shows(row) === shows(next) ? row.modified : now });
}

/** Confirmed as GetUserByID tells it: rights are told by other calls. */
const keepingRights = (confirmed: Facts | null, facts: Facts): Facts =>
  confirmed === null ? facts : { ...rightFacts(confirmed), ...facts };

/** A user that ZITADEL had before the bridge knew of it. */
export const discover = (row: Row, reading: Reading, now: number): Row =>
  changed(observe(row, reading, now), { created: reading.created, modified: reading.changed });

/** The rights that ZITADEL listed; `at`: when it was asked. */
export const readRights = (row: Row, confirmed: Facts, at: number): Row =>
  changed(row, { confirmed, rights: { ...row.rights, at: Math.max(at, row.rights.sent + 1) } });

/** The first rules have given these roles, or may have: kept until the rules are applied. None: nothing of that is left. */
export function noteGiven(row: Row, given: NonNullable<Row['rights']['given']>): Row {
  const { given: _before, ...rights } = row.rights;
  return changed(row, { rights: given.length === 0 ? rights : { ...rights, given } });
}

/**
 * ZITADEL's reads have lost the user while its commands know it: it is served from confirmed, which nobody can look at now.
 * Without a sequence the next sweep that sees the user again reads it. `made`: what a create that may have been applied has set.
 */
export const hide = (row: Row, now: number, made?: Facts): Row =>
  changed(row, {
    hidden: row.hidden ?? now,
    verifiedAt: now,
    sequence: null,
    ...(row.confirmed === null && made !== undefined ? { confirmed: made, modified: now } : {}),
  });

/** A list shows a hidden user again: the delivery reads what it has now. */
export const reappear = (row: Row, now: number): Row => changed(row, { hidden: null, doubt: true, dueAt: now });

/** The holder has died: its last calls may land until `until`. */
export const takeOver = (row: Row, until: number): Row => changed(row, { recheck: recheckAfterTakeover(row, until) });

/** No call can land any more, and ZITADEL was read after that. */
export const recheckPassed = (row: Row): Row => changed(row, { recheck: null });

/** ZITADEL was asked what became of the calls: none is in flight any more. `pending`: without a password that they may have set. */
export const clearInFlight = (row: Row, pending: readonly Change[]): Row =>
  changed(row, {
    pending,
    doubt: false,
    calling: null,
    sentName: row.recheck === null ? null : row.sentName,
  });

/** Rights may have been changed by a call of which nothing is known: they are read before any other call. */
export const distrustRights = (row: Row): Row => changed(row, { rights: { ...row.rights, at: UNKNOWN_RIGHTS } });

/** Everything that is pending is sent whatever confirmed says: nobody can look at a hidden user. */
export const nameAll = (row: Row): Row =>
  changed(row, { pending: row.pending.map((change) => ({ ...change, named: Object.keys(change.facts) })) });

/** The group store has a definition or rules that the bridge did not put there. `again`: as they should be, to be written. */
export const takeDefinition = (row: Row, confirmed: Facts, at: number, again?: Facts): Row =>
  changed(row, {
    confirmed,
    verifiedAt: at,
    pending: again === undefined ? [] : [{ ...BRIDGE_CHANGE, kind: 'edit', facts: again, at }],
    dueAt: again === undefined ? null : at,
  });

/** Somebody else wrote a definition: nobody is known to have said what stands in it. */
export const distrustDefinition = (row: Row, at: number): Row => changed(row, { trusted: [], modified: at });

/** The group store has other rules than those in force: these are written again. */
export const restoreDefinition = (row: Row, there: Facts, at: number): Row =>
  changed(row, {
    confirmed: there,
    pending: [{ ...BRIDGE_CHANGE, kind: 'edit', facts: row.confirmed ?? {}, at }],
    dueAt: at,
  });

/** The group store has lost a definition: it is created again. */
export const recreateDefinition = (row: Row, at: number): Row =>
  changed(row, {
    confirmed: null,
    pending: [{ ...BRIDGE_CHANGE, kind: 'create', facts: row.confirmed ?? {}, at }],
    dueAt: at,
  });

// The end of a row

/** The row is deleted: hidden, its name free. A call that may still land is waited for. */
export const tombstone = (row: Row, now: number): Row =>
  changed(emptyRow(row, row.created), {
    version: row.version,
    sentName: row.recheck === null ? null : row.sentName,
    recheck: row.recheck,
    dueAt: row.recheck?.at ?? null,
    verifiedAt: row.verifiedAt,
    sequence: row.sequence,
    modified: now,
    tombstone: row.tombstone ?? now,
  });

/** The reason of what was to be done to a user that is not there any more. */
const DELETED = 'deleted in ZITADEL';

/**
 * Somebody deleted the user in ZITADEL: what a client was promised of it and its dead letters stay, as dead letters. A membership that
 * was to end has ended.
 */
export function vanish(row: Row, now: number): Row {
  const gone = tombstone(row, now);
  // a client that asked for its deletion is promised nothing else of it
  if (row.pending.some(({ kind }) => kind === 'delete')) return gone;
  const lost = row.pending.filter(
    ({ acknowledged, revision, facts }) =>
      acknowledged && revision !== BRIDGE_CHANGE.revision && !Object.entries(facts).every(isLeaving),
  );
  const letters = lost.map((change) => deadLetterOf(change, { cause: 'refused', reason: DELETED }, now));
  return changed(gone, { deadLetters: [...row.deadLetters, ...letters] });
}

const isLeaving = ([fact, value]: readonly [string, string | null]): boolean =>
  value === null && groupOf(fact) !== undefined;

// An operator

/** Dead letters are pending again, each without what was asked since. */
export const retryDeadLetters = (row: Row): Row => changed(row, { deadLetters: [], ...requeuedChanges(row) });

/** Dead letters are forgotten. */
export const dropDeadLetters = (row: Row, isMeant: IsMeant<DeadLetter>): Row =>
  changed(row, { deadLetters: row.deadLetters.filter((letter) => !isMeant(letter)) });

/** The row is delivered at once, as if it had never failed. */
export const tryNow = (row: Row, now: number): Row => changed(row, { dueAt: now, attempts: 0, blocked: null });

/** The bridge slept long: what is pending waits for an operator, and ZITADEL is read before anything is sent again. */
export function hold(row: Row): Row {
  const pending = heldChanges(row);
  const doubt = row.doubt || pending.length > 0;
  const dueAt = doubt && pending.length === 0 ? row.dueAt : null;
  // sentName stays: the name that a call may have taken meanwhile is not free yet
  return changed(row, { pending, doubt, calling: null, recheck: null, dueAt });
}

/** What is on hold is sent after all. */
export const release = (row: Row, dueAt: number): Row =>
  changed(row, { pending: row.pending.map(released), doubt: true, dueAt });

// Its place in the store

/** The row as the store is to keep it. */
export const atVersion = (row: Row, version: number): Row => changed(row, { version });

/** Nothing has happened, and it is written once more: for what it is found by. */
export const rewrite = (row: Row): Row => changed(row, {});

/** What a client would see of it, to compare. */
function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}
