/** Who waits for what: requests for the result of their change, others for a row to be decided. Other processes are told as well. */
import { BridgeError, type ScimErrorType } from '../../errors.ts';
import { ALONE, type Peers } from '../ports/peers.ts';
import type { Change, Key, Row } from '../row/types.ts';
import type { Unreadable } from '../ports/zitadel.ts';

/** How a change ended, for the request that asked for it. */
export type ChangeResult =
  | { readonly kind: 'settled' }
  /** ZITADEL is away: it is noted durably as answered, the queue delivers it */
  | { readonly kind: 'accepted' }
  /** error: what the client is told, with what was applied all the same */
  | { readonly kind: 'refused'; readonly error: BridgeError }
  /** the user turned out not to be there */
  | { readonly kind: 'gone' }
  /**
   * ZITADEL is away or blocks the token, and nothing of it was kept; whole seconds after which to come back. With a reason of our own
   * (store, unexpected) it may be kept, and done, all the same
   */
  | { readonly kind: 'away'; readonly retryAfter: number; readonly reason: string; readonly blocked?: boolean };

/** Whole seconds that ZITADEL asked for; 0: none. */
export const retryAfterOf = (end: Unreadable): number => (end.kind === 'retry' ? (end.retryAfter ?? 0) : 0);

/** Seconds: an operator must fix a token or a role first. */
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

/** Who waits for another row looks again at least this often, ms: not everything that happens to it is told. */
export const LOOK_AGAIN = 250;

/** One request's wait. Two that race to append have the same revision in mind; only one of them gets it, the other forgets. */
export interface Wait {
  readonly result: Promise<ChangeResult>;
  forget(): void;
  /** Takes the wish back when this process has made no call for it: none will be, but for what is given being called. */
  withdraw(): (() => void) | undefined;
}

export interface Waiters {
  /** Waits for the result of one change. Call it before the change can settle. */
  expect(key: Key, revision: number): Wait;
  /**
   * Whether a request waits for this change here, or it is not answered and the process that asked for it is believed to live; one whose
   * request is gone is an orphan.
   */
  awaited(key: Key, change: Pick<Change, 'revision' | 'process' | 'acknowledged'>): boolean;
  /** To whoever waits for this change of the row, here or in the process that asked for it. */
  publish(row: Key & Pick<Row, 'pending'>, revision: number, result: ChangeResult): void;
  /** A call for these changes is about to be sent. False: one of them was taken back, it must not be. */
  sending(key: Key, revisions: Iterable<number>): boolean;
  /** Resolves at the next publication for this row, at the latest after `ms`. */
  next(key: Key, ms: number): Promise<void>;
}

/** ms: longer than anything waits for a slot. */
const FORGOTTEN = 60_000;

/** A result as other processes are told of it. */
interface Told {
  readonly key: Key;
  readonly revision: number;
  readonly result: ChangeResult;
}

const TOPIC = 'settled';

export function createWaiters(peers: Peers = ALONE): Waiters {
  const waiting = new Map<string, Set<(result: ChangeResult) => void>>();
  const watching = new Map<string, Set<() => void>>();
  /** changes that somebody waits for, once a call was sent for them */
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
          // whoever is about to send it has looked by then
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
      // one that waits here may only race for this revision: who asked for the change stands on it
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

/** A refusal as JSON keeps it. */
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
