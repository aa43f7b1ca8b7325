/** GET /: the status page, for whoever has ADMIN_TOKEN. */
import { hash, timingSafeEqual } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { BridgeError } from '../errors.ts';
import type { Operator } from '../bridge/operator.ts';
import type { Desk } from './desk.ts';
import { page, type Shown } from './page.ts';
import { POLICY } from './page-style.ts';

export interface PageRouterOptions {
  readonly desk: Desk;
  /** SHA-256 of ADMIN_TOKEN, hex; undefined: there is no page */
  readonly tokenHash: string | undefined;
  /** counts a wrong token by address; throws BridgeError 429 when there were too many */
  readonly failures: { count(address: string): void };
  /** the codes in a text of ZITADEL, without its words */
  readonly codes: (reason: string) => string;
}

/** Answers 404 without a token set, 401 with WWW-Authenticate without the right one, 429 after too many wrong ones. */
export function createPageRouter({ desk, tokenHash, failures, codes }: PageRouterOptions): Router {
  const router = Router();
  const digest = tokenHash === undefined ? undefined : Buffer.from(tokenHash, 'hex');
  router.get('/', async (request, response) => {
    response.set('Cache-Control', 'no-store');
    if (digest === undefined) {
      send(response, 404, 'there is no page: ADMIN_TOKEN is not set');
      return;
    }
    const refusal = refusalOf(request, digest, failures);
    if (refusal !== undefined) {
      response.set(refusal.headers);
      if (refusal.retryAfter !== undefined) response.set('Retry-After', String(Math.ceil(refusal.retryAfter)));
      send(response, refusal.status, refusal.message);
      return;
    }
    const shown = await Promise.all(
      [...desk.operators].map(([tenant, operator]) =>
        known(operator).catch((error: unknown): Shown => ({ tenant, failure: failure(error) })),
      ),
    );
    response.set({ 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' });
    response.type('html').send(page(shown, { now: desk.clock(), codes }));
  });
  return router;
}

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="scim-bridge", charset="UTF-8"' };

/** Why the page is not shown; undefined: the token is right. */
function refusalOf(
  { headers, ip }: Request,
  digest: Buffer,
  failures: PageRouterOptions['failures'],
): BridgeError | undefined {
  const token = tokenOf(headers.authorization);
  if (token === undefined) return new BridgeError(401, 'send ADMIN_TOKEN as the password', { headers: CHALLENGE });
  if (timingSafeEqual(hash('sha256', token, 'buffer'), digest)) return undefined;
  try {
    failures.count(ip ?? '');
  } catch (error) {
    if (error instanceof BridgeError) return error;
    throw error;
  }
  return new BridgeError(401, 'this is not ADMIN_TOKEN', { headers: CHALLENGE });
}

/** A browser sends the token as the password of whatever user name was typed (RFC 7617); others as bearer (RFC 6750). */
function tokenOf(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(authorization?.trim() ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(credentials, 'base64').toString();
  return text.slice(text.indexOf(':') + 1);
}

function send(response: Response, status: number, text: string): void {
  response.status(status).type('text').send(`${text}\n`);
}

async function known(operator: Operator): Promise<Shown> {
  const [state, rules] = await Promise.all([operator.state(), operator.groups.state().catch(failure)]);
  return { ...state, rules };
}

/** What can not be had is a line on the page. */
const failure = (error: unknown): string => (error instanceof BridgeError ? error.message : 'unexpected');
