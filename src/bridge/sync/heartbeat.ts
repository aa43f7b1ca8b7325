import type { Clock } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';

/** When the process last reported that it is alive, ms since 1970. */
export const HEARTBEAT = 'heartbeat';

export interface HeartbeatOptions {
  readonly store: Pick<Store, 'setState'>;
  readonly clock: Clock;
  /** between two heartbeats, ms */
  readonly everyMs: number;
  /** called when the store has recovered */
  readonly onRecovered: () => void;
}

export interface Heartbeat {
  /** The first heartbeat; more follow until `stop`. Never rejects: on a full disk reads continue. */
  start(): Promise<void>;
  /** The last heartbeat, if there was a first one. */
  stop(): Promise<void>;
  /** A store call failed just now: a heartbeat checks whether all writes fail. */
  suspect(): void;
  /** Whether `start` was called, and `stop` was not. */
  lives(): boolean;
  /** Why the store cannot be written, according to the last heartbeat; undefined: it can. */
  failing(): string | undefined;
}

/** Retry interval of a failing store, ms. */
const AGAIN = 1_000;

export function createHeartbeat({ store, clock, everyMs, onRecovered }: HeartbeatOptions): Heartbeat {
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;
  let reason: string | undefined;
  let lives = false;

  async function attempt(): Promise<void> {
    const before = reason;
    try {
      await store.setState(HEARTBEAT, clock());
      reason = undefined;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    } finally {
      beating = undefined;
    }
    if (before !== undefined && reason === undefined) onRecovered();
  }

  function beat(): Promise<void> {
    clearTimeout(timer);
    beating ??= attempt().then(arm);
    return beating;
  }

  function arm(): void {
    if (!lives) return;
    timer = setTimeout(() => void beat(), reason === undefined ? everyMs : Math.min(AGAIN, everyMs));
    timer.unref();
  }

  return {
    start() {
      lives = true;
      return beat();
    },
    async stop() {
      if (!lives) return;
      lives = false;
      await beat();
    },
    suspect() {
      // a failed heartbeat is reported here too
      if (lives && beating === undefined && reason === undefined) void beat();
    },
    lives: () => lives,
    failing: () => reason,
  };
}
