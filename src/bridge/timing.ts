/** Every duration of the bridge, in milliseconds: arguments with these defaults, so that tests run them faster. */
export interface Timing {
  /** a row older than this is read again from ZITADEL before it is shown */
  readonly viewMaxAgeMs: number;
  /** facts confirmed within this time are believed even when a request names them */
  readonly believedMs: number;
  /** no request waits longer */
  readonly answerWithinMs: number;
  /** longer than the longest call (15 s) */
  readonly leaseMs: number;
  /** the bridge's own deadlines of a call; past the one for writes the slot is only kept */
  readonly readCallMs: number;
  readonly writeCallMs: number;
  /** an answer of Redis is waited for so long */
  readonly redisCommand: number;
  /** a call that was never answered may land until so long after it ended: ZITADEL's own limit */
  readonly horizonMs: number;
  /** lists of rights show a write at the latest so long after it was answered */
  readonly listLagMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  readonly syncIntervalMs: number;
  /** while ZITADEL is away interval at which it is asked whether it is back */
  readonly probeMs: number;
  /** a token that may do nothing is checked again at this interval */
  readonly tokenCheckMs: number;
  /** interval at which the store notes that the process is alive */
  readonly heartbeatMs: number;
  /** owed changes are held when the process slept longer */
  readonly holdAfterMs: number;
  /** the same answer for so long, and at least `repeatedlyFailingTimes` times, makes a dead letter */
  readonly repeatedlyFailingAfterMs: number;
  readonly repeatedlyFailingTimes: number;
  /** dead letters are kept so long */
  readonly deadLetterRetentionMs: number;
}

export const TIMING: Timing = {
  viewMaxAgeMs: 30_000,
  believedMs: 1_000,
  answerWithinMs: 10_000,
  leaseMs: 20_000,
  readCallMs: 5_000,
  writeCallMs: 15_000,
  redisCommand: 500,
  horizonMs: 15_000,
  listLagMs: 1_000,
  backoffFirstMs: 1_000,
  backoffMaxMs: 300_000,
  syncIntervalMs: 600_000,
  probeMs: 1_000,
  tokenCheckMs: 10_000,
  heartbeatMs: 60_000,
  holdAfterMs: 3_600_000,
  repeatedlyFailingAfterMs: 3_600_000,
  repeatedlyFailingTimes: 10,
  deadLetterRetentionMs: 90 * 24 * 3_600_000,
};

/** When to try again: doubling from backoffFirst to backoffMost, each with up to half of it taken off at random. */
export function backoff(attempts: number, timing: Timing, random: () => number = Math.random): number {
  const full = Math.min(timing.backoffMaxMs, timing.backoffFirstMs * 2 ** Math.min(attempts, 30));
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
