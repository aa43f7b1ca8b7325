/** Protected users: checked at delivery, so that delayed changes are checked as well. */
import { BridgeError } from '../../errors.ts';
import type { Facts } from '../../mapping/facts.ts';
import { ORG_RIGHT, rightsOfFacts } from '../../mapping/rights.ts';
import type { Step, StepCall } from '../../mapping/steps.ts';
import type { Lock } from './exclusive.ts';
import { ALONE, type Peers } from '../ports/peers.ts';
import type { Change } from '../row/types.ts';
import type { Clock } from '../ports/context.ts';
import type { ProtectedByZitadel, Outcome, Zitadel } from '../ports/zitadel.ts';

/** Refused; the step performs the remainder. */
type Refused = Extract<Outcome, { kind: 'refused' }> & { readonly instead?: Step };

/** Not now: ZITADEL is unreachable, or the user's rights differ from the planned ones. */
type Waits = Extract<Outcome, { kind: 'retry' | 'replan' }>;

/** Refuses a step, or allows it (undefined). `known`: the user's confirmed facts. */
export type CheckProtection = (id: string, step: Step, confirmed: Facts | null) => Promise<Refused | Waits | undefined>;

/**
 * Runs `work`, which refuses or performs the step. Removals of organization owners are serialised across processes:
 * undefined if another process did not finish its removal in time.
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
  /** Refuses a change that would be acknowledged before it is sent, by what was last read. */
  refusalFor(id: string, change: Pick<Change, 'kind' | 'facts'>): BridgeError | undefined;
  /** Whether rules leave this user's rights alone, by what was last read. */
  spares(id: string): boolean;
  /** A call of an earlier process may still remove this owner. */
  mayLeave(id: string): void;
  /** Reads the protected users again. Throws BridgeError 503 when ZITADEL is unreachable. */
  refresh(): Promise<void>;
}

const TOPIC = 'leaving';

export interface ProtectedUsersOptions {
  readonly tenant: string;
  /** called for every removed owner: lists show that late */
  readonly peers: Peers;
  readonly lock: Lock;
  readonly zitadel: Zitadel;
  /** ids that the operator protects */
  readonly protect: readonly string[];
  readonly clock: Clock;
}

/**
 * Validity of what was read, ms: limits how late a new owner from the console is noticed, and spares calls when many
 * changes follow each other. Whether an owner is the last one is always read anew.
 */
const MAX_AGE = 10_000;
/** The same after steps that may have removed an owner, ms: lists show it no sooner anyway. */
const OWNERS_AGE = 1_000;
/** Facts of a protected user that SCIM must not change; DELETE is refused too. */
const PROTECTED_FACTS = new Set(['username', 'email', 'phone', 'password', 'state']);
/** Calls after which a user can no longer act as owner. */
const LOCKS_OUT: ReadonlySet<StepCall> = new Set<StepCall>(['DeactivateUser', 'LockUser', 'DeleteUser']);
/** How long a removed owner counts as gone after the call ended, ms: an unanswered call may be applied that late. */
const LEAVING = 30_000;
/** Longest wait for another process that is removing an owner, ms. */
const TURN = 5_000;

export function createProtectedUsers(options: ProtectedUsersOptions): ProtectedUsers {
  const { tenant, peers, lock, zitadel, protect, clock } = options;
  let read: { readonly guarded: ProtectedByZitadel; readonly at: number } | undefined;
  let reading: Promise<ProtectedByZitadel> | undefined;
  /** owners whose deactivation was allowed, and when: prevents concurrent removal of the last two */
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

  function isLeaving(id: string): boolean {
    const at = leaving.get(id);
    if (at === undefined) return false;
    if (clock() - at <= LEAVING) return true;
    leaving.delete(id);
    return false;
  }

  const isLastOwner = (id: string, owners: ReadonlySet<string>): boolean =>
    [...owners].every((owner) => owner === id || isLeaving(owner));

  const isSpared = (id: string, own: string | undefined): boolean => id === own || protect.includes(id);

  /** Rules never change a protected user's rights, and the last active owner keeps the owner role. */
  async function barRight(id: string, step: Step, confirmed: Facts | null): ReturnType<CheckProtection> {
    if (isSpared(id, (await current(MAX_AGE)).own)) return { kind: 'refused', error: new BridgeError(403, SPARED) };
    if (step.right?.project !== undefined || step.right?.roles.includes(OWNER) !== false) return undefined;
    if (!isOwner(confirmed)) {
      // all roles are replaced: a recently assigned one must not be overlooked
      if (step.call === 'CreateAdministrator' || isLeaving(id)) return undefined;
      const isGiven = (await current(OWNERS_AGE)).activeOwners.has(id) && (await current(0)).activeOwners.has(id);
      return isGiven ? { kind: 'replan', reason: 'it has become ORG_OWNER' } : undefined;
    }
    const { activeOwners } = await current(0);
    if (!activeOwners.has(id)) return undefined;
    if (isLastOwner(id, activeOwners)) {
      const error = new BridgeError(403, `the role ORG_OWNER stays: ${LAST_OWNER}`);
      return { kind: 'refused', error, instead: keepingOwner(step, confirmed) };
    }
    leaves(id);
    return undefined;
  }

  async function barUser(id: string, step: Step, confirmed: Facts | null): ReturnType<CheckProtection> {
    if (!touchesProtected(step)) return undefined;
    const refused = (reason: string): Refused | Waits => (isSame(step, confirmed) ? READ_FIRST : forbidden(reason));
    if (protect.includes(id)) return refused(LISTED);
    let guarded = await current(LOCKS_OUT.has(step.call) ? OWNERS_AGE : MAX_AGE);
    // whether an owner is the last one is decided by a fresh read
    if (LOCKS_OUT.has(step.call) && (guarded.activeOwners.has(id) || isOwner(confirmed))) guarded = await current(0);
    // no await from here on: the check and the note of the removal must be atomic
    const reason = guarded.reasons.get(id);
    if (reason !== undefined) return refused(reason);
    const owns = guarded.activeOwners.has(id);
    if (owns && isLastOwner(id, guarded.activeOwners)) return refused(LAST_OWNER);
    if (owns && LOCKS_OUT.has(step.call)) leaves(id);
    return undefined;
  }

  /** Why a user is protected, by what was last read; undefined: they are not. */
  function lastRead(id: string): string | undefined {
    if (protect.includes(id)) return LISTED;
    const { reasons, activeOwners } = read?.guarded ?? {};
    const isLast = activeOwners?.has(id) === true && isLastOwner(id, activeOwners);
    return reasons?.get(id) ?? (isLast ? LAST_OWNER : undefined);
  }

  /** By what was last read: the check at delivery reads ZITADEL again. */
  async function mayLetGo(id: string, step: Step, confirmed: Facts | null): Promise<boolean> {
    if (step.right !== undefined) return takesOwner(step, confirmed);
    if (!LOCKS_OUT.has(step.call)) return false;
    return current(OWNERS_AGE).then(
      ({ activeOwners }) => activeOwners.has(id) || isOwner(confirmed),
      () => false, // if the read fails, the check at delivery refuses every removal as well
    );
  }

  /** A removed owner counts as gone for a while after its call has ended, however long that took. */
  async function noted<T>(id: string, step: Step, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if ((LOCKS_OUT.has(step.call) || step.right !== undefined) && isLeaving(id)) leaves(id);
    }
  }

  return {
    async withOwnerLock(id, step, confirmed, work) {
      const all = (): ReturnType<typeof work> => noted(id, step, work);
      if (peers === ALONE || !(await mayLetGo(id, step, confirmed))) return all();
      return lock.within(`owners:${tenant}`, TURN, all);
    },
    async checkProtection(id, step, confirmed) {
      try {
        return await (step.right === undefined ? barUser(id, step, confirmed) : barRight(id, step, confirmed));
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        // cannot be read now: a user protected by the last read is not acknowledged
        const lastSaid = step.right === undefined && touchesProtected(step) ? lastRead(id) : undefined;
        if (lastSaid !== undefined && !isSame(step, confirmed)) return forbidden(lastSaid);
        return { kind: 'retry', definite: true, cause: 'away', reason: error.message };
      }
    },
    refusalFor(id, { kind, facts }) {
      const touches = kind === 'delete' || Object.keys(facts).some((name) => PROTECTED_FACTS.has(name));
      if (kind === 'create' || !touches) return undefined;
      const reason = lastRead(id);
      return reason === undefined ? undefined : forbidden(reason).error;
    },
    spares: (id) => isSpared(id, read?.guarded.own),
    mayLeave: (id) => void leaving.set(id, clock()),
    refresh: async () => void (await now()),
  };
}

const touchesProtected = ({ call, after, names }: Step): boolean =>
  call !== 'CreateUser' && (after === null || names.some((name) => PROTECTED_FACTS.has(name)));

/** Whether an owner would stop being one after this step. */
const takesOwner = ({ right }: Step, confirmed: Facts | null): boolean =>
  right?.project === undefined && right?.roles.includes(OWNER) === false && isOwner(confirmed);

/** Whether a step only repeats confirmed facts, e.g. a request that names `active` at its current value. */
const isSame = ({ names, after }: Step, confirmed: Facts | null): boolean =>
  after !== null &&
  names
    .filter((name) => PROTECTED_FACTS.has(name))
    .every((name) => name !== 'password' && (confirmed?.[name] ?? null) === (after[name] ?? null));

/** After a fresh read, a step that changes nothing is omitted. */
const READ_FIRST: Waits = { kind: 'replan', reason: 'a protected user is asked to be what it is' };

const isOwner = (confirmed: Facts | null): boolean => rightsOfFacts(confirmed ?? {}).org.includes(OWNER);

const OWNER = 'ORG_OWNER';

/** The step without removing the owner role; other roles change as planned. */
function keepingOwner(step: Step, confirmed: Facts | null): Step {
  const held = rightsOfFacts(confirmed ?? {}).org;
  const roles = held.filter((role) => role === OWNER || step.right?.roles.includes(role) === true);
  for (const role of step.right?.roles ?? []) if (!roles.includes(role)) roles.push(role);
  return { ...step, call: 'UpdateAdministrator', right: { roles }, after: { [ORG_RIGHT]: JSON.stringify(roles) } };
}

const LAST_OWNER = 'it is the last person who is an active ORG_OWNER of the organization';
const LISTED = 'it is listed under `protect`';
const SPARED = 'this user is protected: no rule gives or takes its roles; change them in ZITADEL';

function forbidden(reason: string): Extract<Outcome, { kind: 'refused' }> {
  const what = 'userName, e-mail, phone, password, active and DELETE are refused; change them in ZITADEL';
  return { kind: 'refused', error: new BridgeError(403, `this user is protected (${reason}): ${what}`) };
}
