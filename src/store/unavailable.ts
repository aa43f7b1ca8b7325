/** What a store says when it can not do its work: every failure is the same to whoever asks, not now. */
import type { Row } from '../bridge/ports.ts';
import { BridgeError } from '../errors.ts';

export function unavailable(cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  return new BridgeError(503, 'The bridge cannot store anything at the moment; try again later.', {
    retryAfter: 5,
    cause,
  });
}

export const shuttingDown = (): BridgeError => new BridgeError(503, 'The bridge is shutting down.', { retryAfter: 5 });

/** A row as JSON says it. Throws when that is no row. */
export function requireRow(value: unknown): Row {
  const { changes, dead, vouched, known } = (value ?? {}) as Partial<Row>;
  if (Array.isArray(changes) && Array.isArray(dead) && Array.isArray(vouched) && typeof known === 'object')
    return value as Row;
  throw new TypeError('it is no row');
}
