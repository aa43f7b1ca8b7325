/** Writes that survive a failover: acknowledged once enough replicas have them (WAIT). */
import { unavailable } from '../unavailable.ts';
import type { Client } from './client.ts';

/**
 * Resolves when everything this client wrote since its `times`th connection is on that many replicas; rejects when
 * it may not be.
 */
export type Confirm = (times: number) => Promise<void>;

export function createConfirm(client: Client, replicas: number, timeoutMs: number): Confirm {
  let asked: Promise<number> | undefined;
  let next: Promise<number> | undefined;
  const wait = (): Promise<number> => {
    const answer = client.ask((redis) => redis.wait(replicas, timeoutMs));
    asked = answer;
    answer.finally(() => (asked = undefined)).catch(() => undefined);
    return answer;
  };

  /** At most one WAIT is running; later writes share the next one. */
  function shared(): Promise<number> {
    if (asked === undefined) return wait();
    next ??= asked
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return wait();
      });
    return next;
  }

  return async (times) => {
    const count = await shared();
    // WAIT covers the writes of its own connection
    if (count >= replicas && client.times() === times) return;
    throw unavailable(new Error(`the write is on ${count} replicas, ${replicas} are asked for`));
  };
}
