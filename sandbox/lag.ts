/** Lag of lists in milliseconds: drawn from 5 ms to idle, or from 50 ms to max while there is load. */
export interface LagOptions {
  readonly idle: number;
  readonly max: number;
}

/** As measured on a real ZITADEL: 5-40 ms idle, 50-500 ms under load. */
export const MEASURED_LAG: LagOptions = { idle: 40, max: 500 };

/** Writes per second that count as load. */
const LOAD = 100;

/** One draw per write; null: lists never lag. Counts the writes itself to know whether there is load. */
export function createLag(options: LagOptions | null, now: () => number, random: () => number): () => number {
  if (!options) return () => 0;
  let windowStart = 0;
  let inWindow = 0;
  let rate = 0;
  return () => {
    const time = now();
    const elapsed = time - windowStart;
    if (elapsed >= 200) {
      rate = elapsed < 1000 ? (inWindow * 1000) / elapsed : 0;
      windowStart = time;
      inWindow = 0;
    }
    inWindow += 1;
    const loaded = rate >= LOAD;
    const [low, high] = loaded ? [Math.min(50, options.max), options.max] : [Math.min(5, options.idle), options.idle];
    return low + random() * (high - low);
  };
}
