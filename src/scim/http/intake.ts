/** Limits on one tenant's concurrent work: requests and bytes of bodies, so that no tenant fills the shared memory. */
import { BridgeError } from '../../errors.ts';

export interface IntakeLimits {
  /** in progress */
  readonly requests: number;
  /** of bodies in progress, bytes */
  readonly bytes: number;
  /** requests that wait for room */
  readonly waiting: number;
  /** how long they wait, ms */
  readonly waitMs: number;
}

/** A body takes several times its size while it is read and worked on; what waits is not read yet. */
const LIMITS: IntakeLimits = { requests: 64, bytes: 64 * 1024 * 1024, waiting: 256, waitMs: 10_000 };

export interface Intake {
  /**
   * Resolves when there is room for one more request with a body of at most that many bytes, in the order of the calls;
   * call the result once its work is done. Throws 429 with Retry-After when too many wait, when it waited too long, or
   * when `gone` returns true: the client has hung up.
   */
  enter(tenant: string, bytes: number, gone: (leave: () => void) => void): Promise<() => void>;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

interface Load {
  requests: number;
  bytes: number;
  readonly waiting: Set<Waiting>;
}

/** One for all tenants: they are few and come from the configuration. */
export function createIntake(limits: IntakeLimits = LIMITS): Intake {
  const loads = new Map<string, Load>();

  const loadOf = (tenant: string): Load => {
    const load = loads.get(tenant) ?? { requests: 0, bytes: 0, waiting: new Set() };
    loads.set(tenant, load);
    return load;
  };

  /** A body larger than the whole limit is admitted alone. */
  const hasRoom = (load: Load, bytes: number): boolean =>
    load.requests < limits.requests && (load.bytes + bytes <= limits.bytes || load.bytes === 0);

  function take(load: Load, bytes: number): () => void {
    load.requests += 1;
    load.bytes += bytes;
    return () => {
      load.requests -= 1;
      load.bytes -= bytes;
      for (const next of load.waiting) {
        if (!hasRoom(load, next.bytes)) return;
        load.waiting.delete(next);
        next.admit();
      }
    };
  }

  return {
    enter(tenant, bytes, gone) {
      const load = loadOf(tenant);
      if (load.waiting.size === 0 && hasRoom(load, bytes)) return Promise.resolve(take(load, bytes));
      if (load.waiting.size >= limits.waiting) return Promise.reject(tooMany());
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          bytes,
          admit() {
            clearTimeout(timer);
            resolve(take(load, bytes));
          },
        };
        const leave = (): void => {
          clearTimeout(timer);
          if (load.waiting.delete(waiting)) reject(tooMany());
        };
        const timer = setTimeout(leave, limits.waitMs);
        load.waiting.add(waiting);
        gone(leave);
      });
    },
  };
}

const tooMany = (): BridgeError =>
  new BridgeError(429, 'too many requests of this tenant at the same time: send fewer at once', { retryAfter: 1 });
