/**
 * What a delivery does next, from the row, from what the delivery has done so far, and from the time; and what an action's outcome
 * makes of the delivery. Pure: deliver.ts reads, decides, performs and folds until it is done.
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

/** How often ZITADEL may surprise one delivery before the row is put off. */
const MOST_SURPRISES = 5;

export type Action =
  /** GetUserByID says what became of calls. takenOver: of one who held the row before and may have died at it */
  | { readonly kind: 'readBack'; readonly row: Row; readonly takenOver: boolean }
  | { readonly kind: 'readRights'; readonly row: Row }
  /** who has this name by now: a create that goes alone must not take it from another row */
  | { readonly kind: 'lookUpHolder'; readonly name: string }
  | { readonly kind: 'awaitUserName'; readonly row: Row; readonly name: string }
  /** marked: the row bears this delivery's mark of a call on its way already */
  | { readonly kind: 'sendSteps'; readonly row: Row; readonly steps: readonly Step[]; readonly marked: boolean }
  /** restoresName: the row gave its name up for another one, and asks for it again in case its rename is refused */
  | (Made & { readonly kind: 'record'; readonly sent: boolean; readonly restoresName: boolean })
  | Ending
  | { readonly kind: 'done' };

/** Actions that end the delivery. `sent`: it has made calls. */
type Ending =
  /** nothing is to be sent */
  | { readonly kind: 'rest'; readonly row: Row }
  /** the user is not there, and nobody asks for it */
  | { readonly kind: 'vanish'; readonly row: Row }
  /** nothing can be sent now */
  | { readonly kind: 'postpone'; readonly row: Row; readonly why: Unreadable; readonly sent: boolean }
  /** what became of a call cannot be asked now */
  | { readonly kind: 'postponeInDoubt'; readonly row: Row; readonly why: Unreadable; readonly sent: boolean }
  /** changes whose turn did not come are answered as in an outage */
  | { readonly kind: 'answerOthers'; readonly row: Row; readonly why: Unreadable };

/** A round of calls that is not recorded in the row yet; `at`: when it began. */
interface Made {
  readonly row: Row;
  readonly round: Round;
  readonly at: number;
}

/** What was found out for the next round; it is good for that one only. */
interface Findings {
  /** of the name of a create that goes alone: whether no other row has it */
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
  /** what it was for (`row`) is tried later */
  | { readonly kind: 'stopped'; readonly row: Row; readonly why: Unreadable }
  /** only what the changes of this round give or take is tried later */
  | { readonly kind: 'waitsForRights'; readonly round: Round }
  | { readonly kind: 'over' };

/** What a delivery has done so far. */
export interface Attempt {
  /**
   * Whose mark of a call on its way the row may bear. own: this delivery's, no call is made yet. found: an earlier holder's, who may
   * have died at it. none: this delivery's, and its calls are made.
   */
  readonly mark: 'own' | 'found' | 'none';
  /** calls were made: nothing of what they were for may be dropped */
  readonly sent: boolean;
  /** how often ZITADEL had another state than was planned with */
  readonly surprises: number;
  /** changes go one by one: only each of them alone tells whose fault a refusal is */
  readonly alone: boolean;
  readonly phase: Phase;
}

/** A delivery that has done nothing yet. `mark` own: of a row that the caller wrote with the mark of a call. */
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
  /** of users: what the groups they are in give them */
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

/** What is to be sent, once nothing is in doubt. */
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
  // nothing else waits for rights that cannot be read now
  return sendOf(row, isUnreadable(found.rights) ? base : withRightSteps(base, rights), attempt, at.now);
}

/** Sends these steps when it is the row's turn to take the name among them. */
function sendOf(row: Row, planned: readonly Step[], attempt: Attempt, now: number): Action {
  const found = findingsOf(attempt);
  const name = nameTakenBy(planned);
  const turn = name === undefined ? FREE : found.turn?.name === name ? found.turn.turn : undefined;
  if (name !== undefined && turn === undefined) return { kind: 'awaitUserName', row, name };
  if (turn?.kind === 'retry') return { kind: 'postpone', row, why: turn, sent: attempt.sent };
  const steps = stepsUnder(turn ?? FREE, row, planned);
  if (steps.length > 0) return { kind: 'sendSteps', row, steps, marked: attempt.mark === 'own' };
  // there is nothing to call: it is so already
  return recordOf({ row, round: judged(emptyRound(row), found), at: now }, attempt, found);
}

function recordOf(made: Made, { surprises, sent }: Attempt, { turn }: Findings): Action {
  if (surprises > MOST_SURPRISES) return { kind: 'postponeInDoubt', row: made.row, why: TOO_MANY, sent: true };
  const restoresName = turn?.turn.kind === 'swap' && made.round.end?.kind === 'replan';
  return { ...made, kind: 'record', sent, restoresName };
}

/** How an action ended. */
export type Happened =
  | { readonly kind: 'readBack' }
  | { readonly kind: 'unreadable'; readonly why: Unreadable }
  | { readonly kind: 'rightsRead' }
  | { readonly kind: 'rightsUnreadable'; readonly why: Unreadable }
  | { readonly kind: 'holderFound'; readonly name: string; readonly isOwn: boolean }
  | { readonly kind: 'nameAwaited'; readonly name: string; readonly turn: UsernameTurn }
  | (Made & { readonly kind: 'sent' })
  /** apart: the changes that were sent together have to go one by one */
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
  // what only rights wait for is not tried again at once; what was asked meanwhile is
  if (round.left.length > 0) return { kind: 'waitsForRights', round };
  return { kind: 'planning', found: NOTHING_FOUND };
}

/** What a round means under what was found out before it. */
function judged(round: Round, { rights, turn }: Findings): Round {
  const unread = isUnreadable(rights) ? [{ names: ALL_RIGHTS, why: rights }] : [];
  return roundUnder(turn?.turn ?? FREE, { ...round, left: [...round.left, ...unread] });
}

const isUnreadable = (rights: Findings['rights']): rights is Unreadable =>
  rights.kind !== 'unread' && rights.kind !== 'read';

/** The name of the create whose turn it is, when the row asks for a name: by now it may have been given to another row. */
function sharedName(stored: Row, [first]: readonly Change[]): string | undefined {
  const name = first?.facts['username'];
  return first?.kind === 'create' && typeof name === 'string' && askedName(stored) !== null ? name : undefined;
}

/** The change whose turn it is. A create does not take a name that was given to another one since: it takes the one asked last. */
function firstOf(stored: Row, [first]: readonly Change[], holder: Findings['holder']): readonly Change[] {
  if (first === undefined) return [];
  if (holder?.isOwn !== false || holder.name !== first.facts['username']) return [first];
  return [{ ...first, facts: { ...first.facts, username: askedName(stored) } }];
}

/** Nobody is asked for: neither now nor by what an operator may release. */
const wantsNobody = ({ pending: changes }: Row): boolean =>
  !changes.some(({ kind }) => kind === 'create') ||
  (merged(null, changes) === null && !changes.some(({ onHold: held }) => held));

const hasNewer = (row: Row, { covered }: Round): boolean =>
  deliverable(row).some(({ revision }) => !covered.has(revision));

/** Who is to be told that something waits: nobody waits for a right. */
const blockedBy = ({ left }: Round): Unreadable | undefined => left.find(({ names }) => !names.every(isRight))?.why;

/** Rights are taken away before everything else and given after it. */
function withRightSteps(steps: readonly Step[], { take, give }: RightsPlan): readonly Step[] {
  return steps.some(({ call }) => call === 'DeleteUser') ? steps : [...take, ...steps, ...give];
}

/** The names of rights that could not even be planned. */
const ALL_RIGHTS = [ORG_RIGHT];

const NO_RIGHTS = { take: [], give: [] } as const;

const FREE = { kind: 'free' } as const;

const DONE = { kind: 'done' } as const;

const TOO_MANY = { kind: 'retry', definite: false, cause: 'answer', reason: 'too-many-surprises' } as const;
