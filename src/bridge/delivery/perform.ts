/** Performs the next action of a delivery and returns its outcome. Throws LeaseLost, and when the store fails. */
import type { Step } from '../../mapping/steps.ts';
import type { Unreadable } from '../ports/zitadel.ts';
import { userNameOfPlannedCalls } from '../row/in-flight-name.ts';
import { readBack, readBackHidden } from '../row/observe.ts';
import { markInFlight } from '../row/transitions.ts';
import type { Row } from '../row/types.ts';
import { isSameRow, normalizedUserName } from '../row/views.ts';
import type { DeliveryContext, LeasedRow } from './context.ts';
import type { Action, Happened } from './decide.ts';
import { answerOthers, postpone, postponeInDoubt, recordRound, rest, vanish } from './record-outcome.ts';
import { withGiven, withRights } from './rights.ts';
import { runSteps } from './run-steps.ts';
import { awaitUserName } from './username-order.ts';

export async function perform(
  context: DeliveryContext,
  leased: LeasedRow,
  action: Exclude<Action, { kind: 'done' }>,
): Promise<Happened> {
  switch (action.kind) {
    case 'readBack':
      return performReadBack(context, leased, action.takenOver);
    case 'readRights':
      return performReadRights(context, leased, action.row);
    case 'lookUpHolder':
      return { kind: 'holderFound', name: action.name, isOwn: await isOwnName(context, leased, action.name) };
    case 'awaitUserName': {
      const { row, name } = action;
      return { kind: 'nameAwaited', name, turn: await awaitUserName(context, leased, row, name) };
    }
    case 'sendSteps':
      return performSteps(context, leased, action);
    case 'record': {
      const apart = await recordRound(context, leased, action);
      return { kind: 'recorded', row: action.row, round: action.round, apart };
    }
    case 'postpone':
      await postpone(context, leased, action);
      return { kind: 'postponed', row: action.row, why: action.why };
    case 'postponeInDoubt':
      await postponeInDoubt(context, leased, action);
      return OVER;
    case 'answerOthers':
      await answerOthers(context, leased, action);
      return OVER;
    case 'rest':
      await rest(context, leased, action.row);
      return OVER;
    case 'vanish':
      await vanish(context, leased, action.row);
      return OVER;
  }
}

const OVER = { kind: 'over' } as const;

async function performReadBack(
  { clock, timing }: DeliveryContext,
  { key, target, update }: LeasedRow,
  takenOver: boolean,
): Promise<Happened> {
  const answer = await target.zitadel.read(key.id);
  if (answer.kind === 'retry' || answer.kind === 'blocked') return { kind: 'unreadable', why: answer };
  await update((now) => {
    const how = { now: clock(), timing, takenOver: takenOver && now.calling !== null };
    if (answer.kind === 'hidden') return readBackHidden(now, how);
    return readBack(now, answer.kind === 'found' ? answer.reading : null, how);
  });
  return { kind: 'readBack' };
}

/** Reads a user's rights. Lists do not show the latest calls yet. */
async function performReadRights(
  { clock, timing }: DeliveryContext,
  { key, target, update }: LeasedRow,
  { rights }: Row,
): Promise<Happened> {
  const asked = clock();
  const answer = await target.zitadel.rights(key.id);
  if (answer.kind !== 'found') return { kind: 'rightsUnreadable', why: answer };
  let isOld = false;
  await update((now) => {
    const read = withRights(now, answer.facts, asked, timing);
    isOld = read === undefined;
    return read ?? now;
  });
  return isOld
    ? { kind: 'rightsUnreadable', why: listsLag((rights.sent + timing.listLagMs - asked) / 1000) }
    : { kind: 'rightsRead' };
}

const listsLag = (seconds: number): Unreadable => ({
  kind: 'retry',
  definite: true,
  cause: 'answer',
  reason: 'rights-are-listed-late',
  retryAfter: Math.ceil(seconds),
});

async function isOwnName({ store }: DeliveryContext, { key, target }: LeasedRow, name: string): Promise<boolean> {
  const holder = await store.reservedBy(target.unique.instance, normalizedUserName(name));
  return holder === undefined || isSameRow(holder, key);
}

async function performSteps(
  context: DeliveryContext,
  leased: LeasedRow,
  { row, steps, marked }: Extract<Action, { kind: 'sendSteps' }>,
): Promise<Happened> {
  const { clock, timing } = context;
  const { rules } = leased.target;
  const noting = (now: Row): Row => (rules === undefined ? now : withGiven(now, steps, rules));
  const dueAt = clock() + timing.leaseMs;
  if (!marked || noting(row) !== row)
    await leased.update((now) => noting(marked ? now : calling(now, row, steps, dueAt)), true);
  const at = clock();
  return { kind: 'sent', row, round: await runSteps(context, leased, row, steps), at };
}

/** Durable before the first call: its outcome is in doubt from now on. */
function calling(now: Row, { pending: changes }: Row, steps: readonly Step[], dueAt: number): Row {
  const revision = Math.max(0, ...changes.map((change) => change.revision));
  return markInFlight(now, { revision, userName: userNameOfPlannedCalls(now, steps), dueAt });
}
