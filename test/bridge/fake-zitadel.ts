/** A ZITADEL in memory that fails as it is told: the model of test/mapping behind the bridge's own port. */
import type { Guarded, Outcome, Reading, Zitadel } from '../../src/bridge/ports.ts';
import { BridgeError } from '../../src/errors.ts';
import { type Facts, isMetadata } from '../../src/mapping/facts.ts';
import type { Step } from '../../src/mapping/steps.ts';
import { applyStep } from '../mapping/zitadel-model.ts';

/** What becomes of one call: ok; never sent; sent and lost before or after it was applied. */
export type Fate = 'ok' | 'unsent' | 'lost' | 'applied';

export interface FakeZitadel extends Zitadel {
  /** Somebody changed users past the bridge: their sequence moves. */
  move(): void;
  readonly people: Map<string, Facts>;
  /** From now on lists show what they show now. */
  lag(): void;
  /** every step that was sent, applied or not */
  readonly sent: { readonly id: string; readonly step: Step }[];
}

const away = (definite: boolean): Outcome => ({ kind: 'retry', definite, reason: 'UNAVAILABLE' });

const NOBODY: Guarded = { reasons: new Map(), activeOwners: new Set() };

/** A title that ZITADEL refuses. */
export const REFUSED = 'refused';

/** Each call takes the next fate; when none is left all is well. */
export function createFakeZitadel(fates: Fate[], guarded: () => Guarded = () => NOBODY): FakeZitadel {
  const fate = (): Fate => fates.shift() ?? 'ok';
  const people = new Map<string, Facts>();
  const sent: { id: string; step: Step }[] = [];
  let sequence = 0;
  let stale: readonly Reading[] | undefined;
  const listed = (): readonly Reading[] => [...people].map(([id, facts]) => reading(id, facts));
  const reading = (id: string, facts: Facts): Reading => ({
    id,
    facts,
    sequence: String(sequence),
    created: 1,
    changed: 1,
  });

  return {
    people,
    sent,
    move: () => void (sequence += 1),
    async run(id, step, proceed) {
      const will = fate();
      if (will === 'unsent' || !(await proceed())) return away(true);
      sent.push({ id, step });
      if (will === 'lost') return away(false);
      const outcome = apply(id, step);
      return will === 'applied' && outcome.kind === 'done' ? away(false) : outcome;
    },
    async read(id) {
      if (fate() !== 'ok') return { kind: 'retry', definite: true, reason: 'UNAVAILABLE' };
      const facts = people.get(id);
      return facts === undefined ? { kind: 'gone' } : { kind: 'found', reading: reading(id, facts) };
    },
    find: async () => [],
    lag: () => void (stale = listed()),
    async *users() {
      yield stale ?? listed();
    },
    metadata: async (id) =>
      Object.fromEntries(Object.entries(people.get(id) ?? {}).filter(([name]) => isMetadata(name))),
    guarded: async () => guarded(),
    passwordRules: async () => ({ minLength: 1, uppercase: false, lowercase: false, number: false, symbol: false }),
  };

  function apply(id: string, step: Step): Outcome {
    if (Object.values(step.set).includes(REFUSED))
      return { kind: 'refused', error: new BridgeError(400, 'title is refused', { scimType: 'invalidValue' }) };
    const user = people.get(id) ?? null;
    if (user === null && step.call !== 'CreateUser') return { kind: 'gone' };
    if (user !== null && step.call === 'CreateUser') return { kind: 'replan', reason: 'exists' };
    sequence += 1;
    const next = applyStep(user, step);
    if (next === null) people.delete(id);
    else people.set(id, next);
    return { kind: 'done' };
  }
}
