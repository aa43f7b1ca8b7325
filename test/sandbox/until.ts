import assert from 'node:assert/strict';

/** Waits for a condition; the five minutes are the last resort on a slow machine. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 300_000;
  while (!(await condition())) {
    assert(performance.now() < end, 'waited too long');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
