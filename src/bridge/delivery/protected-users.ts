/** Who must not be locked out: checked at delivery, so that a change that waited is checked as well. */
import { BridgeError } from '../../errors.ts';
import type { Facts } from '../../mapping/facts.ts';
import { ORG_RIGHT, rightsOfFacts } from '../../mapping/rights.ts';
import type { Step, StepCall } from '../../mapping/steps.ts';
import type { Lock } from './exclusive.ts';
import { ALONE, type Peers } from '../ports/peers.ts';
import type { Change } from '../row/types.ts';
import type { Clock } from '../ports/context.ts';
import type { ProtectedByZitadel, Outcome, Zitadel } from '../ports/zitadel.ts';

/** Refused, with the step that does the rest of it. */
type Refused = Extract<Outcome, { kind: 'refused' }> & { readonly instead?: Step };

/** Bars a step, or lets it pass (undefined). `known`: of the user. */
export type CheckProtection = (
  id: string,
  step: Step,
  confirmed: Facts | null,
) => Promise<Refused | Extract<Outcome, { kind: 'retry' }> | undefined>;

/**
 * Does `work`, which bars the step or takes it. Of one that may let an owner go it is all done before another process lets one go:
 * undefined when that did not come to an end in time.
 */
export type WithOwnerLock = <T>(
  id: string,
  step: Step,
  known: Facts | null,
  work: () => Promise<T>,
) => Promise<T | undefined>;

export interface ProtectedUsers {
  readonly checkProtection: CheckProtection;
  readonly withOwnerLock: WithOwnerLock;
  /** Bars a change that is answered before it can be sent, by what was last read. */
  refusalFor(id: string, change: Pick<Change, 'kind' | 'facts'>): BridgeError | undefined;
  /** Reads again who is to be guarded. Throws BridgeError 503 when ZITADEL is away. */
  refresh(): Promise<void>;
}

const TOPIC = 'leaving';

export interface ProtectedUsersOptions {
  readonly tenant: string;
  /** told of who is let go: lists show that late */
  readonly peers: Peers;
  readonly lock: Lock;
  readonly zitadel: Zitadel;
  /** ids that the operator protects */
  readonly protect: readonly string[];
  readonly clock: Clock;
  /** what was read is good for so long, ms */
  readonly maxAge: number;
}

/** Facts of a protected user that SCIM may not touch; DELETE is barred too. */
const PROTECTED_FACTS = new Set(['username', 'email', 'phone', 'password', 'state']);
/** Calls after which somebody can no longer act as owner. */
const LOCKS_OUT: ReadonlySet<StepCall> = new Set<StepCall>(['DeactivateUser', 'LockUser', 'DeleteUser']);
/** How long one that was let go counts as gone although ZITADEL does not say so yet, ms: longer than the longest call. */
const LEAVING = 30_000;
/** Longest wait for another process that lets an owner go, ms. */
const TURN = 5_000;

export function createProtectedUsers(options: ProtectedUsersOptions): ProtectedUsers {
  const { tenant, peers, lock, zitadel, protect, clock, maxAge } = options;
  let read: { readonly guarded: ProtectedByZitadel; readonly at: number } | undefined;
  let reading: Promise<ProtectedByZitadel> | undefined;
  /** owners whose deactivation was let pass, and when: two at once must not both be the last but one */
  const leaving = new Map<string, number>();
  peers.listen(TOPIC, (body) => {
    const told = body as { readonly tenant: string; readonly id: string };
    if (told.tenant === tenant) leaving.set(told.id, clock());
  });

  function leaves(id: string): void {
    leaving.set(id, clock());
    peers.tell({ topic: TOPIC, body: { tenant, id } });
  }

  async function now(): Promise<ProtectedByZitadel> {
    const guarded = await zitadel.protectedUsers();
    read = { guarded, at: clock() };
    return guarded;
  }

  /** Read at most `age` ms ago, or now. */
  function current(age: number): Promise<ProtectedByZitadel> {
    if (read !== undefined && age > 0 && clock() - read.at <= age) return Promise.resolve(read.guarded);
    reading ??= now().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  function isLastOwner(id: string, owners: ReadonlySet<string>): boolean {
    for (const [owner, at] of leaving) if (clock() - at > LEAVING) leaving.delete(owner);
    return [...owners].every((owner) => owner === id || leaving.has(owner));
  }

  /** The last active owner keeps the role that makes it one. */
  async function barOwner(id: string, step: Step, confirmed: Facts | null): ReturnType<CheckProtection> {
    try {
      const { activeOwners } = await current(0);
      if (!activeOwners.has(id)) return undefined;
      if (isLastOwner(id, activeOwners)) {
        const error = new BridgeError(403, `the role ORG_OWNER stays: ${LAST_OWNER}`);
        return { kind: 'refused', error, instead: keepingOwner(step, confirmed) };
      }
      leaves(id);
      return undefined;
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return { kind: 'retry', definite: true, cause: 'away', reason: error.message };
    }
  }

  /** By what was read last: the bar itself judges by what ZITADEL says now. */
  async function mayLetGo(id: string, step: Step, confirmed: Facts | null): Promise<boolean> {
    if (step.right !== undefined) return takesOwner(step, confirmed);
    if (!LOCKS_OUT.has(step.call)) return false;
    return current(maxAge).then(
      ({ activeOwners }) => activeOwners.has(id),
      () => false, // nor can the bar judge: it lets nobody pass
    );
  }

  return {
    async withOwnerLock(id, step, confirmed, work) {
      if (peers === ALONE || !(await mayLetGo(id, step, confirmed))) return work();
      return lock.within(`owners:${tenant}`, TURN, work);
    },
    async checkProtection(id, step, confirmed) {
      const touches = step.after === null || step.names.some((name) => PROTECTED_FACTS.has(name));
      if (step.right !== undefined) return takesOwner(step, confirmed) ? barOwner(id, step, confirmed) : undefined;
      if (step.call === 'CreateUser' || !touches) return undefined;
      if (protect.includes(id)) return forbidden('it is listed under `protect`');
      let guarded: ProtectedByZitadel;
      try {
        guarded = await current(maxAge);
        // whether an owner is the last one is judged by what ZITADEL says now
        if (LOCKS_OUT.has(step.call) && guarded.activeOwners.has(id)) guarded = await current(0);
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        return { kind: 'retry', definite: true, cause: 'away', reason: error.message };
      }
      // from here on without a pause: the judgement and the note that one leaves are one
      const reason = guarded.reasons.get(id);
      if (reason !== undefined) return forbidden(reason);
      const owns = guarded.activeOwners.has(id);
      if (owns && isLastOwner(id, guarded.activeOwners)) return forbidden(LAST_OWNER);
      if (owns && LOCKS_OUT.has(step.call)) leaves(id);
      return undefined;
    },
    refusalFor(id, { kind, facts }) {
      const touches = kind === 'delete' || Object.keys(facts).some((name) => PROTECTED_FACTS.has(name));
      if (kind === 'create' || !touches) return undefined;
      if (protect.includes(id)) return forbidden('it is listed under `protect`').error;
      const reason = read?.guarded.reasons.get(id);
      if (reason !== undefined) return forbidden(reason).error;
      const owners = read?.guarded.activeOwners;
      return owners?.has(id) === true && isLastOwner(id, owners) ? forbidden(LAST_OWNER).error : undefined;
    },
    refresh: async () => void (await now()),
  };
}

/** Whether someone who is an owner would be none after this step. */
const takesOwner = ({ right }: Step, confirmed: Facts | null): boolean =>
  right?.project === undefined &&
  right?.roles.includes(OWNER) === false &&
  rightsOfFacts(confirmed ?? {}).org.includes(OWNER);

const OWNER = 'ORG_OWNER';

/** The step without taking the owner away; the other roles come and go as they should. */
function keepingOwner(step: Step, confirmed: Facts | null): Step {
  const held = rightsOfFacts(confirmed ?? {}).org;
  const roles = held.filter((role) => role === OWNER || step.right?.roles.includes(role) === true);
  for (const role of step.right?.roles ?? []) if (!roles.includes(role)) roles.push(role);
  return { ...step, call: 'UpdateAdministrator', right: { roles }, after: { [ORG_RIGHT]: JSON.stringify(roles) } };
}

const LAST_OWNER = 'it is the last active ORG_OWNER of the organization';

function forbidden(reason: string): Extract<Outcome, { kind: 'refused' }> {
  const what = 'userName, e-mail, phone, password, active and DELETE are refused; change them in ZITADEL';
  return { kind: 'refused', error: new BridgeError(403, `this user is protected (${reason}): ${what}`) };
}
