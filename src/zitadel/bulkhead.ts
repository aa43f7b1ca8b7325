/** At most so many calls at once to one ZITADEL; more would only wait inside it (measured). */

/**
 * request: somebody waits. bulk: somebody waits too, for thousands of these at once: the others go first, but for each fourth slot.
 * sync: the background sweep, which takes at most half of the slots.
 */
export type Lane = 'request' | 'bulk' | 'sync';

export interface Bulkhead {
  /** Waits for a slot, in order of arrival (but for bulk), at most `ms`, and gives it back when `work` ends. undefined: no slot came free. */
  run<T>(lane: Lane, ms: number, work: () => Promise<T>): Promise<T | undefined>;
  /** Whoever waits goes without. */
  dismiss(): void;
}

/** Every fourth slot goes to the oldest, whatever it is: bulk does not wait for ever. */
const BULK_TURN = 4;

interface Waiting {
  readonly lane: Lane;
  /** got: a slot came free */
  readonly end: (got: boolean) => void;
}

export function createBulkhead(slots: number): Bulkhead {
  const syncSlots = Math.max(1, Math.floor(slots / 2));
  const queue: Waiting[] = [];
  const busy: Record<Lane, number> = { request: 0, bulk: 0, sync: 0 };
  /** slots given to those who waited */
  let given = 0;

  const free = (lane: Lane): boolean =>
    busy.request + busy.bulk + busy.sync < slots && (lane !== 'sync' || busy.sync < syncSlots);

  function leave(lane: Lane): void {
    busy[lane] -= 1;
    const first = queue.find((each) => each.lane !== 'bulk' && free(each.lane));
    const oldest = queue.find((each) => free(each.lane));
    const next = given % BULK_TURN === BULK_TURN - 1 ? oldest : (first ?? oldest);
    if (next === undefined) return;
    queue.splice(queue.indexOf(next), 1);
    given += 1;
    busy[next.lane] += 1;
    next.end(true);
  }

  /** Whether a slot came free in time. */
  function turn(lane: Lane, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        lane,
        end(got) {
          clearTimeout(timer);
          resolve(got);
        },
      };
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiting), 1);
        resolve(false);
      }, ms);
      queue.push(waiting);
    });
  }

  return {
    async run(lane, ms, work) {
      if (free(lane)) busy[lane] += 1;
      else if (!(await turn(lane, ms))) return undefined;
      try {
        return await work();
      } finally {
        leave(lane);
      }
    },
    dismiss() {
      for (const { end } of queue.splice(0)) end(false);
    },
  };
}
