/** The outcome of one round of calls. */
import type { FactsChange } from '../../mapping/facts.ts';
import type { Unreadable, Outcome } from '../ports/zitadel.ts';
import type { BridgeError } from '../../errors.ts';
import type { Timing } from '../timing.ts';
import type { Change, Row } from './types.ts';

/** The outcome of a round of calls. */
export interface Round {
  /** revisions of its changes; newer changes stay */
  readonly covered: ReadonlySet<number>;
  /** what each completed step changed in confirmed */
  readonly after: readonly FactsChange[];
  readonly refusals: readonly Refusal[];
  /** skipped steps that did not stop others: not permitted for this row alone, or a right that has to wait */
  readonly left: readonly { readonly names: readonly string[]; readonly why: Unreadable }[];
  /** the outcome that ended the round early; null: every step was answered */
  readonly end: (Extract<Outcome, { kind: 'replan' | 'blocked' | 'retry' }> & { readonly right?: boolean }) | null;
  /** what the unanswered call carried */
  readonly open: FactsChange;
  /** whether that call was to change rights */
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
  /** for a right: the wanted value */
  readonly right?: FactsChange;
}

export interface SettleOptions {
  readonly now: number;
  readonly timing: Timing;
  readonly awaited: (change: Change) => boolean;
  /** WHEN_DOWN: whether waiting requests are acknowledged */
  readonly accept: boolean;
  /** this delivery made earlier calls for the row: its changes must not be dropped */
  readonly sent: boolean;
  /** whether other rows of the tenant succeeded since then */
  readonly othersSucceeded: (since: number) => boolean;
}
