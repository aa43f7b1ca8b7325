/**
 * Rights of one user in a delivery: computed each time from rules, memberships and current rights, never stored as
 * requested. A refused right becomes a dead letter of the user (row/verdicts.ts: judgeRights). Pure.
 */
import { stableJson } from '../../mapping/codecs.ts';
import { type Facts, overlay } from '../../mapping/facts.ts';
import { membershipsOf, groupOf, MEMBER } from '../../mapping/groups.ts';
import { isIn, namesOf, rightFacts, type Rights, rightsOfFacts, withoutRights } from '../../mapping/rights.ts';
import { rightSteps } from '../../mapping/right-steps.ts';
import type { Memberships } from '../../mapping/rules/types.ts';
import type { Step } from '../../mapping/steps.ts';
import type { Row } from '../row/types.ts';
import { noteGiven, readRights, trustOnly } from '../row/transitions.ts';
import { isIdle, merged, UNKNOWN_RIGHTS } from '../row/views.ts';
import { isGroupRow } from '../row/kinds.ts';
import type { Timing } from '../timing.ts';

/** The active rules, as a delivery needs them. */
export interface RightsRules {
  /** The rights a user should have, given that the rules granted `given`; returns `held` itself if nothing changes. */
  wanted(held: Rights, memberships: Memberships, given: Row['rights']['given']): Rights;
  /** whether this user's rights are left alone because the user is protected */
  spares(id: string): boolean;
  /** whether granted rights must be recorded with the user: until the rules are applied they revoke nothing else */
  keepsGiven(): boolean;
  /** roles that may be created in a project */
  creates(project: string): readonly string[];
  /** when the rights of all users were last listed; 0: never. A user missing from that list has none */
  listed(): number;
}

export interface RightsPlan {
  /** before all other steps */
  readonly take: readonly Step[];
  /** after all other steps */
  readonly give: readonly Step[];
}

const NONE: RightsPlan = { take: [], give: [] };

/** The steps that bring a user's rights in line with the rules. `row.pending` are the changes to send. */
export function planRights(row: Row, book: RightsRules): RightsPlan {
  if (!row.pending.some(({ rights }) => rights)) return NONE;
  const facts = merged(row.confirmed, row.pending);
  if (facts === null || book.spares(row.id)) return NONE;
  const held = rightsOfFacts(row.confirmed ?? {});
  const wanted = book.wanted(held, split(row, facts), row.rights.given);
  return wanted === held ? NONE : rightSteps(held, wanted, book.creates);
}

/** The row with the roles these steps grant, before they are sent: an unanswered call may have granted them. */
export function withGiven(row: Row, steps: readonly Step[], book: RightsRules): Row {
  if (!book.keepsGiven()) return row;
  const confirmed = namesOf(rightsOfFacts(row.confirmed ?? {}));
  const before = row.rights.given ?? [];
  const added = steps
    .flatMap(({ right }) => (right?.roles ?? []).map((role) => ({ project: right?.project ?? null, role })))
    .filter((name) => !isIn(confirmed, name) && !isIn(before, name));
  return added.length === 0 ? row : noteGiven(row, [...before, ...added]);
}

/** Nothing is in flight: granted roles that are missing were revoked, and later ones do not come from the rules. */
export function stillGiven(row: Row): Row {
  const { given } = row.rights;
  if (given === undefined || !isIdle(row)) return row;
  const held = namesOf(rightsOfFacts(row.confirmed ?? {}));
  const kept = given.filter((name) => isIn(held, name));
  return kept.length === given.length ? row : noteGiven(row, kept);
}

/** Whether current rights must be read before these steps: an update replaces all roles, whatever their origin. */
export function needsReading(
  row: Row,
  { take, give }: RightsPlan,
  book: RightsRules,
  now: number,
  timing: Timing,
): boolean {
  if (row.confirmed === null || !row.pending.some(({ rights }) => rights)) return false;
  const { at, sent } = row.rights;
  if (at === UNKNOWN_RIGHTS) return true;
  const steps = [...take, ...give];
  // the stored rights already match: the next sync checks again
  if (steps.length === 0) return false;
  if (steps.some(({ call, right }) => call.endsWith('Authorization') && lacksId(call, right))) return true;
  // ZITADEL refuses to create what exists, and then it is read
  if (steps.every(({ call }) => call.startsWith('Create'))) return at === 0 && book.listed() === 0;
  // an update replaces the whole entry: it may have been changed elsewhere since it was read
  return at <= sent || now - at > timing.believedMs;
}

/** An authorization is changed by its id. */
const lacksId = (call: Step['call'], right: Step['right']): boolean =>
  !call.startsWith('Create') && right?.authorization === undefined;

/** Rights as listed at `asked`; undefined: the list may predate our last call, and differs. */
export function withRights(row: Row, held: Facts, asked: number, timing: Timing): Row | undefined {
  if (row.confirmed === null) return row;
  // lists may omit a hidden user together with its rights
  const confirmed = overlay(row.hidden === null ? withoutRights(row.confirmed) : row.confirmed, held);
  const isSame = textOf(row.confirmed) === textOf(confirmed);
  if (!isSame && asked < row.rights.sent + timing.listLagMs) return undefined;
  return readRights(row, confirmed, asked);
}

/** The rights among facts, to compare. */
export const textOf = (facts: Facts): string => stableJson(rightFacts(facts));

/** Memberships by facts, with the trusted ones separate. */
export function split({ trusted }: Row, facts: Facts): Memberships {
  const all = membershipsOf(facts);
  const sure = new Set(trusted);
  return { vouched: all.filter((id) => sure.has(id)), others: all.filter((id) => !sure.has(id)) };
}

/** Trust lasts as long as the membership is present or pending: a key that reappears later was written elsewhere. */
export function stillVouched(row: Row): Row {
  if (row.trusted.length === 0 || isGroupRow(row)) return row;
  const there = [row.confirmed ?? {}, row.recheck?.facts ?? {}, ...row.pending.map(({ facts }) => facts)];
  const ids = new Set(
    there.flatMap((facts) =>
      Object.entries(facts).flatMap(([fact, value]) => (value === MEMBER ? (groupOf(fact) ?? []) : [])),
    ),
  );
  const trusted = row.trusted.filter((id) => ids.has(id));
  return trusted.length === row.trusted.length ? row : trustOnly(row, trusted);
}
