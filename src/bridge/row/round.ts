/** What one round of calls came to. */
import type { FactsChange } from '../../mapping/facts.ts';
import type { Unreadable, Outcome } from '../ports/zitadel.ts';
import type { BridgeError } from '../../errors.ts';
import type { Timing } from '../timing.ts';
import type { Change, Row } from './types.ts';

/** What a round of calls came to. */
export interface Round {
  /** revisions of the changes it was for; newer ones stay */
  readonly covered: ReadonlySet<number>;
  /** what each step that was done changed in known */
  readonly after: readonly FactsChange[];
  readonly refusals: readonly Refusal[];
  /** steps that were not done and kept no other from being done: not permitted for this row alone, or a right that has to wait */
  readonly left: readonly { readonly names: readonly string[]; readonly why: Unreadable }[];
  /** the outcome that cut the round short; null: every step was answered */
  readonly end: (Extract<Outcome, { kind: 'replan' | 'blocked' | 'retry' }> & { readonly right?: boolean }) | null;
  /** what the call carried that was never answered */
  readonly open: FactsChange;
  /** and whether it was to change rights */
  readonly openRight: boolean;
  /** the user was deleted */
  readonly removed: boolean;
  /** call:outcome, for the log */
  readonly calls: readonly string[];
}

/** The round for a row's pending changes before any call. */
export const emptyRound = ({ pending }: Pick<Row, 'pending'>): Round => ({
  covered: new Set(pending.map(({ revision }) => revision)),
  after: [],
  refusals: [],
  left: [],
  end: null,
  open: {},
  openRight: false,
  removed: false,
  calls: [],
});

export interface Refusal {
  readonly names: readonly string[];
  readonly error: BridgeError;
  /** of a right: how it was wanted */
  readonly right?: FactsChange;
}

export interface SettleOptions {
  readonly now: number;
  readonly timing: Timing;
  readonly awaited: (change: Change) => boolean;
  /** WHEN_DOWN: whether those who wait are answered as if it were done */
  readonly accept: boolean;
  /** calls for this row were sent before in this reconcile: nothing of it may be dropped */
  readonly sent: boolean;
  /** other rows of the tenant succeeded since then */
  readonly othersSucceeded: (since: number) => boolean;
}
