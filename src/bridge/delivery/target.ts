/** What a delivery needs of a tenant, and how it is asked for. */
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
  /** absent: nobody here could be locked out */
  readonly withOwnerLock?: WithOwnerLock;
  readonly availability: TenantAvailability;
  readonly whenDown: 'accept' | 'refuse';
  /** of users: what the groups they are in give them */
  readonly rules?: RightsRules;
  /** role keys of a project; undefined: it cannot be told */
  readonly rolesOf?: (project: string) => Promise<readonly string[] | undefined>;
}

/** A row whose lease the caller has, and which it wrote with the mark of a call on its way; none was made yet. */
export interface HeldLease {
  readonly lease: Lease;
  readonly row: Row;
}

/** Delivers what a row owes. Results are published to those who wait. Throws only when the store fails. */
export type Deliver = (key: Key, held?: HeldLease) => Promise<void>;
