/** What a delivery needs from a tenant, and how it is requested. */
import type { Zitadel } from '../ports/zitadel.ts';
import type { Unique, Row, Key } from '../row/types.ts';
import type { CheckProtection, WithOwnerLock } from './protected-users.ts';
import type { TenantAvailability } from './tenant-availability.ts';
import type { RightsRules } from './rights.ts';
import type { Lease } from '../ports/store.ts';

/** A tenant's ZITADEL. */
export interface Target {
  readonly zitadel: Pick<Zitadel, 'read' | 'run' | 'rights'>;
  readonly unique: Unique;
  readonly checkProtection: CheckProtection;
  /** absent: there are no protected users here */
  readonly withOwnerLock?: WithOwnerLock;
  readonly availability: TenantAvailability;
  readonly whenDown: 'accept' | 'refuse';
  /** for users: the rights from their groups */
  readonly rules?: RightsRules;
  /** role keys of a project; undefined: unavailable */
  readonly rolesOf?: (project: string) => Promise<readonly string[] | undefined>;
}

/** A row that the caller has leased and written with an in-flight mark; no call was made yet. */
export interface HeldLease {
  readonly lease: Lease;
  readonly row: Row;
}

/** Delivers a row's pending changes and publishes results to waiting requests. Throws only when the store fails. */
export type Deliver = (key: Key, held?: HeldLease) => Promise<void>;
