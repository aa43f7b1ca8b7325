/** Size limit of one user: list values added by a PATCH count together with the existing ones. */
import { BridgeError } from '../../errors.ts';
import type { ScimUser } from './use-cases.ts';

/** Bytes of SCIM JSON; equal to the body limit of one user. */
const MAX_BYTES = 1_048_576;

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/**
 * Throws 400 invalidValue naming the largest attribute for a user of more than 1 MB. A larger user from ZITADEL may
 * change, as long as it does not grow.
 */
export function checkSize(user: ScimUser, before: ScimUser = {}): void {
  const size = sizeOf(user);
  if (size <= MAX_BYTES || size <= sizeOf(before)) return;
  const [largest = ''] = Object.keys(user).toSorted((a, b) => sizeOf(user[b]) - sizeOf(user[a]));
  throw new BridgeError(400, `the user would be larger than 1 MB, most of it ${largest}: send less`, {
    scimType: 'invalidValue',
  });
}
