/** Scans of one tenant, one at a time: however many it asks for, others wait for one of them. */
import { BridgeError } from '../../errors.ts';
import { within } from '../timing.ts';

export interface ScanLine {
  /** Waits for its turn, in order; at most so long as a request may wait. Throws BridgeError 429. */
  run<T>(scan: () => Promise<T>): Promise<T>;
}

/** Scans that wait at once; more are refused without waiting. */
const MOST_WAITING = 64;

export function createScanLine(waitMs: number): ScanLine {
  const waiting: (() => void)[] = [];
  let isBusy = false;

  async function turn(): Promise<void> {
    if (!isBusy) {
      isBusy = true;
      return;
    }
    if (waiting.length >= MOST_WAITING) throw tooMany();
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    const came = await within(
      promise.then(() => true),
      waitMs,
    );
    if (came === true) return;
    const at = waiting.indexOf(resolve);
    if (at < 0) return; // it came in the same moment
    waiting.splice(at, 1);
    throw tooMany();
  }

  return {
    async run(scan) {
      await turn();
      try {
        return await scan();
      } finally {
        const next = waiting.shift();
        if (next === undefined) isBusy = false;
        else next();
      }
    },
  };
}

const tooMany = (): BridgeError =>
  new BridgeError(
    429,
    'too many searches that look at all users or groups: wait for the answer of one before the next',
    {
      retryAfter: 5,
    },
  );
