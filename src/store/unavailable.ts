/** What a store says when it can not do its work: every failure is the same to whoever asks, not now. */
import { BridgeError } from '../errors.ts';

export function unavailable(cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  return new BridgeError(503, 'The bridge cannot store anything at the moment; try again later.', {
    retryAfter: 5,
    cause,
  });
}

export const shuttingDown = (): BridgeError => new BridgeError(503, 'The bridge is shutting down.', { retryAfter: 5 });
