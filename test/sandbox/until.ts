import assert from 'node:assert/strict';

/** Waits for a condition, at most five seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await condition())) {
    assert(performance.now() < end, 'waited too long');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
