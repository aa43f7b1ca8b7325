/** Every duration of the bridge, in milliseconds: arguments with these defaults, so that tests run them faster. */
export interface Timing {
  /** a row older than this is read again from ZITADEL before it is shown */
  readonly viewMaxAge: number;
  /** facts confirmed within this time are believed even when a request names them */
  readonly believed: number;
  /** no request waits longer */
  readonly answerWithin: number;
  /** longer than the longest call (15 s) */
  readonly lease: number;
  readonly backoffFirst: number;
  readonly backoffMost: number;
  readonly syncInterval: number;
}

export const TIMING: Timing = {
  viewMaxAge: 30_000,
  believed: 1_000,
  answerWithin: 10_000,
  lease: 20_000,
  backoffFirst: 1_000,
  backoffMost: 300_000,
  syncInterval: 600_000,
};

/** When to try again: doubling from backoffFirst to backoffMost, each with up to half of it taken off at random. */
export function backoff(attempts: number, timing: Timing, random: () => number = Math.random): number {
  const full = Math.min(timing.backoffMost, timing.backoffFirst * 2 ** Math.min(attempts, 30));
  return Math.round(full * (1 - random() / 2));
}

/** The value, or undefined after `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
