import type { Clock } from '../bridge/ports/context.ts';
import type { Operator } from '../bridge/ports/operator.ts';

/** The part of a tenant's configuration that `doctor` checks. */
export interface TenantSetup {
  readonly id: string;
  /** `expires`: ms since 1970; refused from then on */
  readonly tokens: readonly { readonly name: string; readonly expires?: number | undefined }[];
  readonly zitadel: { readonly url: string } | null;
  readonly passwords: 'ignore' | 'set';
  /** ids of users that the operator protects */
  readonly protect: readonly string[];
}

export interface Desk {
  /** by the name of the tenant */
  readonly operators: ReadonlyMap<string, Operator>;
  readonly setups: readonly TenantSetup[];
  readonly clock: Clock;
  /** no bridge runs: the store was opened for one command */
  readonly offline?: true;
}
