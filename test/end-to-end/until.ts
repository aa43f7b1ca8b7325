import { setImmediate as turn } from 'node:timers/promises';

/** Waits until a condition holds; fails after 20 s with what `told` says. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  told: () => string = () => 'the condition never held',
): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await turn())
    if (Date.now() > end) throw new Error(told());
}
