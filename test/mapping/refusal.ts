import assert from 'node:assert/strict';
import { BridgeError, type ScimErrorType } from '../../src/errors.ts';

/** Asserts that the call ends in a 400 with this scimType, and a detail that matches when one is given. */
export function refuses(call: () => unknown, scimType: ScimErrorType, detail?: RegExp): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof BridgeError, String(error));
    assert.deepEqual([error.status, error.scimType], [400, scimType]);
    if (detail) assert.match(error.message, detail);
    return true;
  });
}
