import type { Clock } from '../bridge/ports/context.ts';
import type { Operator } from '../bridge/ports/operator.ts';

/** Of a tenant's configuration what `doctor` looks at. */
export interface TenantSetup {
  readonly id: string;
  /** `expires`: ms since 1970, from when on it is refused */
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
