/** Refusals that several files of this room make (RFC 7644 §3.12, table 9). Details name attributes, never values: they may be logged. */
import { BridgeError } from '../../errors.ts';

/** A value that is wrong for its attribute or parameter. */
export function invalid(detail: string): BridgeError {
  return new BridgeError(400, detail, { scimType: 'invalidValue' });
}

/** A body that is not of the shape it must have. */
export function invalidSyntax(detail: string): BridgeError {
  return new BridgeError(400, detail, { scimType: 'invalidSyntax' });
}
