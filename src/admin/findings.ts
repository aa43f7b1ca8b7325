import type { Inspection } from '../bridge/ports/zitadel.ts';
import type { Operator, RulesState, TenantState } from '../bridge/ports/operator.ts';
import type { Desk, TenantSetup } from './desk.ts';

/** warn: it works, but needs a look. fail: something does not work, or waits for an operator. */
export type Level = 'ok' | 'warn' | 'fail';

export interface Findings {
  readonly now: number;
  /** no bridge runs */
  readonly offline: boolean;
  readonly setup: TenantSetup;
  /** a text: why it could not be read */
  readonly state: TenantState | string;
  readonly inspection: Inspection | string;
  readonly rules: RulesState | string;
}

/** Asks the store and ZITADEL at the same time. */
export async function gather(
  operator: Operator,
  setup: TenantSetup,
  { clock, offline }: Pick<Desk, 'clock' | 'offline'>,
): Promise<Findings> {
  const [state, inspection, rules] = await Promise.all([
    operator.state().catch(failure),
    operator.inspect().catch(failure),
    operator.groups.state().catch(failure),
  ]);
  return { now: clock(), offline: offline === true, setup, state, inspection, rules };
}

/** A failure becomes a finding, so that the others are still shown. */
const failure = (error: unknown): string => (error instanceof Error ? error.message : String(error));
