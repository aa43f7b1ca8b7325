import type { Store } from '../../src/bridge/ports/store.ts';
import type { Zitadel } from '../../src/bridge/ports/zitadel.ts';

export interface Life {
  /** Dies at the n-th operation from now; `after`: once that one has had its effect. */
  dieAt(operation: number, after: boolean): void;
  /** Dies now. */
  die(): void;
  isDead(): boolean;
  /** The store and the ZITADEL as this process sees them. */
  readonly store: Store;
  readonly zitadel: Zitadel;
  /** the answer, or undefined when the process died first */
  survive<T>(answer: Promise<T>): Promise<T | undefined>;
}

export function createLife(store: Store, zitadel: Zitadel): Life {
  let dead = false;
  let left = Number.POSITIVE_INFINITY;
  let lastHasEffect = false;
  const { promise: death, resolve: dies } = Promise.withResolvers<undefined>();

  function die(): void {
    dead = true;
    dies(undefined);
  }

  /** Promises of the port hang once the process is dead. */
  function mortal<Port extends object>(port: Port, spared: readonly string[]): Port {
    return new Proxy(port, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value === 'object' && value !== null) return mortal(value, spared);
        if (typeof value !== 'function' || spared.includes(String(name))) return value;
        return (...given: unknown[]) => {
          if (dead) return new Promise(() => undefined);
          left -= 1;
          const operation = (): unknown => (value as (...args: unknown[]) => unknown).apply(target, given);
          if (left > 0) return operation();
          // nobody is left to hear how it ended, also when it failed
          if (lastHasEffect) Promise.resolve(operation()).catch(() => undefined);
          die();
          return new Promise(() => undefined);
        };
      },
    });
  }

  return {
    dieAt(operation, after) {
      left = operation;
      lastHasEffect = after;
    },
    die,
    isDead: () => dead,
    // what is not a promise cannot hang
    store: mortal(store, ['scan', 'close']),
    zitadel: mortal(zitadel, ['users', 'away']),
    survive: (answer) => Promise.race([answer, death]),
  };
}
