/**
 * Long work in slices, so that nobody waits for it: before each piece it asks whether its slice is over, and lets the event loop turn.
 * The slices of this process go one to a turn, however many long works there are: a request beside them waits for one of them.
 */

/** Longest slice, ms: a request needs several turns of the event loop, and none of them may take long. */
const SLICE_MS = 4;

/** Works that wait for a slice, oldest first. */
const waiting: (() => void)[] = [];
/** When the slice that runs began (performance.now). */
let began = Number.NEGATIVE_INFINITY;

function turn(): void {
  began = performance.now();
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(turn);
}

/** Whether what runs should wait for its next slice now. */
export const sliceIsOver = (): boolean => performance.now() - began > SLICE_MS;

/** Resolves when the next slice may begin: after a turn of the event loop at least. */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(turn);
  });
}
