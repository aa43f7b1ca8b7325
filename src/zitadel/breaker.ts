/**
 * The circuit breaker of one ZITADEL: opens when call after call gets no answer, closes when one does. Any answer from
 * ZITADEL itself counts as success. While it is open, a probe repeatedly checks whether ZITADEL is back.
 */

/** When the breaker opens, and how often it probes. */
export interface BreakerOptions {
  /** failures in a row that open it; default 5 */
  readonly failures?: number;
  /** minimum number of subjects among them, so that a single user cannot open it; default 2 */
  readonly subjects?: number;
  /** ms between two probes; default 1 s */
  readonly probeMs?: number;
  /** ms since 1970 */
  readonly clock?: () => number;
}

/** One call: at most one of its methods is called, once. */
export interface Trial {
  answered(): void;
  /** Its own deadline passed. */
  silent(reason: string): void;
  /** Its connection failed or broke: one failure, however many calls it affected. */
  broken(reason: string): void;
}

export interface Breaker {
  /** Since when (ms since 1970) and why no call is sent; undefined: calls are sent. */
  open(): { readonly since: number; readonly reason: string } | undefined;
  onChange(listener: (open: boolean) => void): void;
  /** A call begins. subject: the user it is about, else the name of the call. */
  begin(subject: string): Trial;
  /** How to probe: a call that bypasses the breaker. The first one given is used. */
  probeBy(probe: () => Promise<unknown>): void;
  /** Stops the probes. */
  close(): void;
}

export function createBreaker(options: BreakerOptions = {}): Breaker {
  const { failures = 5, subjects = 2, probeMs = 1_000, clock = Date.now } = options;
  const listeners: ((open: boolean) => void)[] = [];
  let opened: { readonly since: number; readonly reason: string } | undefined;
  let probe: (() => Promise<unknown>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  /** sequence of starts and failures; `broke`: of the last broken connection, `closed`: of the last closing */
  let tick = 0;
  let broke = 0;
  let closed = 0;
  let count = 0;
  const failed = new Set<string>();

  function change(next: typeof opened): void {
    opened = next;
    for (const listener of listeners) listener(next !== undefined);
  }

  function shut(reason: string): void {
    change({ since: clock(), reason: `${count} calls in a row got no answer; the last: ${reason}` });
    schedule();
  }

  function schedule(): void {
    const mine = opened;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      // whatever the result: its own trial has recorded it
      await probe?.().catch(() => undefined);
      if (opened !== undefined && opened === mine && !ended) schedule();
    }, probeMs);
    timer.unref();
  }

  function heard(): void {
    count = 0;
    failed.clear();
    if (opened === undefined || ended) return;
    clearTimeout(timer);
    closed = tick += 1;
    change(undefined);
  }

  function fail(begun: number, subject: string, reason: string, counts: boolean): void {
    // calls that began before the last closing say nothing about the time after it
    if (opened !== undefined || ended || begun < closed) return;
    failed.add(subject);
    if (counts) count += 1;
    if (count >= failures && failed.size >= subjects) shut(reason);
  }

  return {
    open: () => opened,
    onChange: (listener) => void listeners.push(listener),
    begin(subject) {
      const begun = (tick += 1);
      return {
        answered: heard,
        silent: (reason) => fail(begun, subject, reason, true),
        broken(reason) {
          const first = begun > broke;
          if (first) broke = tick += 1;
          fail(begun, subject, reason, first);
        },
      };
    },
    probeBy: (given) => void (probe ??= given),
    close() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
