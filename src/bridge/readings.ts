/** What an answer of GetUserByID makes of a row. Pure. */
import { confirmTakenOver, horizonOf, mustBe, notSo, OWN, withOwn } from './confirm.ts';
import { definitionKey } from './groups/definitions.ts';
import { keepingRights, UNKNOWN_RIGHTS } from './rights.ts';
import { isGroupRow } from './shelves.ts';
import { revived } from './dead-letters.ts';
import type { Change, Reading, Row } from './ports.ts';
import { baseFacts, shownFacts, textOf, userOf, withoutPassword } from './rows.ts';
import type { Timing } from './timing.ts';

/** What a client would see of it, to compare. */
export function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}

/** A row that nobody works on, as ZITADEL has it now (null: gone). */
export function confirmed(row: Row, reading: Reading | null, now: number): Row {
  if (reading === null) return { ...row, known: null, doubt: false, verifiedAt: now };
  const { sequence } = reading;
  const facts = keepingRights(row.known, reading.facts);
  const next: Row = { ...row, known: facts, doubt: false, verifiedAt: now, sequence, lastError: null };
  return { ...next, modified: shows(row) === shows(next) ? row.modified : now };
}

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
export function readBack(row: Row, reading: Reading | null, { now, timing, takenOver }: ReadBack): Row {
  const isTime = row.confirm !== null && row.confirm.until <= now && !takenOver;
  const confirm = takenOver ? confirmTakenOver(row, horizonOf(now, timing)) : isTime ? null : row.confirm;
  const next = confirmed(
    {
      ...row,
      confirm,
      changes: reading === null ? row.changes : withoutSpent(row, takenOver),
      sentName: confirm === null ? null : row.sentName,
      calling: null,
      // whatever was sent may have changed them
      rights: row.changes.some(({ rights }) => rights) || isTime ? { ...row.rights, at: UNKNOWN_RIGHTS } : row.rights,
    },
    reading,
    now,
  );
  const asked = isTime && reading !== null ? againAsked(next, row, reading) : next;
  const told = isTime && row.confirm?.rights === true && reading !== null ? withOwn(asked, {}, now, true) : asked;
  return { ...told, dueAt: dueOf(told, row.dueAt ?? now) };
}

/** What must be so, asked for again where ZITADEL has it otherwise. */
function againAsked(next: Row, before: Row, reading: Reading): Row {
  if (before.dead.some(({ kind }) => kind === 'create')) return revived(next);
  if (baseFacts(before) === null) {
    const isAsked = before.changes.some(({ kind }) => kind === 'delete');
    const gone: Change = { ...OWN, kind: 'delete', facts: {}, at: next.verifiedAt };
    return isAsked ? next : { ...next, changes: [...next.changes, gone] };
  }
  const facts = notSo(mustBe(before), reading.facts);
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
    stuck: null,
    attempts: 0,
    lastError: null,
    createMark: null,
    dueAt: confirm?.until ?? null,
    modified: now,
    tombstone: row.tombstone ?? now,
  };
}
