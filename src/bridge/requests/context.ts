/** The context of a tenant's requests, built once. */
import type { TenantAvailability } from '../delivery/tenant-availability.ts';
import type { Deliver } from '../delivery/target.ts';
import type { Waiters } from '../delivery/waiters.ts';
import type { Clock, Ids } from '../ports/context.ts';
import type { Peers } from '../ports/peers.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Store } from '../ports/store.ts';
import type { Timing } from '../timing.ts';

export interface RequestContext {
  readonly tenant: string;
  readonly store: Store;
  readonly deliver: Deliver;
  readonly waiters: Waiters;
  readonly availability: TenantAvailability;
  readonly whenDown: 'accept' | 'refuse';
  readonly peers: Peers;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
}
