/** What an answer of GetUserByID makes of a row. Pure. */
import type { Facts, FactsChange } from '../mapping/facts.ts';
import { groupOf } from '../mapping/groups.ts';
import { confirmTakenOver, horizonOf, mustBe, notSo, OWN, withOwn } from './confirm.ts';
import { definitionKey } from './groups/definitions.ts';
import { keepingRights, UNKNOWN_RIGHTS } from './rights.ts';
import { isGroupRow } from './shelves.ts';
import { letterOf, revived } from './dead-letters.ts';
import type { Change, Reading, Row } from './ports.ts';
import { askedName, baseFacts, shownFacts, textOf, userOf, withoutPassword } from './rows.ts';
import type { Timing } from './timing.ts';

/** What a client would see of it, to compare. */
export function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}

/** A row that nobody works on, as ZITADEL has it now (null: gone). */
export function confirmed(row: Row, reading: Reading | null, now: number): Row {
  if (reading === null) return { ...row, known: null, doubt: false, hidden: null, verifiedAt: now };
  const { sequence } = reading;
  const facts = keepingRights(row.known, reading.facts);
  const next: Row = { ...row, known: facts, doubt: false, hidden: null, verifiedAt: now, sequence, lastError: null };
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
  const next = confirmed(answered(row, reading !== null, options), reading, now);
  const asked = isTime && reading !== null ? againAsked(next, row, reading) : next;
  const told = isTime && row.confirm?.rights === true && reading !== null ? withOwn(asked, {}, now, true) : asked;
  return { ...told, dueAt: dueOf(told, row.dueAt ?? now) };
}

const isTimeOf = ({ confirm }: Row, { now, takenOver }: ReadBack): boolean =>
  confirm !== null && confirm.until <= now && !takenOver;

/** The row once it was asked what became of its calls, whatever the answer is. */
function answered(row: Row, isThere: boolean, options: ReadBack): Row {
  const { now, timing, takenOver } = options;
  const isTime = isTimeOf(row, options);
  const confirm = takenOver ? confirmTakenOver(row, horizonOf(now, timing)) : isTime ? null : row.confirm;
  return {
    ...row,
    confirm,
    changes: isThere ? withoutSpent(row, takenOver) : row.changes,
    sentName: confirm === null ? null : row.sentName,
    calling: null,
    // whatever was sent may have changed them
    rights: row.changes.some(({ rights }) => rights) || isTime ? { ...row.rights, at: UNKNOWN_RIGHTS } : row.rights,
  };
}

/**
 * A row in doubt whose user ZITADEL's reads have lost: what became of its calls nobody can tell, so all that they carried is sent once
 * more, whatever known says. Of a create that was applied known is what it carried.
 */
export function readBackHidden(row: Row, options: ReadBack): Row {
  const { now } = options;
  const known = row.known ?? madeOf(row);
  const asked = answered(row, true, options);
  const next: Row = {
    ...hiddenNow(asked, now),
    known,
    doubt: false,
    modified: row.known === null ? now : row.modified,
  };
  const isTime = isTimeOf(row, options);
  const again = isTime ? askedAgain(next, row, (must) => must) : next;
  const told = isTime && row.confirm?.rights === true ? withOwn(again, {}, now, true) : again;
  const changes = told.changes.map((change) => ({ ...change, named: Object.keys(change.facts) }));
  return { ...told, changes, dueAt: dueOf(told, row.dueAt ?? now) };
}

/** What a create has set that may have been applied. */
function madeOf(row: Row): Facts {
  const { changes, sentName } = row;
  const username = sentName ?? askedName(row);
  const made = changes.find(({ kind }) => kind === 'create')?.facts ?? {};
  const facts = Object.entries(withoutPassword(made)).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ...Object.fromEntries(facts), ...(username === null ? {} : { username }), state: 'active' };
}

/** What must be so, asked for again where ZITADEL has it otherwise. */
const againAsked = (next: Row, before: Row, reading: Reading): Row =>
  askedAgain(next, before, (must) => notSo(must, reading.facts));

function askedAgain(next: Row, before: Row, notYet: (must: FactsChange) => FactsChange): Row {
  if (before.dead.some(({ kind }) => kind === 'create')) return revived(next);
  if (baseFacts(before) === null) {
    const isAsked = before.changes.some(({ kind }) => kind === 'delete');
    const gone: Change = { ...OWN, kind: 'delete', facts: {}, at: next.verifiedAt };
    return isAsked ? next : { ...next, changes: [...next.changes, gone] };
  }
  const facts = notYet(mustBe(before));
  if (Object.keys(facts).length === 0) return next;
  return withOwn(next, facts, next.verifiedAt);
}

/** A password is set at most once: a call whose outcome is not known may have set it. */
function withoutSpent({ changes, calling, sentName }: Row, takenOver: boolean): readonly Change[] {
  return changes.map((change) => {
    const isSpent = takenOver ? change.revision <= (calling ?? 0) : sentName !== null && change.kind === 'create';
    return isSpent && 'password' in change.facts ? { ...change, facts: withoutPassword(change.facts) } : change;
  });
}

/** When a row is to be looked at: when something is to be sent or found out (`next`), and when a late call can have landed. */
export function dueOf(row: Row, next: number): number | null {
  const until = row.confirm?.until ?? null;
  const waits = row.doubt || row.changes.some((change) => !change.held);
  if (!waits) return until;
  return until === null ? next : Math.min(next, until);
}

/** A row for a user that ZITADEL had before the bridge knew of it. */
export function found(row: Row, reading: Reading, now: number): Row {
  return { ...confirmed(row, reading, now), created: reading.created, modified: reading.changed };
}

/**
 * The tombstone of a row whose user somebody deleted in ZITADEL: what a client was promised of it and what had died before stays, as
 * dead letters. A membership that was to end has ended.
 */
export function deleted(row: Row, now: number): Row {
  // a client that asked for its deletion is promised nothing else of it
  if (row.changes.some(({ kind }) => kind === 'delete')) return buried(row, now);
  const lost = row.changes.filter(
    ({ kind, answered: isAnswered, revision, facts }) =>
      isAnswered && revision !== OWN.revision && kind !== 'delete' && !Object.entries(facts).every(isLeaving),
  );
  const letters = lost.map((change) => letterOf(change, { cause: 'refused', reason: DELETED }, now));
  return { ...buried(row, now), dead: [...row.dead, ...letters] };
}

/** The reason of what was to be done to a user that is not there any more. */
const DELETED = 'deleted in ZITADEL';

const isLeaving = ([fact, value]: readonly [string, string | null]): boolean =>
  value === null && groupOf(fact) !== undefined;

/** The tombstone of a row: hidden, its name free. A call that may still land is waited for. */
export function buried(row: Row, now: number): Row {
  const { confirm } = row;
  return {
    ...row,
    known: null,
    changes: [],
    doubt: false,
    calling: null,
    sentName: confirm === null ? null : row.sentName,
    vouched: [],
    rights: { at: 0, sent: 0 },
    dead: [],
    blocked: null,
    hidden: null,
    stuck: null,
    attempts: 0,
    lastError: null,
    createMark: null,
    dueAt: confirm?.until ?? null,
    modified: now,
    tombstone: row.tombstone ?? now,
  };
}
