/** All durations of the bridge, in milliseconds: arguments with these defaults, so that tests can shorten them. */
export interface Timing {
  /** a row older than this is read again from ZITADEL before it is shown */
  readonly viewMaxAgeMs: number;
  /** facts confirmed within this time are not sent again when a request names them */
  readonly believedMs: number;
  /** longest time a request waits */
  readonly answerWithinMs: number;
  /** longer than the longest call (15 s) */
  readonly leaseMs: number;
  /** the bridge's own deadlines of a call; after the one for writes only the slot stays occupied */
  readonly readCallMs: number;
  readonly writeCallMs: number;
  /** longest wait for an answer from Redis */
  readonly redisCommand: number;
  /** an unanswered call may be applied until this long after it ended: ZITADEL's own limit */
  readonly horizonMs: number;
  /** lists of rights show a write at the latest this long after its answer */
  readonly listLagMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  readonly syncIntervalMs: number;
  /** while ZITADEL is unreachable, the interval between probes */
  readonly probeMs: number;
  /** interval at which a token without permissions is checked again */
  readonly tokenCheckMs: number;
  /** interval at which the store records that the process is alive */
  readonly heartbeatMs: number;
  /** after a longer downtime pending changes are put on hold */
  readonly holdAfterMs: number;
  /** the same answer for so long, and at least `repeatedlyFailingTimes` times, makes a dead letter */
  readonly repeatedlyFailingAfterMs: number;
  readonly repeatedlyFailingTimes: number;
  /** retention of dead letters */
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

/** Time of the next attempt: doubles from backoffFirst to backoffMost, each reduced by a random share of up to half. */
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
