/** What an answer of GetUserByID makes of a row. Pure. */
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
import { requeueDeadLetters } from './dead-letters.ts';
import type { Change, Row } from './types.ts';
import type { Reading } from '../ports/zitadel.ts';
import { baseFacts, shownFacts, textOf, userOf, withoutPassword } from './views.ts';
import type { Timing } from '../timing.ts';

/** What a client would see of it, to compare. */
export function shows(row: Row): string {
  const facts = shownFacts(row);
  if (isGroupRow(row)) return facts?.[definitionKey(row.id)] ?? '';
  return facts === null ? '' : textOf(userOf(facts));
}

/** A row that nobody works on, as ZITADEL has it now (null: gone). */
export function withReading(row: Row, reading: Reading | null, now: number): Row {
  if (reading === null) return { ...row, confirmed: null, doubt: false, verifiedAt: now };
  const { sequence } = reading;
  const facts = keepingRights(row.confirmed, reading.facts);
  const next: Row = { ...row, confirmed: facts, doubt: false, verifiedAt: now, sequence, lastError: null };
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
  const isTime = row.recheck !== null && row.recheck.at <= now && !takenOver;
  const confirm = takenOver ? recheckAfterTakeover(row, horizonOf(now, timing)) : isTime ? null : row.recheck;
  const next = withReading(
    {
      ...row,
      recheck: confirm,
      pending: reading === null ? row.pending : withoutSpent(row, takenOver),
      sentName: confirm === null ? null : row.sentName,
      calling: null,
      // whatever was sent may have changed them
      rights: row.pending.some(({ rights }) => rights) || isTime ? { ...row.rights, at: UNKNOWN_RIGHTS } : row.rights,
    },
    reading,
    now,
  );
  const asked = isTime && reading !== null ? againAsked(next, row, reading) : next;
  const told =
    isTime && row.recheck?.rights === true && reading !== null ? withBridgeChange(asked, {}, now, true) : asked;
  return { ...told, dueAt: dueOf(told, row.dueAt ?? now) };
}

/** What must be so, asked for again where ZITADEL has it otherwise. */
function againAsked(next: Row, before: Row, reading: Reading): Row {
  if (before.deadLetters.some(({ kind }) => kind === 'create')) return requeueDeadLetters(next);
  if (baseFacts(before) === null) {
    const isAsked = before.pending.some(({ kind }) => kind === 'delete');
    const gone: Change = { ...BRIDGE_CHANGE, kind: 'delete', facts: {}, at: next.verifiedAt };
    return isAsked ? next : { ...next, pending: [...next.pending, gone] };
  }
  const facts = differing(expectedFacts(before), reading.facts);
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
    repeated: null,
    attempts: 0,
    lastError: null,
    replay: null,
    dueAt: confirm?.at ?? null,
    modified: now,
    tombstone: row.tombstone ?? now,
  };
}
