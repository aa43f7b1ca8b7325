/** The access token of a service user: a personal access token, or one that is fetched, cached and renewed early. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Failure } from './decode.ts';
import { seconds } from './decode.ts';

/** A service user's key file as ZITADEL's console gives it. */
export interface ServiceKey {
  readonly keyId: string;
  /** PEM, PKCS#1 or PKCS#8 */
  readonly key: string;
  readonly userId: string;
  /** when the key expires, as ZITADEL writes it: RFC 3339 */
  readonly expirationDate?: string;
}

export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  /** id: the login name of the service user */
  | { readonly kind: 'client'; readonly id: string; readonly secret: string }
  | { readonly kind: 'key'; readonly key: ServiceKey };

export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface Tokens {
  /** The token to use now; concurrent callers share one fetch. */
  get(): Promise<TokenResult>;
  /** ZITADEL refused this token: true when a fresh one can be obtained. */
  refused(token: string): boolean;
}

/** Without the audience scope ZITADEL's own API refuses the token. */
const SCOPE = 'openid urn:zitadel:iam:org:project:id:zitadel:aud';

export function createTokens(url: string, credential: Credential, deadlineMs: number): Tokens {
  if (credential.kind === 'token') {
    const result: TokenResult = { kind: 'token', token: credential.token };
    return { get: () => Promise.resolve(result), refused: () => false };
  }
  let kept: { readonly token: string; readonly renewAt: number; readonly endsAt: number } | undefined;
  let fetching: Promise<TokenResult> | undefined;

  async function renew(): Promise<TokenResult> {
    try {
      const { token, lifeMs } = await fetchToken(url, await grantOf(credential, url), deadlineMs);
      const now = Date.now();
      // a tenth early, so that a call started now does not end with an expired token
      kept = { token, renewAt: now + lifeMs * 0.9, endsAt: now + lifeMs };
      return { kind: 'token', token };
    } catch (error) {
      if (kept !== undefined && Date.now() < kept.endsAt) return { kind: 'token', token: kept.token };
      return { kind: 'failed', failure: error instanceof TokenError ? error.failure : lost(error) };
    } finally {
      fetching = undefined;
    }
  }

  return {
    get() {
      if (kept !== undefined && Date.now() < kept.renewAt) return Promise.resolve({ kind: 'token', token: kept.token });
      fetching ??= renew();
      return fetching;
    },
    refused(token) {
      if (kept?.token === token) kept = undefined;
      return true;
    },
  };
}

interface Grant {
  readonly body: Readonly<Record<string, string>>;
  readonly authorization?: string;
}

async function grantOf(credential: Credential, url: string): Promise<Grant> {
  if (credential.kind === 'client') {
    // RFC 6749 §2.3.1: both parts are form-encoded before they are joined
    const pair = `${encodeURIComponent(credential.id)}:${encodeURIComponent(credential.secret)}`;
    return {
      body: { grant_type: 'client_credentials' },
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
    };
  }
  if (credential.kind !== 'key') throw new TypeError('a personal access token needs no grant');
  const { keyId, key, userId } = credential.key;
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256', kid: keyId })
    .setIssuer(userId)
    .setSubject(userId)
    .setAudience(url)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey(key));
  return { body: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion } };
}

/** jose itself does not read PKCS#1. */
function privateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // reported below
  }
  throw new TokenError(unusable('the key of the service user is not a PEM private key of RSA'));
}

/** The credential itself is invalid: there is nothing to send. */
function unusable(message: string): Failure {
  return { call: 'token', code: 'UNAUTHENTICATED', id: null, message, fate: 'never', cause: 'answer' };
}

async function fetchToken(url: string, grant: Grant, deadlineMs: number): Promise<{ token: string; lifeMs: number }> {
  const response = await fetch(`${url}/oauth/v2/token`, {
    method: 'POST',
    headers: grant.authorization === undefined ? {} : { authorization: grant.authorization },
    body: new URLSearchParams({ ...grant.body, scope: SCOPE }),
    signal: AbortSignal.timeout(deadlineMs),
  });
  const text = await textOf(response);
  const answer = parse(text);
  const { access_token: token, expires_in: life } = answer;
  if (response.ok && typeof token === 'string')
    return { token, lifeMs: (typeof life === 'number' ? life : 300) * 1000 };
  throw new TokenError(refusal(response, answer, text));
}

/** A token is a few kilobytes. */
const ANSWER_MAX_BYTES = 1024 * 1024;

/** The body as text; throws when it is longer than any answer of a token endpoint. */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // leaving the loop cancels the body
    if (text.length > ANSWER_MAX_BYTES) throw new Error('the answer of the token endpoint was too large to be read');
  }
  return text + decoder.decode();
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

class TokenError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** RFC 6749 §5.2: 400 and 401 are about the credential; anything else is an outage. */
function refusal(response: Response, answer: Readonly<Record<string, unknown>>, text: string): Failure {
  const { status, headers } = response;
  // ZITADEL does not recognise its own host name: the same text as in any call
  if (text.includes(UNKNOWN_HOST)) return { ...outage(text.trim().slice(0, 500)), code: 'NOT_FOUND', cause: 'answer' };
  const why = [answer['error'], answer['error_description']].filter((each) => typeof each === 'string').join(': ');
  const message = `token endpoint: HTTP ${status} ${why}`.trim();
  if (status === 400 || status === 401) return unusable(message);
  const retryAfter = seconds(headers.get('retry-after'));
  const cause = status === 429 ? 'limited' : status >= 502 ? 'away' : 'answer';
  return { ...outage(message), cause, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

const UNKNOWN_HOST = 'unable to set instance';

/** The call that needed the token was not sent, however the fetch failed. */
function outage(message: string): Failure {
  return { call: 'token', code: 'UNAVAILABLE', id: null, message, fate: 'never', cause: 'away' };
}

const lost = (error: unknown): Failure => outage(wordsOf(error));

/** fetch gives the reason only in the cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error
    ? `${error.message}: ${cause.message || String((cause as NodeJS.ErrnoException).code)}`
    : error.message;
}
