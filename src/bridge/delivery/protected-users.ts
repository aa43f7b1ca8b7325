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

/** Not now: ZITADEL is away, or has other rights of the user than were planned with. */
type Waits = Extract<Outcome, { kind: 'retry' | 'replan' }>;

/** Bars a step, or lets it pass (undefined). `known`: of the user. */
export type CheckProtection = (id: string, step: Step, confirmed: Facts | null) => Promise<Refused | Waits | undefined>;

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
  /** Whether no rule gives or takes rights of this user, by what was last read. */
  spares(id: string): boolean;
  /** A call that an earlier process made may still let this user go. */
  mayLeave(id: string): void;
  /** Reads again who is to be guarded. Throws BridgeError 503 when ZITADEL is away. */
  refresh(): Promise<void>;
}

const TOPIC = 'leaving';

export interface ProtectedUsersOptions {
  readonly tenant: string;
  /** told of every removed owner: lists show that late */
  readonly peers: Peers;
  readonly lock: Lock;
  readonly zitadel: Zitadel;
  /** ids that the operator protects */
  readonly protect: readonly string[];
  readonly clock: Clock;
}

/**
 * What was read is good for so long, ms: somebody who became an owner in the console is seen after that at the latest, and many changes
 * in a row do not each ask. Whether an owner is the last one is asked at that moment, whatever was read before.
 */
const MAX_AGE = 10_000;
/** The same for steps after which somebody may be no owner any more, ms: as late as lists show it anyway. */
const OWNERS_AGE = 1_000;
/** Facts of a protected user that SCIM may not touch; DELETE is barred too. */
const PROTECTED_FACTS = new Set(['username', 'email', 'phone', 'password', 'state']);
/** Calls after which somebody can no longer act as owner. */
const LOCKS_OUT: ReadonlySet<StepCall> = new Set<StepCall>(['DeactivateUser', 'LockUser', 'DeleteUser']);
/** Milliseconds that a removed owner counts as gone after its call has ended: an unanswered call may land that late. */
const LEAVING = 30_000;
/** Longest wait for another process that lets an owner go, ms. */
const TURN = 5_000;

export function createProtectedUsers(options: ProtectedUsersOptions): ProtectedUsers {
  const { tenant, peers, lock, zitadel, protect, clock } = options;
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

  /** No rule touches the rights of a protected user, and the last active owner keeps the role that makes it one. */
  async function barRight(id: string, step: Step, confirmed: Facts | null): ReturnType<CheckProtection> {
    if (isSpared(id, (await current(MAX_AGE)).own)) return { kind: 'refused', error: new BridgeError(403, SPARED) };
    if (step.right?.project !== undefined || step.right?.roles.includes(OWNER) !== false) return undefined;
    if (!isOwner(confirmed)) {
      // all roles are replaced: one that was given a moment ago must not go unseen
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
    // whether an owner is the last one is judged by what ZITADEL says now
    if (LOCKS_OUT.has(step.call) && (guarded.activeOwners.has(id) || isOwner(confirmed))) guarded = await current(0);
    // from here on without a pause: the judgement and the note that one leaves are one
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

  /** By what was read last: the bar itself judges by what ZITADEL says now. */
  async function mayLetGo(id: string, step: Step, confirmed: Facts | null): Promise<boolean> {
    if (step.right !== undefined) return takesOwner(step, confirmed);
    if (!LOCKS_OUT.has(step.call)) return false;
    return current(OWNERS_AGE).then(
      ({ activeOwners }) => activeOwners.has(id) || isOwner(confirmed),
      () => false, // nor can the bar judge: it lets nobody pass
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
        // nobody can tell now: what was last read is not acknowledged against
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

/** Whether someone who is an owner would be none after this step. */
const takesOwner = ({ right }: Step, confirmed: Facts | null): boolean =>
  right?.project === undefined && right?.roles.includes(OWNER) === false && isOwner(confirmed);

/** Whether a step only says again what is believed, as a request that names `active` at its value does. */
const isSame = ({ names, after }: Step, confirmed: Facts | null): boolean =>
  after !== null &&
  names
    .filter((name) => PROTECTED_FACTS.has(name))
    .every((name) => name !== 'password' && (confirmed?.[name] ?? null) === (after[name] ?? null));

/** Once it has been read, a step that changes nothing is none. */
const READ_FIRST: Waits = { kind: 'replan', reason: 'a protected user is asked to be what it is' };

const isOwner = (confirmed: Facts | null): boolean => rightsOfFacts(confirmed ?? {}).org.includes(OWNER);

const OWNER = 'ORG_OWNER';

/** The step without taking the owner away; the other roles come and go as they should. */
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
