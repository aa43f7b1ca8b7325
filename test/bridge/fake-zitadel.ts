import type { ProtectedByZitadel, Outcome, Reading, Standing, Zitadel } from '../../src/bridge/ports/zitadel.ts';
import { BridgeError } from '../../src/errors.ts';
import { type Facts, isMetadata } from '../../src/mapping/facts.ts';
import type { Step } from '../../src/mapping/steps.ts';
import { createFakeRights, type FakeRights } from './fake-rights.ts';
import { applyStep } from '../mapping/zitadel-model.ts';

/**
 * What becomes of one call: ok; never sent; sent and lost before or after it was applied; never answered and applied
 * later (`land`); answered that it failed; not permitted; too many calls; it waits for a slot until `freeSlots`.
 */
export type Fate = 'ok' | 'waits' | 'unsent' | 'lost' | 'applied' | 'late' | 'failed' | 'barred' | 'limited';

export interface FakeZitadel extends Zitadel {
  /** Somebody changed users past the bridge: their sequence moves. */
  move(): void;
  readonly people: Map<string, Facts>;
  /** ids that reads and lists have lost: commands still know them */
  readonly lost: Set<string>;
  /** the next user that is made is lost at once */
  losesNext: boolean;
  readonly rightsHeld: FakeRights;
  /** From now on lists show what they show now. */
  lag(): void;
  /** Lists show what is. */
  catchUp(): void;
  /** Calls that were never answered are applied now. */
  land(): void;
  /** Calls that wait for a slot go on. */
  freeSlots(): void;
  /** some of them were not applied yet */
  hasLate(): boolean;
  /** every step that was sent, applied or not */
  readonly sent: { readonly id: string; readonly step: Step }[];
  /** ids that were created with effect, in order */
  readonly created: string[];
  /** the circuit breaker is open */
  isDown: boolean;
  standingNow: Standing;
  /** how often the standing was asked for */
  asked(): number;
  /** fates of the next calls */
  fates: Fate[];
}

const away = (
  definite: boolean,
  cause: 'away' | 'limited' | 'answer' = 'away',
): Extract<Outcome, { kind: 'retry' }> => ({
  kind: 'retry',
  definite,
  cause,
  reason: 'UNAVAILABLE',
});

/** The id under which steps on the holder are sent. */
export const HOLDER = 'holder';
const ALL_PERMISSIONS = [
  'org.member.read',
  'org.member.write',
  'org.member.delete',
  'user.grant.read',
  'user.grant.write',
  'project.role.write',
];
const PROJECT_ROLES = ['editor', 'reader', 'guest'];

const NOBODY: ProtectedByZitadel = { reasons: new Map(), activeOwners: new Set() };

/** A title that ZITADEL refuses. */
export const REFUSED = 'refused';

/** Each call takes the next fate; when none is left all is well. */
export function createFakeZitadel(
  fates: Fate[],
  guarded: () => ProtectedByZitadel = () => NOBODY,
  clock: () => number = Date.now,
): FakeZitadel {
  const people = new Map<string, Facts>();
  const lost = new Set<string>();
  const rightsHeld = createFakeRights(clock, (id) => people.has(id));
  const sent: { id: string; step: Step }[] = [];
  const created: string[] = [];
  let late: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  let sequence = 0;
  let standings = 0;
  let stale: readonly Reading[] | undefined;
  const listed = (): readonly Reading[] =>
    [...people].flatMap(([id, facts]) => (lost.has(id) ? [] : [reading(id, facts)]));
  const reading = (id: string, facts: Facts): Reading => ({
    id,
    facts,
    sequence: String(sequence),
    created: 1,
    changed: 1,
  });
  const fate = (): Fate => (fake.isDown ? 'unsent' : (fake.fates.shift() ?? 'ok'));

  const fake: FakeZitadel = {
    people,
    lost,
    losesNext: false,
    rightsHeld,
    sent,
    created,
    fates,
    isDown: false,
    standingNow: { kind: 'able' },
    move: () => void (sequence += 1),
    land() {
      const landing = late;
      late = [];
      for (const apply of landing) apply();
    },
    freeSlots() {
      for (const go of waiting.splice(0)) go();
    },
    hasLate: () => late.length > 0,
    away: () => (fake.isDown ? 'breaker-open' : undefined),
    standing: async () => {
      standings += 1;
      return fake.standingNow;
    },
    asked: () => standings,
    inspect: async () => ({ permissions: [], sees: { instanceRoles: false, organizationRoles: false }, problems: [] }),
    run: (id, step, proceed) => send(id, step, proceed, () => apply(id, step)),
    groupStore: {
      run: (step, proceed) => send(HOLDER, step, proceed, () => rightsHeld.define(step)),
      read: async () => (fate() === 'ok' ? rightsHeld.readHolder() : away(true)),
    },
    rights: async (id) => (fate() === 'ok' ? rightsHeld.list(id) : away(true)),
    async allRights() {
      if (fake.isDown) throw new BridgeError(503, 'away', { retryAfter: 1 });
      return rightsHeld.listAll();
    },
    async catalogue(projects) {
      if (fake.isDown) throw new BridgeError(503, 'away', { retryAfter: 1 });
      return {
        permissions: ALL_PERMISSIONS,
        orgRoles: undefined,
        projects: new Map(projects.map((project) => [project, PROJECT_ROLES])),
      };
    },

    async read(id) {
      if (fate() !== 'ok') return away(true);
      const facts = people.get(id);
      if (facts === undefined) return { kind: 'gone' };
      return lost.has(id) ? { kind: 'hidden' } : { kind: 'found', reading: reading(id, facts) };
    },
    find: async () => [],
    lag() {
      stale = listed();
      rightsHeld.lags = true;
    },
    catchUp() {
      stale = undefined;
      rightsHeld.lags = false;
    },
    async *users() {
      yield stale ?? listed();
    },
    metadata: async (id) =>
      Object.fromEntries(Object.entries(people.get(id) ?? {}).filter(([name]) => isMetadata(name))),
    protectedUsers: async () => guarded(),
    passwordRules: async () => ({ minLength: 1, uppercase: false, lowercase: false, number: false, symbol: false }),
  };
  return fake;

  async function send(
    id: string,
    step: Step,
    proceed: () => Promise<boolean>,
    carryOut: () => Outcome,
  ): Promise<Outcome> {
    const will = fate();
    if (will === 'waits') await new Promise<void>((resolve) => waiting.push(resolve));
    if (will === 'unsent' || !(await proceed())) return away(true);
    sent.push({ id, step });
    switch (will) {
      case 'lost':
        return away(false);
      case 'failed':
        return away(false, 'answer');
      case 'limited':
        return away(true, 'limited');
      case 'barred':
        return { kind: 'blocked', reason: 'PERMISSION_DENIED' };
      case 'late':
        late.push(() => void carryOut());
        return away(false);
      default: {
        const outcome = carryOut();
        return will === 'applied' && outcome.kind === 'done' ? away(false) : outcome;
      }
    }
  }

  function apply(id: string, step: Step): Outcome {
    if (step.right !== undefined) return rightsHeld.apply(id, step);
    if (Object.values(step.set).includes(REFUSED))
      return { kind: 'refused', error: new BridgeError(400, 'title is refused', { scimType: 'invalidValue' }) };
    const user = people.get(id) ?? null;
    if (user === null && step.call === 'DeleteUser') return { kind: 'gone' };
    if (user === null && step.call !== 'CreateUser') return { kind: 'gone' };
    if (user !== null && step.call === 'CreateUser') return { kind: 'replan', reason: 'exists' };
    const name = step.call === 'CreateUser' || step.call === 'UpdateUser' ? step.set['username'] : undefined;
    if (typeof name === 'string' && isTaken(name, id))
      return { kind: 'refused', error: new BridgeError(409, 'userName is taken', { scimType: 'uniqueness' }) };
    sequence += 1;
    if (user === null) created.push(id);
    if (user === null && fake.losesNext) lost.add(id);
    if (user === null) fake.losesNext = false;
    const next = applyStep(user, step);
    if (next === null) {
      people.delete(id);
      rightsHeld.remove(id);
    } else people.set(id, next);
    return { kind: 'done' };
  }

  function isTaken(name: string, id: string): boolean {
    const same = (facts: Facts): boolean => facts['username']?.toLowerCase() === name.toLowerCase();
    return [...people].some(([other, facts]) => other !== id && same(facts));
  }
}
