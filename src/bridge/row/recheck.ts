/** Unanswered calls may be applied late: which facts they may change, the required values, and when to look. Pure. */
import { type Facts, type FactsChange, withoutFacts } from '../../mapping/facts.ts';
import type { Change, Recheck, Row } from './types.ts';
import type { Round } from './round.ts';
import type { Timing } from '../timing.ts';

/** The latest time at which a call that ends now can be applied: the bridge's own deadline plus ZITADEL's. */
export const horizonOf = (now: number, timing: Timing): number => now + timing.writeCallMs + timing.horizonMs;

/** What to recheck on a row after a round: facts that were settled meanwhile must keep their settled values. */
export function recheckAfter(
  { confirmed, recheck: confirm, pending: changes }: Row,
  round: Round,
  { now, timing }: { readonly now: number; readonly timing: Timing },
): Recheck | null {
  const settled = new Set(round.after.flatMap((each) => Object.keys(each)));
  if (round.end === null)
    for (const change of changes)
      if (round.covered.has(change.revision)) for (const fact of Object.keys(change.facts)) settled.add(fact);
  const kept = Object.entries(confirm?.facts ?? {}).map(
    ([fact, value]) => [fact, settled.has(fact) ? (confirmed?.[fact] ?? null) : value] as const,
  );
  const facts = Object.fromEntries(kept);
  const names = Object.keys(round.open).filter((fact) => fact !== 'password');
  if (round.end?.kind !== 'retry' || round.end.definite) return confirm && { ...confirm, facts };
  const rights = confirm?.rights === true || round.openRight;
  return {
    at: horizonOf(now, timing),
    facts: { ...valuesOf(names, confirmed), ...facts },
    ...(rights ? { rights } : {}),
  };
}

/** The same for calls of a process that died: any of the facts it had to send may have been in flight. */
export function recheckAfterTakeover(
  { confirmed, recheck: confirm, pending: changes, calling }: Row,
  until: number,
): Recheck {
  const sent = changes.filter(({ revision }) => calling !== null && revision <= calling);
  const names = sent.flatMap(({ facts }) => Object.keys(facts)).filter((fact) => fact !== 'password');
  const rights = confirm?.rights === true || sent.some((change) => change.rights);
  return { at: until, facts: { ...valuesOf(names, confirmed), ...confirm?.facts }, ...(rights ? { rights } : {}) };
}

const valuesOf = (names: readonly string[], confirmed: Facts | null): FactsChange =>
  Object.fromEntries(names.map((fact) => [fact, confirmed?.[fact] ?? null]));

/** A change by the bridge itself. `rights`: the user's rights are evaluated as well. */
export interface BridgeWish {
  readonly facts: FactsChange;
  readonly at: number;
  readonly rights?: boolean;
}

/** The changes with such a change below all of them. */
export function withBridgeWish(
  pending: readonly Change[],
  { facts, at, rights = false }: BridgeWish,
): readonly Change[] {
  const own = pending.filter(({ revision }) => revision === BRIDGE_CHANGE.revision);
  const others = pending.filter(({ revision }) => revision !== BRIDGE_CHANGE.revision);
  const all = Object.assign({}, ...own.map((change) => change.facts), facts) as FactsChange;
  const looks = rights || own.some((change) => change.rights);
  const change: Change = { ...BRIDGE_CHANGE, kind: 'edit', facts: all, at, ...(looks ? { rights: true } : {}) };
  return [change, ...others];
}

/** The required facts for which no other value was requested since. */
export function expectedFacts({ recheck: confirm, pending: changes }: Row): FactsChange {
  const asked = new Set(changes.flatMap(({ facts }) => Object.keys(facts)));
  return withoutFacts(confirm?.facts ?? {}, asked);
}

/** The required facts whose values differ. */
export const differing = (must: FactsChange, facts: Facts): FactsChange =>
  Object.fromEntries(Object.entries(must).filter(([fact, value]) => (facts[fact] ?? null) !== value));

/** A name from an earlier call may still be set: it stays recorded, whatever is sent since. */
export const mayLandLate = ({ recheck: confirm, sentName }: Row): boolean => confirm !== null && sentName !== null;

/** Puts the bridge's own change below all changes of clients. */
export const BRIDGE_CHANGE = {
  revision: 0,
  named: [],
  acknowledged: true,
  who: 'bridge',
  txn: 'confirm',
} as const satisfies Partial<Change>;
