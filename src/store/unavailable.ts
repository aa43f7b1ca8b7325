import type { Row } from '../bridge/row/types.ts';
import { BridgeError } from '../errors.ts';

export function unavailable(cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  return new BridgeError(503, 'The bridge cannot store anything at the moment; try again later.', {
    retryAfter: 5,
    cause,
  });
}

export const shuttingDown = (): BridgeError => new BridgeError(503, 'The bridge is shutting down.', { retryAfter: 5 });

/** A row from its JSON. Throws when it is not a row. */
export function requireRow(value: unknown): Row {
  const { pending: changes, deadLetters: dead, trusted, confirmed } = (value ?? {}) as Partial<Row>;
  if (Array.isArray(changes) && Array.isArray(dead) && Array.isArray(trusted) && typeof confirmed === 'object')
    return value as Row;
  throw new TypeError('it is no row');
}
