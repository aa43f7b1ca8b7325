/**
 * Decides the next action of a delivery from the row, the progress so far and the time, and applies an action's outcome
 * to that progress. Pure: deliver.ts reads, decides, performs and folds until the delivery is over.
 */
import { isRight, ORG_RIGHT } from '../../mapping/rights.ts';
import type { Step } from '../../mapping/steps.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import { nameTakenBy } from '../row/in-flight-name.ts';
import { emptyRound, type Round } from '../row/round.ts';
import { narrow } from '../row/transitions.ts';
import type { Change, Row } from '../row/types.ts';
import { askedName, deliverable, merged } from '../row/views.ts';
import type { Timing } from '../timing.ts';
import { planRow } from './plan-row.ts';
import { needsReading, planRights, type RightsPlan, type RightsRules } from './rights.ts';
import { roundUnder, stepsUnder, type UsernameTurn } from './username-order.ts';

/** How many unexpected states of ZITADEL one delivery tolerates before the row is retried later. */
const MOST_SURPRISES = 5;

export type Action =
  /** reads the user to settle calls in doubt. takenOver: calls of an earlier lease holder that may have died */
  | { readonly kind: 'readBack'; readonly row: Row; readonly takenOver: boolean }
  | { readonly kind: 'readRights'; readonly row: Row }
  /** checks whether another row has this name by now: a create that is sent alone must not take it */
  | { readonly kind: 'lookUpHolder'; readonly name: string }
  | { readonly kind: 'awaitUserName'; readonly row: Row; readonly name: string }
  /** marked: the row already has this delivery's in-flight mark */
  | { readonly kind: 'sendSteps'; readonly row: Row; readonly steps: readonly Step[]; readonly marked: boolean }
  /** restoresName: the row gave its name up for another row, and asks for it again if its own rename is refused */
  | (Made & { readonly kind: 'record'; readonly sent: boolean; readonly restoresName: boolean })
  | Ending
  | { readonly kind: 'done' };

/** Actions that end the delivery. `sent`: it has made calls. */
type Ending =
  /** there is nothing to send */
  | { readonly kind: 'rest'; readonly row: Row }
  /** the user does not exist, and no change creates it */
  | { readonly kind: 'vanish'; readonly row: Row }
  /** nothing can be sent now */
  | { readonly kind: 'postpone'; readonly row: Row; readonly why: Unreadable; readonly sent: boolean }
  /** a call in doubt cannot be checked now */
  | { readonly kind: 'postponeInDoubt'; readonly row: Row; readonly why: Unreadable; readonly sent: boolean }
  /** changes whose turn did not come are treated as in an outage */
  | { readonly kind: 'answerOthers'; readonly row: Row; readonly why: Unreadable };

/** A round of calls that is not recorded in the row yet; `at`: when it began. */
interface Made {
  readonly row: Row;
  readonly round: Round;
  readonly at: number;
}

/** What was found out for the next round; valid for that round only. */
interface Findings {
  /** for a create that is sent alone: whether its name is free */
  readonly holder: { readonly name: string; readonly isOwn: boolean } | null;
  /** an Unreadable: why the rights could not be read */
  readonly rights: { readonly kind: 'unread' | 'read' } | Unreadable;
  /** when this row may take the name that its steps take */
  readonly turn: { readonly name: string; readonly turn: UsernameTurn } | null;
}

const NOTHING_FOUND: Findings = { holder: null, rights: { kind: 'unread' }, turn: null };

type Phase =
  | { readonly kind: 'planning'; readonly found: Findings }
  | { readonly kind: 'made'; readonly made: Made; readonly found: Findings }
  | { readonly kind: 'unreadable'; readonly why: Unreadable }
  /** its target (`row`) is retried later */
  | { readonly kind: 'stopped'; readonly row: Row; readonly why: Unreadable }
  /** only the rights of this round are retried later */
  | { readonly kind: 'waitsForRights'; readonly round: Round }
  | { readonly kind: 'over' };

/** The progress of a delivery. */
export interface Attempt {
  /**
   * Whose in-flight mark the row may have. own: this delivery's, before its first call. found: an earlier lease
   * holder's, which may have died during a call. none: this delivery's, and its calls were made.
   */
  readonly mark: 'own' | 'found' | 'none';
  /** calls were made, so their changes must not be dropped */
  readonly sent: boolean;
  /** how often ZITADEL's state differed from the planned one */
  readonly surprises: number;
  /** changes are sent one by one, to find the one that causes a refusal */
  readonly alone: boolean;
  readonly phase: Phase;
}

/** A delivery that has not begun. `mark` own: the caller wrote the row with an in-flight mark. */
export const firstAttempt = (mark: 'own' | 'found'): Attempt => ({
  mark,
  sent: false,
  surprises: 0,
  alone: false,
  phase: { kind: 'planning', found: NOTHING_FOUND },
});

export interface Circumstances {
  readonly now: number;
  readonly timing: Timing;
  /** for users: the rights from their groups */
  readonly rules?: RightsRules | undefined;
}

export function decide(stored: Row | undefined, attempt: Attempt, at: Circumstances): Action {
  const { phase, sent } = attempt;
  if (phase.kind === 'over') return DONE;
  if (phase.kind === 'made') return recordOf(phase.made, attempt, phase.found);
  if (phase.kind === 'stopped') return attempt.alone ? { kind: 'answerOthers', row: phase.row, why: phase.why } : DONE;
  if (stored === undefined) return DONE;
  if (phase.kind === 'unreadable') return { kind: 'postponeInDoubt', row: stored, why: phase.why, sent };
  if (phase.kind === 'waitsForRights' && !hasNewer(stored, phase.round)) return DONE;
  const isTime = stored.recheck !== null && stored.recheck.at <= at.now;
  if ((stored.doubt && attempt.mark !== 'own') || isTime)
    return { kind: 'readBack', row: stored, takenOver: attempt.mark === 'found' && stored.calling !== null };
  return deliverPending(stored, attempt, at);
}

/** What to send once nothing is in doubt. */
function deliverPending(stored: Row, attempt: Attempt, at: Circumstances): Action {
  const found = findingsOf(attempt);
  const pending = deliverable(stored);
  if (pending.length === 0) return { kind: 'rest', row: stored };
  const name = attempt.alone ? sharedName(stored, pending) : undefined;
  if (name !== undefined && found.holder?.name !== name) return { kind: 'lookUpHolder', name };
  const row = narrow(stored, attempt.alone ? firstOf(stored, pending, found.holder) : pending);
  if (row.confirmed === null && wantsNobody(stored)) return { kind: 'vanish', row: stored };
  const rights = at.rules === undefined ? NO_RIGHTS : planRights(row, at.rules);
  if (
    at.rules !== undefined &&
    found.rights.kind === 'unread' &&
    needsReading(row, rights, at.rules, at.now, at.timing)
  )
    return { kind: 'readRights', row: stored };
  const base = planRow(row, at.now, at.timing);
  // rights that cannot be read now must not delay other changes
  return sendOf(row, isUnreadable(found.rights) ? base : withRightSteps(base, rights), attempt, at.now);
}

/** Sends these steps once the row may take the name they set. */
function sendOf(row: Row, planned: readonly Step[], attempt: Attempt, now: number): Action {
  const found = findingsOf(attempt);
  const name = nameTakenBy(planned);
  const turn = name === undefined ? FREE : found.turn?.name === name ? found.turn.turn : undefined;
  if (name !== undefined && turn === undefined) return { kind: 'awaitUserName', row, name };
  if (turn?.kind === 'retry') return { kind: 'postpone', row, why: turn, sent: attempt.sent };
  const steps = stepsUnder(turn ?? FREE, row, planned);
  if (steps.length > 0) return { kind: 'sendSteps', row, steps, marked: attempt.mark === 'own' };
  // no call needed: ZITADEL is already in that state
  return recordOf({ row, round: judged(emptyRound(row), found), at: now }, attempt, found);
}

function recordOf(made: Made, { surprises, sent }: Attempt, { turn }: Findings): Action {
  if (surprises > MOST_SURPRISES) return { kind: 'postponeInDoubt', row: made.row, why: TOO_MANY, sent: true };
  const restoresName = turn?.turn.kind === 'swap' && made.round.end?.kind === 'replan';
  return { ...made, kind: 'record', sent, restoresName };
}

/** The outcome of an action. */
export type Happened =
  | { readonly kind: 'readBack' }
  | { readonly kind: 'unreadable'; readonly why: Unreadable }
  | { readonly kind: 'rightsRead' }
  | { readonly kind: 'rightsUnreadable'; readonly why: Unreadable }
  | { readonly kind: 'holderFound'; readonly name: string; readonly isOwn: boolean }
  | { readonly kind: 'nameAwaited'; readonly name: string; readonly turn: UsernameTurn }
  | (Made & { readonly kind: 'sent' })
  /** apart: the changes sent together must be resent one by one */
  | { readonly kind: 'recorded'; readonly row: Row; readonly round: Round; readonly apart: boolean }
  | { readonly kind: 'postponed'; readonly row: Row; readonly why: Unreadable }
  | { readonly kind: 'over' };

/** The delivery after an action. */
export function fold(attempt: Attempt, happened: Happened): Attempt {
  const found = findingsOf(attempt);
  const planning = (more: Partial<Findings>): Attempt => ({
    ...attempt,
    phase: { kind: 'planning', found: { ...found, ...more } },
  });
  switch (happened.kind) {
    case 'readBack':
      return { ...planning(NOTHING_FOUND), mark: 'none' };
    case 'unreadable':
      return { ...attempt, phase: { kind: 'unreadable', why: happened.why } };
    case 'rightsRead':
      return planning({ rights: { kind: 'read' } });
    case 'rightsUnreadable':
      return planning({ rights: happened.why });
    case 'holderFound':
      return planning({ holder: { name: happened.name, isOwn: happened.isOwn } });
    case 'nameAwaited':
      return planning({ turn: { name: happened.name, turn: happened.turn } });
    case 'sent': {
      const { row, at } = happened;
      const round = judged(happened.round, found);
      const surprises = attempt.surprises + (round.end?.kind === 'replan' ? 1 : 0);
      return { ...attempt, surprises, phase: { kind: 'made', made: { row, round, at }, found } };
    }
    case 'recorded': {
      const { row, round } = happened;
      const sent = attempt.sent || round.calls.length > 0;
      return {
        mark: 'none',
        sent,
        surprises: attempt.surprises,
        alone: attempt.alone || happened.apart,
        phase: phaseAfter(row, round),
      };
    }
    case 'postponed':
      return { ...attempt, phase: { kind: 'stopped', row: happened.row, why: happened.why } };
    case 'over':
      return { ...attempt, phase: { kind: 'over' } };
  }
}

const findingsOf = ({ phase }: Attempt): Findings => ('found' in phase ? phase.found : NOTHING_FOUND);

function phaseAfter(row: Row, round: Round): Phase {
  const why = round.end?.kind === 'replan' ? undefined : (round.end ?? blockedBy(round));
  if (why !== undefined) return { kind: 'stopped', row, why };
  // changes that wait only for rights are not retried at once; newly appended ones are sent
  if (round.left.length > 0) return { kind: 'waitsForRights', round };
  return { kind: 'planning', found: NOTHING_FOUND };
}

/** The outcome of a round, given what was found out before it. */
function judged(round: Round, { rights, turn }: Findings): Round {
  const unread = isUnreadable(rights) ? [{ names: ALL_RIGHTS, why: rights }] : [];
  return roundUnder(turn?.turn ?? FREE, { ...round, left: [...round.left, ...unread] });
}

const isUnreadable = (rights: Findings['rights']): rights is Unreadable =>
  rights.kind !== 'unread' && rights.kind !== 'read';

/** The name in the create whose turn it is; by now another row may have that name. */
function sharedName(stored: Row, [first]: readonly Change[]): string | undefined {
  const name = first?.facts['username'];
  return first?.kind === 'create' && typeof name === 'string' && askedName(stored) !== null ? name : undefined;
}

/** The change whose turn it is. A create whose name was since given to another row uses the latest requested name. */
function firstOf(stored: Row, [first]: readonly Change[], holder: Findings['holder']): readonly Change[] {
  if (first === undefined) return [];
  if (holder?.isOwn !== false || holder.name !== first.facts['username']) return [first];
  return [{ ...first, facts: { ...first.facts, username: askedName(stored) } }];
}

/** No user is wanted: neither now nor by changes that an operator may release. */
const wantsNobody = ({ pending: changes }: Row): boolean =>
  !changes.some(({ kind }) => kind === 'create') ||
  (merged(null, changes) === null && !changes.some(({ onHold: held }) => held));

const hasNewer = (row: Row, { covered }: Round): boolean =>
  deliverable(row).some(({ revision }) => !covered.has(revision));

/** The requests to notify that something is pending: no request waits for a right. */
const blockedBy = ({ left }: Round): Unreadable | undefined => left.find(({ names }) => !names.every(isRight))?.why;

/** Rights are revoked before all other steps and granted after them. */
function withRightSteps(steps: readonly Step[], { take, give }: RightsPlan): readonly Step[] {
  return steps.some(({ call }) => call === 'DeleteUser') ? steps : [...take, ...steps, ...give];
}

/** The names of rights that could not even be planned. */
const ALL_RIGHTS = [ORG_RIGHT];

const NO_RIGHTS = { take: [], give: [] } as const;

const FREE = { kind: 'free' } as const;

const DONE = { kind: 'done' } as const;

const TOO_MANY = { kind: 'retry', definite: false, cause: 'answer', reason: 'too-many-surprises' } as const;
