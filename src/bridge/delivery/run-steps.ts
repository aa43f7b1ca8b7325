/** Runs the steps of a plan in order, as far as ZITADEL accepts them. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import { type FactsChange, isSealed } from '../../mapping/facts.ts';
import { rightsOfFacts } from '../../mapping/rights.ts';
import type { Step } from '../../mapping/steps.ts';
import type { CheckProtection } from './protected-users.ts';
import type { Change, Row } from '../row/types.ts';
import type { Outcome, Unreadable } from '../ports/zitadel.ts';
import type { DeliveryContext, LeasedRow } from './context.ts';
import type { Target } from './target.ts';
import { noteUnavailable, type TenantAvailability } from './tenant-availability.ts';
import { emptyRound, type Round } from '../row/round.ts';
import { backoff } from '../timing.ts';

/** Another process is removing an owner at the moment. */
const WAITS = { kind: 'retry', definite: true, cause: 'answer', reason: 'another-owner-is-let-go' } as const;

interface Tried {
  readonly barred: Awaited<ReturnType<CheckProtection>>;
  readonly outcome: Outcome;
}

/** A step that is refused or not permitted affects only its own facts; an outage ends the round. */
export async function runSteps(
  context: DeliveryContext,
  leased: LeasedRow,
  row: Row,
  steps: readonly Step[],
): Promise<Round> {
  const { availability, rolesOf } = leased.target;
  let round = emptyRound(row);
  const rest = [...steps];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    const step = withoutSealed(next);
    if (step !== next) round = { ...round, refusals: [...round.refusals, { names: ['password'], error: UNREADABLE }] };
    if (step === undefined) continue;
    const { barred, outcome } = await tryStep(context, leased, row, step);
    if (barred?.kind === 'refused' && barred.instead !== undefined && changes(barred.instead, row))
      rest.unshift(barred.instead);
    round = { ...round, calls: [...round.calls, `${step.call}:${outcome.kind}`] };
    if (outcome.kind === 'blocked') {
      const suspended = await whySuspended(availability, outcome);
      if (suspended !== undefined) return { ...round, end: suspended };
    }
    if (outcome.kind === 'retry') noteUnavailable(availability, outcome, backoff(row.attempts + 1, context.timing));
    const after = withOutcome(round, row, step, outcome);
    if (after.isOver) return after.round;
    ({ round } = after);
    if (outcome.kind === 'refused' && step.right !== undefined && barred === undefined)
      rest.unshift(...(await possible(step, row, rolesOf)));
  }
  return round;
}

/** Runs one step, unless the user is protected from it. */
async function tryStep(
  { store, waiters, timing }: DeliveryContext,
  { target: { zitadel, checkProtection, withOwnerLock }, lease }: LeasedRow,
  row: Row,
  step: Step,
): Promise<Tried> {
  const revisions = row.pending.map(({ revision }) => revision);
  const proceed = async (): Promise<boolean> =>
    (await store.prove(lease, timing.leaseMs)) && waiters.sending(row, revisions);
  const from = row.pending.some(isWaitedFor) ? 'request' : 'queue';
  const attempt = async (): Promise<Tried> => {
    const barred = await checkProtection(row.id, step, row.confirmed);
    return { barred, outcome: barred ?? (await zitadel.run(row.id, step, proceed, from)) };
  };
  if (withOwnerLock === undefined) return attempt();
  return (await withOwnerLock(row.id, step, row.confirmed, attempt)) ?? { barred: WAITS, outcome: WAITS };
}

/** The client has not been told anything yet. */
const isWaitedFor = ({ acknowledged, abandoned }: Change): boolean => !acknowledged && abandoned !== true;

/** Whether the whole tenant is affected, or cannot be checked; undefined: only this call is not permitted. */
async function whySuspended(availability: TenantAvailability, blocked: Unreadable): Promise<Unreadable | undefined> {
  const isSuspended = await availability.checkToken();
  if (isSuspended === false) return undefined;
  return isSuspended === true || isSuspended.kind !== 'retry' ? blocked : { ...isSuspended, definite: true };
}

/** The round with the outcome of a step. isOver: the remaining steps are skipped. Pure. */
function withOutcome(
  round: Round,
  row: Row,
  step: Step,
  outcome: Outcome,
): { readonly round: Round; readonly isOver: boolean } {
  const isRight = step.right !== undefined;
  // the remaining steps have no user to apply to
  const isLast = step.call === 'CreateUser' || step.after === null;
  const over = (more: Partial<Round>): ReturnType<typeof withOutcome> => ({
    round: { ...round, ...more },
    isOver: true,
  });
  switch (outcome.kind) {
    case 'refused': {
      const refusal = { names: step.names, error: outcome.error, ...(isRight ? { right: step.after ?? {} } : {}) };
      return { round: { ...round, refusals: [...round.refusals, refusal] }, isOver: isLast };
    }
    case 'done':
    case 'already': {
      if (step.after === null) return over({ removed: true });
      const after = { ...step.after, ...(outcome.kind === 'done' ? outcome.after : {}) };
      return { round: { ...round, after: [...round.after, after] }, isOver: false };
    }
    case 'gone':
      if (step.after === null) return over({ removed: true });
      // only GetUserByID and DeleteUser prove that a user is gone: read it, then plan again
      return over({ end: { kind: 'replan', reason: `${step.call}: not found`, right: isRight } });
    case 'blocked': {
      const left = { names: isLast ? allNames(row) : step.names, why: outcome };
      return { round: { ...round, left: [...round.left, left] }, isOver: isLast };
    }
    case 'retry':
      // no other change waits for a right that ZITADEL cannot set now
      if (isRight && outcome.definite && outcome.cause === 'answer')
        return { round: { ...round, left: [...round.left, { names: step.names, why: outcome }] }, isOver: false };
      if (outcome.definite) return over({ end: outcome });
      return over({ end: outcome, open: isRight ? {} : carried(step), openRight: isRight });
    case 'replan':
      return over({ end: { ...outcome, right: isRight } });
  }
}

/** A password that needs another key does not affect other facts. */
const UNREADABLE = new BridgeError(
  400,
  'the password was not set: its hash could not be decrypted, PASSWORD_KEY is another one than when it was kept; set the password again',
  { scimType: 'invalidValue' },
);

/** The step without a hash that cannot be decrypted; undefined if it had no other content. */
function withoutSealed(step: Step): Step | undefined {
  const { password, ...set } = step.set;
  if (typeof password !== 'string' || !isSealed(password)) return step;
  if (Object.keys(set).length === 0) return undefined;
  return { ...step, set, names: step.names.filter((name) => name !== 'password') };
}

/**
 * What remains possible of an entry that was refused as a whole: one missing role must prevent neither granting nor
 * revoking the others.
 */
async function possible(step: Step, { confirmed }: Row, rolesOf: Target['rolesOf']): Promise<readonly Step[]> {
  const [fact] = step.names;
  const { project, roles = [] } = step.right ?? {};
  if (fact === undefined || step.call.startsWith('Delete')) return [];
  const rights = rightsOfFacts(confirmed ?? {});
  const entry = project === undefined ? { id: null, roles: rights.org } : rights.projects.get(project);
  const there = project === undefined ? undefined : await rolesOf?.(project);
  const given = there === undefined ? [] : roles.filter((role) => there.includes(role));
  const kept = roles.filter((role) => entry?.roles.includes(role));
  const some = given.length > kept.length && given.length < roles.length ? given : kept;
  if (some.length === roles.length || stableJson(some) === stableJson(entry?.roles ?? [])) return [];
  const own = project === undefined ? some : { id: entry?.id ?? null, roles: some };
  if (some.length > 0)
    return [{ ...step, right: { ...step.right, roles: some }, after: { [fact]: JSON.stringify(own) } }];
  const call = project === undefined ? 'DeleteAdministrator' : 'DeleteAuthorization';
  return [{ ...step, call, right: { ...step.right, roles: [] }, after: { [fact]: null } }];
}

/** Whether a step would change the confirmed facts. */
const changes = ({ after }: Step, { confirmed }: Row): boolean =>
  Object.entries(after ?? {}).some(([fact, value]) => (confirmed?.[fact] ?? null) !== value);

/** An edit needs the create before it, and a delete covers everything requested before it. */
const allNames = ({ pending: changes }: Row): readonly string[] => [
  'gone',
  ...changes.flatMap(({ facts }) => Object.keys(facts)),
];

/** What a call may change if it is applied late. */
const carried = ({ set, after }: Step): FactsChange => ({ ...after, ...set });
