/** The context of a delivery: what all deliveries share, and the one row that this delivery has leased. */
import type { Clock } from '../ports/context.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Lease, Store } from '../ports/store.ts';
import type { Key, Row } from '../row/types.ts';
import { type Make, updateSeen } from '../row/update-row.ts';
import type { Timing } from '../timing.ts';
import type { Outcome } from '../ports/zitadel.ts';
import type { Deliver, Target } from './target.ts';
import type { Waiters } from './waiters.ts';

/** One delivery, for its log line: ids and outcomes, never values. */
export interface Delivery {
  readonly tenant: string;
  readonly id: string;
  /** the requests it served */
  readonly txns: readonly string[];
  /** token name of the last of these requests */
  readonly who?: string;
  /** e.g. ["DeactivateUser:done", "UpdateUser:refused"] */
  readonly calls: readonly string[];
  readonly outcome: Outcome['kind'];
  readonly reason?: string;
  /** refused facts of abandoned requests: dropped */
  readonly orphans: number;
  /** dead letters it created */
  readonly dead: number;
  readonly attempts: number;
  readonly ms: number;
}

export interface DeliveryContext {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly scheduler: Scheduler;
  readonly onDelivery?: ((delivery: Delivery) => void) | undefined;
  /** delivers another row that has to come first */
  readonly deliver: Deliver;
}

/** A row whose lease this delivery holds. */
export interface LeasedRow {
  readonly key: Key;
  readonly target: Target;
  readonly lease: Lease;
  /** as last read or written here; later appends are seen at the next write. undefined: there is no row */
  current(): Row | undefined;
  /** Writes the row, whatever its current content. Throws LeaseLost. */
  readonly update: Update;
}

export type Update = (make: Make, durable?: boolean) => Promise<unknown>;

export function leasedRow({ store }: DeliveryContext, target: Target, lease: Lease, row: Row | undefined): LeasedRow {
  let seen = row;
  return {
    key: lease.key,
    target,
    lease,
    current: () => seen,
    async update(make, durable = false) {
      seen = (await updateSeen(store, target.unique, seen, make, { durable, under: lease })) ?? undefined;
    },
  };
}
