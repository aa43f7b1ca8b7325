/**
 * Long work in slices, so that requests do not wait for it: before each piece it checks whether its slice is over, and
 * yields to the event loop. One slice runs per turn, however many long tasks there are: a request waits for one.
 */

/** Longest slice, ms: a request needs several turns of the event loop, and none of them may take long. */
const SLICE_MS = 4;

/** Tasks waiting for a slice, oldest first. */
const waiting: (() => void)[] = [];
/** When the current slice began (performance.now). */
let began = Number.NEGATIVE_INFINITY;

function turn(): void {
  began = performance.now();
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(turn);
}

/** Whether the current task should wait for its next slice now. */
export const sliceIsOver = (): boolean => performance.now() - began > SLICE_MS;

/** Resolves when the next slice may begin: after a turn of the event loop at least. */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(turn);
  });
}
