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
  /** the bridge's own deadlines of a call; past the one for writes the slot is only kept */
  readonly readCall: number;
  readonly writeCall: number;
  /** an answer of Redis is waited for so long */
  readonly redisCommand: number;
  /** a call that was never answered may land until so long after it ended: ZITADEL's own limit */
  readonly horizon: number;
  /** lists of rights show a write at the latest so long after it was answered */
  readonly listLag: number;
  readonly backoffFirst: number;
  readonly backoffMost: number;
  readonly syncInterval: number;
  /** while ZITADEL is away it is asked so often whether it is back */
  readonly probe: number;
  /** a token that may do nothing is looked at again so often */
  readonly standing: number;
  /** the store notes so often that the process lives */
  readonly heartbeat: number;
  /** owed changes are held when the process slept longer */
  readonly holdAfter: number;
  /** the same answer for so long, and at least `poisonedTimes` times, makes a dead letter */
  readonly poisonedAfter: number;
  readonly poisonedTimes: number;
  /** dead letters are kept so long */
  readonly deadKeep: number;
}

export const TIMING: Timing = {
  viewMaxAge: 30_000,
  believed: 1_000,
  answerWithin: 10_000,
  lease: 20_000,
  readCall: 5_000,
  writeCall: 15_000,
  redisCommand: 500,
  horizon: 15_000,
  listLag: 1_000,
  backoffFirst: 1_000,
  backoffMost: 300_000,
  syncInterval: 600_000,
  probe: 1_000,
  standing: 10_000,
  heartbeat: 60_000,
  holdAfter: 3_600_000,
  poisonedAfter: 3_600_000,
  poisonedTimes: 10,
  deadKeep: 90 * 24 * 3_600_000,
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
