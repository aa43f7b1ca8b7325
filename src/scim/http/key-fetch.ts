/** How an issuer's key set is fetched: rarely while that fails, because any client can send a token for it. */
import { errors, type FetchImplementation } from 'jose';
import type { Clock } from '../../bridge/ports/context.ts';

/** How long a failure is cached, ms. */
const REMEMBERED_MS = 30_000;
/** Far more than any issuer has. */
const MAX_BYTES = 1_048_576;

/** For one key set. jose has one fetch under way at a time; after a failed one it gets the same failure for 30 s, without a request. */
export function createKeyFetch(clock: Clock): FetchImplementation {
  let failed: { readonly error: unknown; readonly until: number } | undefined;

  return async (url, options) => {
    if (failed !== undefined && clock() < failed.until) throw failed.error;
    try {
      const response = await fetch(url, options);
      if (response.status !== 200) throw new errors.JOSEError(`the key set is answered ${response.status}`);
      const text = await bounded(response);
      if (!isKeySet(text)) throw new errors.JWKSInvalid('the key set is malformed');
      failed = undefined;
      return new Response(text, { headers: { 'Content-Type': 'application/json' } });
    } catch (error) {
      failed = { error, until: clock() + REMEMBERED_MS };
      throw error;
    }
  };
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > MAX_BYTES) throw new errors.JWKSInvalid('the key set is larger than 1 MB');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function isKeySet(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys);
  } catch {
    return false;
  }
}
