/**
 * Rights of one user in a delivery: computed each time from the rules, the memberships and what is held; never kept as asked. What is
 * refused becomes a dead letter of the user (judge.ts: judgeRights). Pure.
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

/** The rules in force, as a delivery needs them. */
export interface RightsRules {
  /** What a user is to hold, of whom the rules gave `given`; `held` itself when that is so already. */
  wanted(held: Rights, memberships: Memberships, given: Row['rights']['given']): Rights;
  /** whether rights of this user are left as they are: it is protected */
  spares(id: string): boolean;
  /** whether what is given has to be kept with the user: the rules take away nothing else yet */
  keepsGiven(): boolean;
  /** roles of a project that may be made */
  creates(project: string): readonly string[];
  /** when the rights of all users were last listed; 0: never. A user who was not among them holds none */
  listed(): number;
}

export interface RightsPlan {
  /** before everything else */
  readonly take: readonly Step[];
  /** after everything else */
  readonly give: readonly Step[];
}

const NONE: RightsPlan = { take: [], give: [] };

/** The steps that bring a user's rights to what the rules say. `row.changes` are those to be sent. */
export function planRights(row: Row, book: RightsRules): RightsPlan {
  if (!row.pending.some(({ rights }) => rights)) return NONE;
  const facts = merged(row.confirmed, row.pending);
  if (facts === null || book.spares(row.id)) return NONE;
  const held = rightsOfFacts(row.confirmed ?? {});
  const wanted = book.wanted(held, split(row, facts), row.rights.given);
  return wanted === held ? NONE : rightSteps(held, wanted, book.creates);
}

/** The row with the roles that these steps give it, before they are sent: a call that is never answered may have given them. */
export function withGiven(row: Row, steps: readonly Step[], book: RightsRules): Row {
  if (!book.keepsGiven()) return row;
  const confirmed = namesOf(rightsOfFacts(row.confirmed ?? {}));
  const before = row.rights.given ?? [];
  const added = steps
    .flatMap(({ right }) => (right?.roles ?? []).map((role) => ({ project: right?.project ?? null, role })))
    .filter((name) => !isIn(confirmed, name) && !isIn(before, name));
  return added.length === 0 ? row : noteGiven(row, [...before, ...added]);
}

/** Nothing is on its way: what was given and is not held was taken away, and what comes later is not of the rules. */
export function stillGiven(row: Row): Row {
  const { given } = row.rights;
  if (given === undefined || !isIdle(row)) return row;
  const held = namesOf(rightsOfFacts(row.confirmed ?? {}));
  const kept = given.filter((name) => isIn(held, name));
  return kept.length === given.length ? row : noteGiven(row, kept);
}

/** Whether what is held has to be read before these steps: an update replaces all that is there, whoever gave it. */
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
  // what was believed so far agrees: the next sync looks again
  if (steps.length === 0) return false;
  if (steps.some(({ call, right }) => call.endsWith('Authorization') && lacksId(call, right))) return true;
  // ZITADEL refuses to create what is there, and then it is read
  if (steps.every(({ call }) => call.startsWith('Create'))) return at === 0 && book.listed() === 0;
  // an update replaces the whole entry: somebody may have written since it was read
  return at <= sent || now - at > timing.believedMs;
}

/** An authorization is changed by its id. */
const lacksId = (call: Step['call'], right: Step['right']): boolean =>
  !call.startsWith('Create') && right?.authorization === undefined;

/** Rights as they were listed, asked for at `asked`; undefined: the list may be older than our own last call, and says otherwise. */
export function withRights(row: Row, held: Facts, asked: number, timing: Timing): Row | undefined {
  if (row.confirmed === null) return row;
  // lists may have lost a hidden user along with what it holds
  const confirmed = overlay(row.hidden === null ? withoutRights(row.confirmed) : row.confirmed, held);
  const isSame = textOf(row.confirmed) === textOf(confirmed);
  if (!isSame && asked < row.rights.sent + timing.listLagMs) return undefined;
  return readRights(row, confirmed, asked);
}

/** Rights among facts, to compare. */
export const textOf = (facts: Facts): string => stableJson(rightFacts(facts));

/** Memberships by facts, those that somebody vouched for apart. */
export function split({ trusted }: Row, facts: Facts): Memberships {
  const all = membershipsOf(facts);
  const sure = new Set(trusted);
  return { vouched: all.filter((id) => sure.has(id)), others: all.filter((id) => !sure.has(id)) };
}

/** A membership is vouched for as long as it is there or asked for: a key that comes back later is somebody else's. */
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
