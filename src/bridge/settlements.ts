/** Who waits for what: requests for the result of their change, others for a row to be decided. In this process only. */
import type { BridgeError } from '../errors.ts';
import type { Key } from './ports.ts';

/** How a change ended, for the request that asked for it. */
export type Result =
  | { readonly kind: 'settled' }
  /** error: what the client is told, with what was applied all the same */
  | { readonly kind: 'refused'; readonly error: BridgeError }
  /** the user turned out not to be there */
  | { readonly kind: 'gone' }
  /** ZITADEL is away or blocks the token; whole seconds after which to come back */
  | { readonly kind: 'away'; readonly retryAfter: number; readonly reason: string; readonly blocked?: boolean };

/** One request's wait. Two that race to append have the same revision in mind; only one of them gets it, the other forgets. */
export interface Expected {
  readonly result: Promise<Result>;
  forget(): void;
}

export interface Settlements {
  /** Waits for the result of one change. Call it before the change can settle. */
  expect(key: Key, revision: number): Expected;
  /** Whether a request still waits for this change; one whose request is gone is an orphan. */
  awaited(key: Key, revision: number): boolean;
  publish(key: Key, revision: number, result: Result): void;
  /** Resolves at the next publication for this row, at the latest after `ms`. */
  next(key: Key, ms: number): Promise<void>;
}

export function createSettlements(): Settlements {
  const waiting = new Map<string, Set<(result: Result) => void>>();
  const watching = new Map<string, Set<() => void>>();
  const row = (key: Key): string => `${key.tenant}\n${key.id}`;
  const change = (key: Key, revision: number): string => `${row(key)}\n${revision}`;

  return {
    expect(key, revision) {
      const name = change(key, revision);
      const { promise, resolve } = Promise.withResolvers<Result>();
      waiting.set(name, (waiting.get(name) ?? new Set()).add(resolve));
      return {
        result: promise,
        forget() {
          const set = waiting.get(name);
          set?.delete(resolve);
          if (set?.size === 0) waiting.delete(name);
        },
      };
    },
    awaited: (key, revision) => waiting.has(change(key, revision)),
    publish(key, revision, result) {
      for (const resolve of waiting.get(change(key, revision)) ?? []) resolve(result);
      waiting.delete(change(key, revision));
      for (const wake of watching.get(row(key)) ?? []) wake();
      watching.delete(row(key));
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
