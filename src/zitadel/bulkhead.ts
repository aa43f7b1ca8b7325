/** The maximum of simultaneous calls to one ZITADEL; more would only wait inside it (measured). Tenants take turns. */

/**
 * request: a client waits. bulk: either a client waits for thousands of these at once, or none does: the tenant's other
 * calls go first, except for each fourth slot. sync: the background sweep, which takes at most half of the slots.
 */
export type Lane = 'request' | 'bulk' | 'sync';

/** The call that needs a slot. */
export interface Caller {
  readonly tenant: string;
  readonly lane: Lane;
}

export interface Bulkhead {
  /**
   * Waits for a slot, at most `ms`, and releases it when `work` ends. undefined: no slot came free. Tenants get slots
   * in turn, however many calls each has waiting; those of one tenant go in order of arrival (except bulk).
   */
  run<T>(caller: Caller, ms: number, work: () => Promise<T>): Promise<T | undefined>;
  /** Calls that wait get no slot. */
  dismiss(): void;
}

/** Every fourth slot that a tenant waited for goes to its oldest call of any kind, so that bulk does not starve. */
const BULK_TURN = 4;

interface Waiting {
  readonly lane: Lane;
  /** got: a slot came free */
  readonly end: (got: boolean) => void;
}

/** The waiting calls of one tenant, oldest first. */
interface Line {
  readonly waiting: Waiting[];
  /** slots granted after waiting */
  given: number;
}

export function createBulkhead(slots: number): Bulkhead {
  const syncSlots = Math.max(1, Math.floor(slots / 2));
  /** waiting tenants; the one whose turn is next comes first */
  const lines = new Map<string, Line>();
  const busy: Record<Lane, number> = { request: 0, bulk: 0, sync: 0 };

  const free = (lane: Lane): boolean =>
    busy.request + busy.bulk + busy.sync < slots && (lane !== 'sync' || busy.sync < syncSlots);

  function nextOf({ waiting, given }: Line): Waiting | undefined {
    const oldest = waiting.find((each) => free(each.lane));
    if (given % BULK_TURN === BULK_TURN - 1) return oldest;
    return waiting.find((each) => each.lane !== 'bulk' && free(each.lane)) ?? oldest;
  }

  function remove(tenant: string, line: Line, gone: Waiting): void {
    line.waiting.splice(line.waiting.indexOf(gone), 1);
    if (line.waiting.length === 0) lines.delete(tenant);
  }

  function leave(lane: Lane): void {
    busy[lane] -= 1;
    for (const [tenant, line] of lines) {
      const next = nextOf(line);
      if (next === undefined) continue;
      // the others come first now
      lines.delete(tenant);
      lines.set(tenant, line);
      remove(tenant, line, next);
      line.given += 1;
      busy[next.lane] += 1;
      next.end(true);
      return;
    }
  }

  /** Whether a slot came free in time. */
  function turn({ tenant, lane }: Caller, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const line = lines.get(tenant) ?? { waiting: [], given: 0 };
      lines.set(tenant, line);
      const waiting: Waiting = {
        lane,
        end(got) {
          clearTimeout(timer);
          resolve(got);
        },
      };
      const timer = setTimeout(() => {
        remove(tenant, line, waiting);
        resolve(false);
      }, ms);
      line.waiting.push(waiting);
    });
  }

  return {
    async run(caller, ms, work) {
      const { lane } = caller;
      if (free(lane)) busy[lane] += 1;
      else if (!(await turn(caller, ms))) return undefined;
      try {
        return await work();
      } finally {
        leave(lane);
      }
    },
    dismiss() {
      const all = [...lines.values()].flatMap(({ waiting }) => waiting);
      lines.clear();
      for (const { end } of all) end(false);
    },
  };
}
