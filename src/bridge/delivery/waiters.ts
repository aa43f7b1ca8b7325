/** Waiting requests: for the outcome of their change, or for a row to be decided. Other processes are notified too. */
import { BridgeError, type ScimErrorType } from '../../errors.ts';
import { ALONE, type Peers } from '../ports/peers.ts';
import type { Change, Key, Row } from '../row/types.ts';
import type { Unreadable } from '../ports/zitadel.ts';

/** The outcome of a change, for the request that asked for it. */
export type ChangeResult =
  | { readonly kind: 'settled' }
  /** ZITADEL is unreachable: the change is durably acknowledged, and the queue delivers it */
  | { readonly kind: 'accepted' }
  /** error: what the client is told; the other facts were applied */
  | { readonly kind: 'refused'; readonly error: BridgeError }
  /** the user turned out not to exist */
  | { readonly kind: 'gone' }
  /**
   * ZITADEL is unreachable or refuses the token, and nothing was kept; retry after this many whole seconds. With a
   * reason of the bridge's own (store, unexpected error) the change may still be kept and applied
   */
  | { readonly kind: 'away'; readonly retryAfter: number; readonly reason: string; readonly blocked?: boolean };

/** The whole seconds that ZITADEL asked for; 0: none. */
export const retryAfterOf = (end: Unreadable): number => (end.kind === 'retry' ? (end.retryAfter ?? 0) : 0);

/** Seconds: an operator must fix a token or a permission first. */
export const BLOCKED_AGAIN = 60;

export function awayResult(end: Unreadable): Extract<ChangeResult, { kind: 'away' }> {
  const blocked = end.kind === 'blocked';
  return {
    kind: 'away',
    retryAfter: Math.ceil(retryAfterOf(end)) || (blocked ? BLOCKED_AGAIN : 5),
    reason: end.reason,
    blocked,
  };
}

/** Longest interval at which a request waiting for another row looks again, ms: not every event is published. */
export const LOOK_AGAIN = 250;

/** One request's wait. Of two that race for the same revision only one gets it; the other forgets its wait. */
export interface Wait {
  readonly result: Promise<ChangeResult>;
  forget(): void;
  /**
   * Withdraws the change if this process made no call for it; none will be made unless the returned function is called.
   */
  withdraw(): (() => void) | undefined;
}

export interface Waiters {
  /** Waits for the result of one change. Call it before the change can settle. */
  expect(key: Key, revision: number): Wait;
  /**
   * Whether a request waits for this change here, or in another live process that has not acknowledged it yet;
   * otherwise the change is abandoned.
   */
  awaited(key: Key, change: Pick<Change, 'revision' | 'process' | 'acknowledged'>): boolean;
  /** Notifies all waits for this change of the row, here or in the process whose request asked for it. */
  publish(row: Key & Pick<Row, 'pending'>, revision: number, result: ChangeResult): void;
  /** A call for these changes is about to be sent. False: one was withdrawn, so the call must not be sent. */
  sending(key: Key, revisions: Iterable<number>): boolean;
  /** Resolves at the next publication for this row, at the latest after `ms`. */
  next(key: Key, ms: number): Promise<void>;
}

/** ms: longer than any wait for a slot. */
const FORGOTTEN = 60_000;

/** A result as it is sent to other processes. */
interface Told {
  readonly key: Key;
  readonly revision: number;
  readonly result: ChangeResult;
}

const TOPIC = 'settled';

export function createWaiters(peers: Peers = ALONE): Waiters {
  const waiting = new Map<string, Set<(result: ChangeResult) => void>>();
  const watching = new Map<string, Set<() => void>>();
  /** changes with a waiting request, once a call was sent for them */
  const sent = new Set<string>();
  const withdrawn = new Set<string>();
  const row = (key: Key): string => `${key.tenant}\n${key.id}`;
  const change = (key: Key, revision: number): string => `${row(key)}\n${revision}`;

  function resolve(key: Key, revision: number, result: ChangeResult): void {
    for (const end of waiting.get(change(key, revision)) ?? []) end(result);
    waiting.delete(change(key, revision));
    sent.delete(change(key, revision));
    for (const wake of watching.get(row(key)) ?? []) wake();
    watching.delete(row(key));
  }

  peers.listen(TOPIC, (body) => {
    const { key, revision, result } = body as Told;
    resolve(key, revision, revivedResult(result));
  });

  return {
    expect(key, revision) {
      const name = change(key, revision);
      const { promise, resolve } = Promise.withResolvers<ChangeResult>();
      waiting.set(name, (waiting.get(name) ?? new Set()).add(resolve));
      return {
        result: promise,
        forget() {
          const set = waiting.get(name);
          set?.delete(resolve);
          if (set?.size !== 0) return;
          waiting.delete(name);
          sent.delete(name);
        },
        withdraw() {
          if (sent.has(name)) return undefined;
          withdrawn.add(name);
          // any delivery about to send it has looked by then
          setTimeout(() => withdrawn.delete(name), FORGOTTEN).unref();
          return () => withdrawn.delete(name);
        },
      };
    },
    awaited: (key, { revision, process, acknowledged: answered }) =>
      waiting.has(change(key, revision)) ||
      (!answered && process !== undefined && process !== peers.own && peers.alive(process)),
    sending(key, revisions) {
      const names = [...revisions].map((revision) => change(key, revision));
      if (names.some((name) => withdrawn.has(name))) return false;
      for (const name of names) if (waiting.has(name)) sent.add(name);
      return true;
    },
    publish({ tenant, id, pending: changes }, revision, result) {
      resolve({ tenant, id }, revision, result);
      // a local wait may only be racing for this revision: the change itself names its process
      if (changes.find((each) => each.revision === revision)?.process === peers.own) return;
      peers.tell({ topic: TOPIC, body: { key: { tenant, id }, revision, result: plainResult(result) } });
    },
    next(key, ms) {
      const name = row(key);
      const set = watching.get(name) ?? new Set();
      watching.set(name, set);
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          set.delete(done);
          if (set.size === 0 && watching.get(name) === set) watching.delete(name);
          resolve();
        };
        const timer = setTimeout(done, ms);
        set.add(done);
      });
    },
  };
}

/** A refusal in JSON form. */
interface PlainError {
  readonly status: number;
  readonly message: string;
  readonly scimType?: ScimErrorType;
}

function plainResult(result: ChangeResult): unknown {
  if (result.kind !== 'refused') return result;
  const { status, message, scimType } = result.error;
  return { kind: 'refused', error: { status, message, scimType } };
}

function revivedResult(result: ChangeResult): ChangeResult {
  if (result.kind !== 'refused') return result;
  const { status, message, scimType } = result.error as PlainError;
  return { kind: 'refused', error: new BridgeError(status, message, scimType === undefined ? {} : { scimType }) };
}
