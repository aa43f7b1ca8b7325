import type { Calls } from './calls.ts';
import type { Stamps } from './clock.ts';
import type { Version } from './errors.ts';
import type { Lost } from './lost.ts';
import type { Permissions } from './permissions.ts';
import type { State } from './state.ts';

/** What every service of the sandbox works with. */
export interface World extends Stamps {
  readonly state: State;
  readonly permissions: Permissions;
  readonly calls: Calls;
  readonly lost: Lost;
  readonly version: Version;
  readonly random: () => number;
  /** Largest limit of ListUsers and the like; 0: none, as on servers before 4.20. */
  readonly maxLimit: number;
  /** Counts n more events of an aggregate (a user, an organization) and gives the sequence of the last. */
  events(aggregate: string, n?: number): number;
}
