/**
 * The events of a row: one pure function each, and the only place where one row is made from another (types.ts: Made).
 * The files beside it compute changes, rechecks and dead letters; settle.ts and observe.ts combine events.
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

// Requests, and the bridge itself

/** The first change of a row that does not exist yet. */
export const create = (key: Key, change: Change, fields: Partial<Pick<Row, 'replay' | 'trusted' | 'dueAt'>>): Row =>
  changed(emptyRow(key, change.at), { version: 1, pending: [change], ...fields });

/** A request appends a change on top of all others. This releases a create that is on hold. */
export const accept = (row: Row, change: Change): Row =>
  changed(row, { version: row.version + 1, pending: [...releasedBy(row.pending), change] });

/** The bridge or an operator appends a change: no request waits for it, so it counts as acknowledged. */
export const enqueue = (row: Row, change: Change, dueAt: number): Row =>
  changed(row, { pending: [...row.pending, { ...change, acknowledged: true }], dueAt });

/** The bridge adds a change below all changes of clients. */
export const addBridgeChange = (row: Row, wish: BridgeWish): Row =>
  changed(row, { pending: withBridgeWish(row.pending, wish) });

/** These changes are acknowledged to their clients. */
export const acknowledge = (row: Row, isMeant: IsMeant<Change>): Row =>
  changed(row, {
    pending: row.pending.map((change) => (isMeant(change) ? { ...change, acknowledged: true } : change)),
  });

/** Drops changes that were not promised and are no longer wanted. */
export const withdraw = (row: Row, isMeant: IsMeant<Change>): Row =>
  changed(row, { pending: row.pending.filter((change) => !isMeant(change)) });

/** The process whose request appended the last change waits for it. */
export const awaitLast = (row: Row, process: string): Row =>
  changed(row, {
    pending: row.pending.map((each, at) => (at === row.pending.length - 1 ? { ...each, process } : each)),
  });

/** Unacknowledged changes whose requests died with their process are abandoned: they are still finished. */
export const abandon = (row: Row): Row =>
  changed(row, {
    pending: row.pending.map((change) => (change.acknowledged ? change : { ...change, abandoned: true })),
  });

/** An equal request gets the response that the original request never got. */
export function adopt(row: Row): Row {
  if (row.replay?.open !== true || row.pending.every(({ acknowledged }) => acknowledged)) return row;
  return changed(row, {
    pending: row.pending.map(({ abandoned: _abandoned, ...each }) => ({ ...each, acknowledged: true })),
  });
}

/** The response to the create was sent, or its client has moved on: a repeat is a new request. */
export const closeReplay = (row: Row): Row =>
  row.replay?.open === true ? changed(row, { replay: { ...row.replay, open: false } }) : row;

/** Memberships, or parts of a group, came by SCIM, import or an operator. `instead`: what is no longer trusted. */
export function trust(row: Row, ids: readonly string[], instead: readonly string[] = []): Row {
  const trusted = [...new Set([...row.trusted.filter((id) => !instead.includes(id)), ...ids])];
  return trusted.length === row.trusted.length && trusted.every((id) => row.trusted.includes(id))
    ? row
    : changed(row, { trusted });
}

/** Nothing but these is trusted. */
export const trustOnly = (row: Row, trusted: readonly string[]): Row => changed(row, { trusted });

// Deliveries

/** The row reduced to some of its changes: to plan from, never to be written. */
export const narrow = (row: Row, pending: readonly Change[]): Row =>
  pending === row.pending ? row : changed(row, { pending });

/** Calls for the changes up to `revision` may be in flight from now on; written durably before the first of them. */
export const markInFlight = (
  row: Row,
  {
    revision,
    userName,
    dueAt,
  }: { readonly revision: number; readonly userName: string | null; readonly dueAt: number },
): Row => changed(row, { doubt: true, calling: revision, sentName: userName, dueAt });

/** The call's outcome could not be read: doubt is as `before`. `row`: after the attempt; null: it can be removed. */
export const stayInDoubt = (row: Row | null, before: Row, dueAt: number): Row =>
  changed(row ?? changed(before, { pending: [] }), {
    doubt: true,
    calling: before.calling,
    sentName: before.sentName,
    dueAt,
  });

/** The effects of a round are confirmed, and none of its calls is running any more. */
export function advance(row: Row, round: Round, options: Pick<SettleOptions, 'now' | 'timing'>): Row {
  const { now } = options;
  const next = changed(confirm(row, round.after, now), { rights: rightsAfter(row, round, now), calling: null });
  return changed(next, { recheck: recheckAfter(next, round, options) });
}

/** Confirmed, overlaid with completed steps. */
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

/** Rights that we set are certain; those that an unanswered call may have set are not. */
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

/** ZITADEL's state differs from the expected one: it is read before anything else is sent. */
export const distrust = (row: Row): Row => changed(row, { doubt: true });

/** A combined call was refused: its changes are resent one by one to find the offending one. */
export const splitRefused = (row: Row, userName: string | null, dueAt: number): Row =>
  changed(row, { doubt: false, sentName: userName, dueAt });

/** Changes are settled or refused; their remainders stay. */
export const settle = (row: Row, left: Pick<Row, 'pending' | 'deadLetters' | 'replay'>): Row => changed(row, left);

/** Records an attempt until the next one. */
export const recordAttempt = (row: Row, attempt: Attempt): Row => changed(row, attempt);

/** ZITADEL always fails on this row alone, in the same way: its changes wait for an operator. */
export const giveUp = (row: Row, left: Pick<Row, 'pending' | 'deadLetters'>): Row =>
  changed(row, { ...left, repeated: null });

/** The row is looked at again at `dueAt`; null: never. */
export const schedule = (row: Row, dueAt: number | null): Row => changed(row, { dueAt });

/** The row is looked at again at `at` or earlier. */
export const scheduleBy = (row: Row, at: number): Row => schedule(row, Math.min(row.dueAt ?? at, at));

/** An unexpected error ended the attempt. */
export const postpone = (row: Row, dueAt: number): Row => changed(row, { attempts: row.attempts + 1, dueAt });

/** The clock was set back: what was due in the far future is due now; `recheckAt` ends the wait for late calls. */
export const bringForward = (row: Row, now: number, recheckAt: number): Row =>
  changed(row, { dueAt: now, recheck: row.recheck && { ...row.recheck, at: Math.min(row.recheck.at, recheckAt) } });

// What was read from ZITADEL

/** ZITADEL was read with no call in flight; null: it has no such user. */
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

/** Confirmed as the user read returned it: rights are read by other calls. */
const keepingRights = (confirmed: Facts | null, facts: Facts): Facts =>
  confirmed === null ? facts : { ...rightFacts(confirmed), ...facts };

/** A user that existed in ZITADEL before the bridge knew it. */
export const discover = (row: Row, reading: Reading, now: number): Row =>
  changed(observe(row, reading, now), { created: reading.created, modified: reading.changed });

/** The rights that ZITADEL listed; `at`: when it was asked. */
export const readRights = (row: Row, confirmed: Facts, at: number): Row =>
  changed(row, { confirmed, rights: { ...row.rights, at: Math.max(at, row.rights.sent + 1) } });

/** Roles that the first rules granted, or may have: kept until the rules are applied. None: nothing is left to keep. */
export function noteGiven(row: Row, given: NonNullable<Row['rights']['given']>): Row {
  const { given: _before, ...rights } = row.rights;
  return changed(row, { rights: given.length === 0 ? rights : { ...rights, given } });
}

/**
 * The user is hidden: ZITADEL's commands know it, its reads do not. It is served from confirmed, which cannot be
 * read again. With no sequence, the next sweep that sees it reads it. `made`: facts of a create possibly applied.
 */
export const hide = (row: Row, now: number, made?: Facts): Row =>
  changed(row, {
    hidden: row.hidden ?? now,
    verifiedAt: now,
    sequence: null,
    ...(row.confirmed === null && made !== undefined ? { confirmed: made, modified: now } : {}),
  });

/** A list shows a hidden user again: the delivery reads its current state. */
export const reappear = (row: Row, now: number): Row => changed(row, { hidden: null, doubt: true, dueAt: now });

/** The lease holder died: its last calls may be applied until `until`. */
export const takeOver = (row: Row, until: number): Row => changed(row, { recheck: recheckAfterTakeover(row, until) });

/** No call can be applied any more, and ZITADEL was read after that. */
export const recheckPassed = (row: Row): Row => changed(row, { recheck: null });

/** Calls were checked: none is in flight any more. `pending`: without a password that they may have set. */
export const clearInFlight = (row: Row, pending: readonly Change[]): Row =>
  changed(row, {
    pending,
    doubt: false,
    calling: null,
    sentName: row.recheck === null ? null : row.sentName,
  });

/** An unknown call may have changed rights: they are read before any other call. */
export const distrustRights = (row: Row): Row => changed(row, { rights: { ...row.rights, at: UNKNOWN_RIGHTS } });

/** Everything pending is sent whatever confirmed says: a hidden user cannot be read. */
export const nameAll = (row: Row): Row =>
  changed(row, { pending: row.pending.map((change) => ({ ...change, named: Object.keys(change.facts) })) });

/** The group store has definitions or rules not written by the bridge. `again`: the correct ones, to be written. */
export const takeDefinition = (row: Row, confirmed: Facts, at: number, again?: Facts): Row =>
  changed(row, {
    confirmed,
    verifiedAt: at,
    pending: again === undefined ? [] : [{ ...BRIDGE_CHANGE, kind: 'edit', facts: again, at }],
    dueAt: again === undefined ? null : at,
  });

/** A definition was written outside the bridge: its content is not trusted. */
export const distrustDefinition = (row: Row, at: number): Row => changed(row, { trusted: [], modified: at });

/** The group store has other rules than the active ones, which are written again. */
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

/** The row is deleted: hidden, its name free. It is kept until no late call is possible. */
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

/** The dead-letter reason for changes to a user that no longer exists. */
const DELETED = 'deleted in ZITADEL';

/**
 * The user was deleted in ZITADEL: acknowledged changes become dead letters, and existing dead letters stay. The
 * removal of a membership is settled by that.
 */
export function vanish(row: Row, now: number): Row {
  const gone = tombstone(row, now);
  // a client that requested its deletion expects nothing else
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

// Operators

/** Requeues dead letters, each without facts that were requested since. */
export const retryDeadLetters = (row: Row): Row => changed(row, { deadLetters: [], ...requeuedChanges(row) });

/** Discards dead letters. */
export const dropDeadLetters = (row: Row, isMeant: IsMeant<DeadLetter>): Row =>
  changed(row, { deadLetters: row.deadLetters.filter((letter) => !isMeant(letter)) });

/** The row is delivered at once, as if it had never failed. */
export const tryNow = (row: Row, now: number): Row => changed(row, { dueAt: now, attempts: 0, blocked: null });

/** After a long downtime: pending changes go on hold, and ZITADEL is read before anything is sent again. */
export function hold(row: Row): Row {
  const pending = heldChanges(row);
  const doubt = row.doubt || pending.length > 0;
  const dueAt = doubt && pending.length === 0 ? row.dueAt : null;
  // sentName stays: a call may have set that name meanwhile, so it is not free yet
  return changed(row, { pending, doubt, calling: null, recheck: null, dueAt });
}

/** Changes on hold are released. */
export const release = (row: Row, dueAt: number): Row =>
  changed(row, { pending: row.pending.map(released), doubt: true, dueAt });

// Storage

/** The row as the store keeps it. */
export const atVersion = (row: Row, version: number): Row => changed(row, { version });

/** Nothing happened; the row is written again to refresh its index entries. */
export const rewrite = (row: Row): Row => changed(row, {});

/** What a client would see of the row, to compare. */
function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}
