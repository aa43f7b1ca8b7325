/** Calls that were never answered may still land: which facts they may change, how these must be, and when to look. Pure. */
import { type Facts, type FactsChange, withoutFacts } from '../../mapping/facts.ts';
import type { Change, Recheck, Row } from './types.ts';
import type { Round } from './round.ts';
import type { Timing } from '../timing.ts';

/** When a call that ends now can have landed at the latest: the bridge's own deadline and ZITADEL's. */
export const horizonOf = (now: number, timing: Timing): number => now + timing.writeCallMs + timing.horizonMs;

/** What is to be confirmed of a row after a round: facts that were settled meanwhile must be as they were settled. */
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

/** As confirmAfter, for the calls of one who died at it: any of the facts it had to send may have been on its way. */
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

/** What the bridge itself asks for. `rights`: what the rules give is to be looked at as well. */
export interface BridgeWish {
  readonly facts: FactsChange;
  readonly at: number;
  readonly rights?: boolean;
}

/** Changes with such a wish below all of them. */
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

/** Of the facts that must be so those that nobody has asked otherwise since. */
export function expectedFacts({ recheck: confirm, pending: changes }: Row): FactsChange {
  const asked = new Set(changes.flatMap(({ facts }) => Object.keys(facts)));
  return withoutFacts(confirm?.facts ?? {}, asked);
}

/** Of the facts that must be so those that are not. */
export const differing = (must: FactsChange, facts: Facts): FactsChange =>
  Object.fromEntries(Object.entries(must).filter(([fact, value]) => (facts[fact] ?? null) !== value));

/** A name that an earlier call carried may still be taken: it stays noted whatever is sent since. */
export const mayLandLate = ({ recheck: confirm, sentName }: Row): boolean => confirm !== null && sentName !== null;

/** What the bridge itself asks for, below all that clients ask. */
export const BRIDGE_CHANGE = {
  revision: 0,
  named: [],
  acknowledged: true,
  who: 'bridge',
  txn: 'confirm',
} as const satisfies Partial<Change>;
