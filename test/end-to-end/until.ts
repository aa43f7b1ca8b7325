import { setTimeout as pause } from 'node:timers/promises';

/** Between two looks, ms: what is looked at needs the processor too. */
const PAUSE = 5;

/** Waits until a condition holds; fails after 20 s with what `told` says. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  told: () => string = () => 'the condition never held',
): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await pause(PAUSE))
    if (Date.now() > end) throw new Error(told());
}
