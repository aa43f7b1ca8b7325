/** ADMIN_TOKEN: who may see the status page and the board. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { BridgeError } from '../errors.ts';

export interface AdminToken {
  /** SHA-256 of ADMIN_TOKEN, hex; undefined: there is no page */
  readonly tokenHash: string | undefined;
  /** counts an attempt by address before the check, undoes it if right; throws BridgeError 429 after too many */
  readonly failures: { attempt(address: string): () => void };
}

/** Whether the request has the token; if not, it is answered 404, 401 or 429. Answers are never cached. */
export function allowed(request: Request, response: Response, { tokenHash, failures }: AdminToken): boolean {
  response.set('Cache-Control', 'no-store');
  if (tokenHash === undefined) {
    send(response, 404, 'there is no page: ADMIN_TOKEN is not set');
    return false;
  }
  const refusal = refusalOf(request, Buffer.from(tokenHash, 'hex'), failures);
  if (refusal === undefined) return true;
  response.set(refusal.headers);
  if (refusal.retryAfter !== undefined) response.set('Retry-After', String(Math.ceil(refusal.retryAfter)));
  send(response, refusal.status, refusal.message);
  return false;
}

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="scim-bridge", charset="UTF-8"' };

/** Why the page is not shown; undefined: the token is right. */
function refusalOf(
  { headers, ip }: Request,
  digest: Buffer,
  failures: AdminToken['failures'],
): BridgeError | undefined {
  const token = tokenOf(headers.authorization);
  if (token === undefined) return new BridgeError(401, 'send ADMIN_TOKEN as the password', { headers: CHALLENGE });
  try {
    const right = failures.attempt(ip ?? '');
    if (!timingSafeEqual(hash('sha256', token, 'buffer'), digest))
      return new BridgeError(401, 'this is not ADMIN_TOKEN', { headers: CHALLENGE });
    right();
    return undefined;
  } catch (error) {
    if (error instanceof BridgeError) return error;
    throw error;
  }
}

/** A browser sends the token as the password with any user name (RFC 7617); others as bearer (RFC 6750). */
function tokenOf(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(authorization?.trim() ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(credentials, 'base64').toString();
  return text.slice(text.indexOf(':') + 1);
}

export function send(response: Response, status: number, text: string): void {
  response.status(status).type('text').send(`${text}\n`);
}
