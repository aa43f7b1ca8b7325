/** What an answer of GetUserByID makes of a row. Pure. */
import type { Facts, FactsChange } from '../../mapping/facts.ts';
import { groupOf } from '../../mapping/groups.ts';
import {
  recheckAfterTakeover,
  horizonOf,
  expectedFacts,
  differing,
  BRIDGE_CHANGE,
  withBridgeChange,
} from './recheck.ts';
import { definitionKey } from '../groups/definitions.ts';
import { keepingRights, UNKNOWN_RIGHTS } from '../delivery/rights.ts';
import { isGroupRow } from './kinds.ts';
import { deadLetterOf, requeueDeadLetters } from './dead-letters.ts';
import type { Change, Row } from './types.ts';
import type { Reading } from '../ports/zitadel.ts';
import { askedName, baseFacts, shownFacts, textOf, userOf, withoutPassword } from './views.ts';
import type { Timing } from '../timing.ts';

/** What a client would see of it, to compare. */
export function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}

/** A row that nobody works on, as ZITADEL has it now (null: gone). */
export function withReading(row: Row, reading: Reading | null, now: number): Row {
  if (reading === null) return { ...row, confirmed: null, doubt: false, hidden: null, verifiedAt: now };
  const { sequence } = reading;
  const facts = keepingRights(row.confirmed, reading.facts);
  const next: Row = {
    ...row,
    confirmed: facts,
    doubt: false,
    hidden: null,
    verifiedAt: now,
    sequence,
    lastError: null,
  };
  return { ...next, modified: shows(row) === shows(next) ? row.modified : now };
}

/**
 * A row whose user ZITADEL's reads have lost while its commands know it: it is served from known, which nobody can look at now.
 * Without a sequence the next sweep that sees the user again reads it.
 */
export const hiddenNow = (row: Row, now: number): Row => ({
  ...row,
  hidden: row.hidden ?? now,
  verifiedAt: now,
  sequence: null,
});

export interface ReadBack {
  readonly now: number;
  readonly timing: Timing;
  /** the one who held the row before has died, or lost it: its last call may still land */
  readonly takenOver: boolean;
}

/**
 * A row in doubt after GetUserByID has answered: in doubt no more. Once a late call can have landed, what it may have
 * changed is asked for once more.
 */
export function readBack(row: Row, reading: Reading | null, options: ReadBack): Row {
  const { now } = options;
  const isTime = isTimeOf(row, options);
  const next = withReading(answered(row, reading !== null, options), reading, now);
  const asked = isTime && reading !== null ? againAsked(next, row, reading) : next;
  const told =
    isTime && row.recheck?.rights === true && reading !== null ? withBridgeChange(asked, {}, now, true) : asked;
  return { ...told, dueAt: dueOf(told, row.dueAt ?? now) };
}

const isTimeOf = ({ recheck: confirm }: Row, { now, takenOver }: ReadBack): boolean =>
  confirm !== null && confirm.at <= now && !takenOver;

/** The row once it was asked what became of its calls, whatever the answer is. */
function answered(row: Row, isThere: boolean, options: ReadBack): Row {
  const { now, timing, takenOver } = options;
  const isTime = isTimeOf(row, options);
  const confirm = takenOver ? recheckAfterTakeover(row, horizonOf(now, timing)) : isTime ? null : row.recheck;
  return {
    ...row,
    recheck: confirm,
    pending: isThere ? withoutSpent(row, takenOver) : row.pending,
    sentName: confirm === null ? null : row.sentName,
    calling: null,
    // whatever was sent may have changed them
    rights: row.pending.some(({ rights }) => rights) || isTime ? { ...row.rights, at: UNKNOWN_RIGHTS } : row.rights,
  };
}

/**
 * A row in doubt whose user ZITADEL's reads have lost: what became of its calls nobody can tell, so all that they carried is sent once
 * more, whatever known says. Of a create that was applied known is what it carried.
 */
export function readBackHidden(row: Row, options: ReadBack): Row {
  const { now } = options;
  const confirmed = row.confirmed ?? madeOf(row);
  const asked = answered(row, true, options);
  const next: Row = {
    ...hiddenNow(asked, now),
    confirmed,
    doubt: false,
    modified: row.confirmed === null ? now : row.modified,
  };
  const isTime = isTimeOf(row, options);
  const again = isTime ? askedAgain(next, row, (must) => must) : next;
  const told = isTime && row.recheck?.rights === true ? withBridgeChange(again, {}, now, true) : again;
  const changes = told.pending.map((change) => ({ ...change, named: Object.keys(change.facts) }));
  return { ...told, pending: changes, dueAt: dueOf(told, row.dueAt ?? now) };
}

/** What a create has set that may have been applied. */
function madeOf(row: Row): Facts {
  const { pending: changes, sentName } = row;
  const username = sentName ?? askedName(row);
  const made = changes.find(({ kind }) => kind === 'create')?.facts ?? {};
  const facts = Object.entries(withoutPassword(made)).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ...Object.fromEntries(facts), ...(username === null ? {} : { username }), state: 'active' };
}

/** What must be so, asked for again where ZITADEL has it otherwise. */
const againAsked = (next: Row, before: Row, reading: Reading): Row =>
  askedAgain(next, before, (must) => differing(must, reading.facts));

function askedAgain(next: Row, before: Row, notYet: (must: FactsChange) => FactsChange): Row {
  if (before.deadLetters.some(({ kind }) => kind === 'create')) return requeueDeadLetters(next);
  if (baseFacts(before) === null) {
    const isAsked = before.pending.some(({ kind }) => kind === 'delete');
    const gone: Change = { ...BRIDGE_CHANGE, kind: 'delete', facts: {}, at: next.verifiedAt };
    return isAsked ? next : { ...next, pending: [...next.pending, gone] };
  }
  const facts = notYet(expectedFacts(before));
  if (Object.keys(facts).length === 0) return next;
  return withBridgeChange(next, facts, next.verifiedAt);
}

/** A password is set at most once: a call whose outcome is not known may have set it. */
function withoutSpent({ pending: changes, calling, sentName }: Row, takenOver: boolean): readonly Change[] {
  return changes.map((change) => {
    const isSpent = takenOver ? change.revision <= (calling ?? 0) : sentName !== null && change.kind === 'create';
    return isSpent && 'password' in change.facts ? { ...change, facts: withoutPassword(change.facts) } : change;
  });
}

/** When a row is to be looked at: when something is to be sent or found out (`next`), and when a late call can have landed. */
export function dueOf(row: Row, next: number): number | null {
  const until = row.recheck?.at ?? null;
  const waits = row.doubt || row.pending.some((change) => !change.onHold);
  if (!waits) return until;
  return until === null ? next : Math.min(next, until);
}

/** A row for a user that ZITADEL had before the bridge knew of it. */
export function discovered(row: Row, reading: Reading, now: number): Row {
  return { ...withReading(row, reading, now), created: reading.created, modified: reading.changed };
}

/**
 * The tombstone of a row whose user somebody deleted in ZITADEL: what a client was promised of it and what had died before stays, as
 * dead letters. A membership that was to end has ended.
 */
export function deleted(row: Row, now: number): Row {
  // a client that asked for its deletion is promised nothing else of it
  if (row.pending.some(({ kind }) => kind === 'delete')) return tombstoned(row, now);
  const lost = row.pending.filter(
    ({ kind, acknowledged: isAnswered, revision, facts }) =>
      isAnswered && revision !== BRIDGE_CHANGE.revision && kind !== 'delete' && !Object.entries(facts).every(isLeaving),
  );
  const letters = lost.map((change) => deadLetterOf(change, { cause: 'refused', reason: DELETED }, now));
  return { ...tombstoned(row, now), deadLetters: [...row.deadLetters, ...letters] };
}

/** The reason of what was to be done to a user that is not there any more. */
const DELETED = 'deleted in ZITADEL';

const isLeaving = ([fact, value]: readonly [string, string | null]): boolean =>
  value === null && groupOf(fact) !== undefined;

/** The tombstone of a row: hidden, its name free. A call that may still land is waited for. */
export function tombstoned(row: Row, now: number): Row {
  const { recheck: confirm } = row;
  return {
    ...row,
    confirmed: null,
    pending: [],
    doubt: false,
    calling: null,
    sentName: confirm === null ? null : row.sentName,
    trusted: [],
    rights: { at: 0, sent: 0 },
    deadLetters: [],
    blocked: null,
    hidden: null,
    repeated: null,
    attempts: 0,
    lastError: null,
    replay: null,
    dueAt: confirm?.at ?? null,
    modified: now,
    tombstone: row.tombstone ?? now,
  };
}
