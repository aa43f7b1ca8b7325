/** Runs a tenant's scans one at a time, so that other requests wait for at most one of them. */
import { BridgeError } from '../../errors.ts';
import { within } from '../timing.ts';

export interface ScanLine {
  /** Waits for its turn, in order, at most as long as a request may wait. Throws BridgeError 429. */
  run<T>(scan: () => Promise<T>): Promise<T>;
}

/** Maximum number of waiting scans; more are refused at once. */
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
    if (at < 0) return; // its turn came at the same moment
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
