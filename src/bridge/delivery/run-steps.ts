/** Runs the steps of a plan in order, as far as ZITADEL goes along. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import { type FactsChange, isSealed } from '../../mapping/facts.ts';
import { rightsOfFacts } from '../../mapping/rights.ts';
import type { Step } from '../../mapping/steps.ts';
import type { CheckProtection } from './protected-users.ts';
import type { Change, Row } from '../row/types.ts';
import type { Lease, Store } from '../ports/store.ts';
import type { Outcome } from '../ports/zitadel.ts';
import type { Target } from './target.ts';
import { retryAfterOf, type Waiters } from './waiters.ts';
import type { Round } from '../row/round.ts';
import { backoff, type Timing } from '../timing.ts';

export interface RunStepsOptions {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly timing: Timing;
}

/** A refused step takes only its own facts with it, one that is not permitted too; what is unavailable now ends the round. */
export type RunSteps = (target: Target, row: Row, steps: readonly Step[], lease: Lease) => Promise<Round>;

/** The client has not been answered yet. */
const isWaitedFor = ({ acknowledged: answered, abandoned: orphan }: Change): boolean => !answered && orphan !== true;

interface Tried {
  readonly barred: Awaited<ReturnType<CheckProtection>>;
  readonly outcome: Outcome;
}

/** Another process lets an owner go just now. */
const WAITS = { kind: 'retry', definite: true, cause: 'answer', reason: 'another-owner-is-let-go' } as const;
const NOT_ITS_TURN: Tried = { barred: WAITS, outcome: WAITS };

export function createRunSteps({ store, waiters, timing }: RunStepsOptions): RunSteps {
  return async function run(
    { zitadel, checkProtection, withOwnerLock: inTurn, availability, rolesOf },
    row,
    steps,
    lease,
  ) {
    const covered = new Set(row.pending.map(({ revision }) => revision));
    const after: FactsChange[] = [];
    const refusals: Round['refusals'][number][] = [];
    const left: Round['left'][number][] = [];
    const calls: string[] = [];
    const round = (end: Round['end'], over: Partial<Round> = {}): Round => ({
      covered,
      after,
      refusals,
      left,
      calls,
      end,
      open: {},
      openRight: false,
      removed: false,
      ...over,
    });
    const proceed = async (): Promise<boolean> =>
      (await store.prove(lease, timing.leaseMs)) && waiters.sending(row, covered);
    const from = row.pending.some(isWaitedFor) ? 'request' : 'queue';
    const rest = [...steps];
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const step = withoutSealed(next);
      if (step !== next) refusals.push({ names: ['password'], error: UNREADABLE });
      if (step === undefined) continue;
      const one = step;
      const attempt = async (): Promise<Tried> => {
        const barred = await checkProtection(row.id, one, row.confirmed);
        return { barred, outcome: barred ?? (await zitadel.run(row.id, one, proceed, from)) };
      };
      const tried = inTurn === undefined ? await attempt() : await inTurn(row.id, one, row.confirmed, attempt);
      const { barred, outcome } = tried ?? NOT_ITS_TURN;
      if (barred?.kind === 'refused' && barred.instead !== undefined && changes(barred.instead, row))
        rest.unshift(barred.instead);
      calls.push(`${step.call}:${outcome.kind}`);
      const isRight = step.right !== undefined;
      const isLast = step.call === 'CreateUser' || step.after === null;
      switch (outcome.kind) {
        case 'refused':
          refusals.push({
            names: step.names,
            error: outcome.error,
            ...(isRight ? { right: step.after ?? {} } : {}),
          });
          if (isLast) return round(null); // the steps behind it have nobody to work on
          if (isRight && barred === undefined) rest.unshift(...(await possible(step, row, rolesOf)));
          break;
        case 'done':
        case 'already':
          if (step.after === null) return round(null, { removed: true });
          after.push({ ...step.after, ...(outcome.kind === 'done' ? outcome.after : {}) });
          break;
        case 'gone':
          if (step.after === null) return round(null, { removed: true });
          // only GetUserByID and DeleteUser tell for certain that a user is gone: read it, then plan again
          return round({ kind: 'replan', reason: `${step.call}: not found`, right: isRight });
        case 'blocked': {
          const judged = await availability.checkToken();
          if (judged === true) return round(outcome);
          if (judged !== false) return round(judged.kind === 'retry' ? { ...judged, definite: true } : outcome);
          left.push({ names: isLast ? allNames(row) : step.names, why: outcome });
          if (isLast) return round(null);
          break;
        }
        case 'retry':
          if (outcome.cause === 'limited')
            availability.rateLimited(retryAfterOf(outcome) * 1000 || backoff(row.attempts + 1, timing), outcome.reason);
          if (outcome.cause === 'away') availability.unanswered();
          // nobody else waits for a right that ZITADEL answered it cannot set now
          if (isRight && outcome.definite && outcome.cause === 'answer') {
            left.push({ names: step.names, why: outcome });
            break;
          }
          return round(outcome, outcome.definite ? {} : { open: isRight ? {} : carried(step), openRight: isRight });
        case 'replan':
          return round({ ...outcome, right: isRight });
      }
    }
    return round(null);
  };
}

/** A password that only another key decrypts takes nothing else with it. */
const UNREADABLE = new BridgeError(
  400,
  'the password was not set: its hash could not be decrypted, PASSWORD_KEY is another one than when it was kept; set the password again',
  { scimType: 'invalidValue' },
);

/** The step without a hash that cannot be decrypted; undefined when it was for nothing else. */
function withoutSealed(step: Step): Step | undefined {
  const { password, ...set } = step.set;
  if (typeof password !== 'string' || !isSealed(password)) return step;
  if (Object.keys(set).length === 0) return undefined;
  return { ...step, set, names: step.names.filter((name) => name !== 'password') };
}

/**
 * What can be done of an entry that was refused as a whole: one role that is not there keeps no other from being given, and none from
 * being taken away.
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

/** Whether a step would change what is known. */
const changes = ({ after }: Step, { confirmed }: Row): boolean =>
  Object.entries(after ?? {}).some(([fact, value]) => (confirmed?.[fact] ?? null) !== value);

/** Without a create nobody can be edited, and a delete would have covered whatever was asked before it. */
const allNames = ({ pending: changes }: Row): readonly string[] => [
  'gone',
  ...changes.flatMap(({ facts }) => Object.keys(facts)),
];

/** What a call may change when it lands late. */
const carried = ({ set, after }: Step): FactsChange => ({ ...after, ...set });
