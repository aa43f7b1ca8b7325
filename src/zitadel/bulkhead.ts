/** At most so many calls at once to one ZITADEL; more would only wait inside it (measured). */

/** request: somebody waits. sync: the background sweep, which takes at most half of the slots. */
export type Lane = 'request' | 'sync';

export interface Bulkhead {
  /** Waits for a slot, in order of arrival, and gives it back when `work` ends. */
  run<T>(lane: Lane, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly lane: Lane;
  readonly start: () => void;
}

export function createBulkhead(slots: number): Bulkhead {
  const syncSlots = Math.max(1, Math.floor(slots / 2));
  const queue: Waiting[] = [];
  const busy: Record<Lane, number> = { request: 0, sync: 0 };

  const free = (lane: Lane): boolean =>
    busy.request + busy.sync < slots && (lane === 'request' || busy.sync < syncSlots);

  function leave(lane: Lane): void {
    busy[lane] -= 1;
    const at = queue.findIndex((each) => free(each.lane));
    const [next] = at === -1 ? [] : queue.splice(at, 1);
    if (next === undefined) return;
    busy[next.lane] += 1;
    next.start();
  }

  return {
    async run(lane, work) {
      if (free(lane)) busy[lane] += 1;
      else await new Promise<void>((start) => queue.push({ lane, start }));
      try {
        return await work();
      } finally {
        leave(lane);
      }
    },
  };
}
