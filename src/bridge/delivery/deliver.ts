/** Delivers a row's pending changes, repeating while new ones arrive: one function for requests and the queue. */
import type { Clock } from '../ports/context.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Store } from '../ports/store.ts';
import { postpone } from '../row/transitions.ts';
import type { Key, Row } from '../row/types.ts';
import { LeaseLost, updateRow } from '../row/update-row.ts';
import { backoff, type Timing } from '../timing.ts';
import { type Delivery, type DeliveryContext, leasedRow, type LeasedRow } from './context.ts';
import { type Attempt, decide, firstAttempt, fold } from './decide.ts';
import { perform } from './perform.ts';
import type { Deliver, HeldLease, Target } from './target.ts';
import type { Waiters } from './waiters.ts';

export interface DeliverOptions {
  readonly store: Store;
  readonly waiters: Waiters;
  /** undefined: the tenant no longer exists */
  readonly of: (tenant: string) => Target | undefined;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly scheduler: Scheduler;
  readonly onDelivery?: (delivery: Delivery) => void;
  /** an unexpected error; the row is retried later */
  readonly onError: (key: Key, error: unknown) => void;
}

export function createDeliver(options: DeliverOptions): Deliver {
  const { store, waiters, clock, timing, scheduler, onDelivery, of, onError } = options;
  const deliver: Deliver = (key, held) => deliverKey(context, of(key.tenant), { key, held, onError });
  const context: DeliveryContext = { store, waiters, clock, timing, scheduler, onDelivery, deliver };
  return deliver;
}

interface Asked {
  readonly key: Key;
  readonly held: HeldLease | undefined;
  readonly onError: DeliverOptions['onError'];
}

/** Takes the lease of the row and delivers, as long as a request waits for a change that was appended meanwhile. */
async function deliverKey(
  context: DeliveryContext,
  target: Target | undefined,
  { key, held, onError }: Asked,
): Promise<void> {
  const { store, waiters, timing } = context;
  let lease = held?.lease ?? (await store.lease(key, timing.leaseMs));
  let marked = held?.row;
  while (lease !== undefined) {
    let left: Row | undefined;
    try {
      if (target !== undefined) {
        const row = marked ?? (await store.read(key));
        const attempt = firstAttempt(marked === undefined ? 'found' : 'own');
        await deliverRow(context, leasedRow(context, target, lease, row), attempt);
      }
    } catch (error) {
      if (!(error instanceof LeaseLost)) {
        onError(key, error);
        await giveUp(context, target, key);
      }
    } finally {
      left = await store.release(lease);
    }
    // requests that appended while the lease was taken rely on this check
    if (left === undefined || !left.pending.some((change) => waiters.awaited(key, change))) return;
    lease = await store.lease(key, timing.leaseMs);
    marked = undefined;
  }
}

async function deliverRow(context: DeliveryContext, leased: LeasedRow, begun: Attempt): Promise<void> {
  const { clock, timing } = context;
  const { rules } = leased.target;
  for (let attempt = begun; ; ) {
    const action = decide(leased.current(), attempt, { now: clock(), timing, rules });
    if (action.kind === 'done') return;
    attempt = fold(attempt, await perform(context, leased, action));
  }
}

/** An unexpected error, e.g. of the store: waiting requests are notified, and the row is retried later. */
async function giveUp(
  { store, waiters, clock, timing, scheduler }: DeliveryContext,
  target: Target | undefined,
  key: Key,
): Promise<void> {
  const row = await store.read(key);
  if (row === undefined) return;
  for (const change of row.pending)
    waiters.publish(row, change.revision, { kind: 'away', retryAfter: 5, reason: 'unexpected' });
  if (target === undefined) return;
  const dueAt = clock() + backoff(row.attempts + 1, timing);
  await updateRow(store, target.unique, key, (now) => postpone(now, dueAt));
  scheduler.at(dueAt);
}
