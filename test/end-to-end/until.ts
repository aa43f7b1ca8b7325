import { setTimeout as pause } from 'node:timers/promises';

/** Between the first two looks, ms, and the longest pause: what is looked at needs the processor too. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 50;

/** The last resort, ms: far more than any condition takes on a slow machine. */
const LAST_RESORT = 300_000;

/** Waits until a condition holds, however slow the machine is; a condition that never holds fails with what `told` says. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  told: () => string = () => 'the condition never held',
): Promise<void> {
  const end = Date.now() + LAST_RESORT;
  for (let ms = FIRST_PAUSE; !(await condition()); ms = Math.min(ms * 1.1, LONGEST_PAUSE)) {
    if (Date.now() > end) throw new Error(told());
    await pause(ms);
  }
}
