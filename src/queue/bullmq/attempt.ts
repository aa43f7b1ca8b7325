import type { Key } from '../../bridge/row/types.ts';
import type { Store } from '../../bridge/ports/store.ts';

export interface AttemptOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: () => number;
  readonly deliver: (key: Key) => Promise<void>;
  readonly isShut: (tenant: string) => boolean;
  readonly isStopped: () => boolean;
  /** ZITADEL is just back for the tenant: its rows are tried regardless of dueAt */
  readonly isPulled: (tenant: string) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

/** How a job ends: nothing pending (or the sweeper will find it), retried later, or it cannot be tried here. */
export type Attempt =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly at: number }
  | { readonly kind: 'shut'; readonly at: number };

/** A row that may not be delivered now, or that stayed due, is checked again after this many milliseconds. */
const PAUSE = 1_000;
/** Rows due later than this have no job, ms: the sweeper creates it in time, so Redis holds fewer jobs. */
const FAR = 60_000;

const DONE: Attempt = { kind: 'done' };

/** Throws when the store cannot be read: the job is dropped, and the sweeper recreates it. */
export function createAttempt(options: AttemptOptions): (key: Key) => Promise<Attempt> {
  const { store, clock, deliver, isShut, isStopped, isPulled, onError } = options;

  const dueAt = async (key: Key): Promise<number | null> => (await store.read(key))?.dueAt ?? null;
  const later = (at: number): Attempt => (at - clock() > FAR ? DONE : { kind: 'again', at });

  return async (key) => {
    if (isStopped()) return { kind: 'shut', at: clock() };
    if (isShut(key.tenant)) return { kind: 'shut', at: clock() + PAUSE };
    const due = await dueAt(key);
    if (due === null) return DONE;
    if (due > clock() && !(await isPulled(key.tenant))) return later(due);
    await deliver(key).catch(onError);
    const next = await dueAt(key);
    return next === null ? DONE : later(Math.max(next, clock() + PAUSE));
  };
}
