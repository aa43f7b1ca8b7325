import { createPublicKey, randomBytes } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { KeyPair } from './keys.ts';
import { SEED } from './seed.ts';
import type { State } from './state.ts';

/** Without this scope a token is refused by ZITADEL's own services. */
const OWN_AUDIENCE = 'urn:zitadel:iam:org:project:id:zitadel:aud';
const LIFE_SECONDS = 43_199;
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the token endpoint is asked. */
export interface TokenRequest {
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
  /** The issuer as the caller addresses it: an assertion must be meant for it. */
  readonly issuer: string;
}

/** POST /oauth/v2/token: client credentials and private-key JWT (RFC 7523 §2.1) of the seeded service user. */
export function createTokenEndpoint(
  state: Pick<State, 'tokens' | 'users' | 'commit'>,
  pair: KeyPair,
  micros: () => number,
): (request: TokenRequest) => Promise<TokenAnswer> {
  function grant(userId: string, form: URLSearchParams): TokenAnswer {
    if (state.users.get(userId)?.state !== 'active') return refuse(400, 'invalid_grant', 'user not active');
    const scopes = (form.get('scope') ?? '').split(' ');
    const token = `sandbox-${randomBytes(24).toString('base64url')}`;
    const expires = micros() + LIFE_SECONDS * 1_000_000;
    const revoked = !scopes.includes(OWN_AUDIENCE);
    state.tokens.set(token, { token, userId, revoked, expires });
    state.commit();
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: LIFE_SECONDS } };
  }

  async function byAssertion(assertion: string, issuer: string, form: URLSearchParams): Promise<TokenAnswer> {
    try {
      const key = createPublicKey(pair.publicKey);
      const { payload } = await jwtVerify(assertion, key, {
        algorithms: ['RS256'],
        audience: issuer,
        issuer: pair.file.userId,
        subject: pair.file.userId,
        maxTokenAge: '1h',
        clockTolerance: 5,
        currentDate: new Date(micros() / 1000),
      });
      return grant(payload.sub ?? '', form);
    } catch (reason) {
      return refuse(400, 'invalid_request', reason instanceof Error ? reason.message : String(reason));
    }
  }

  return async ({ form, authorization, issuer }) => {
    switch (form.get('grant_type')) {
      case 'client_credentials': {
        const [id, secret] = clientOf(form, authorization);
        if (id !== SEED.client.id || secret !== SEED.client.secret) {
          return refuse(401, 'invalid_client', 'client not found or secret wrong');
        }
        return grant(pair.file.userId, form);
      }
      case JWT_BEARER:
        return byAssertion(form.get('assertion') ?? '', issuer, form);
      default:
        return refuse(400, 'unsupported_grant_type', 'grant_type not supported');
    }
  };
}

/** Client id and secret: HTTP Basic with form-encoded parts (RFC 6749 §2.3.1), else from the form. */
function clientOf(form: URLSearchParams, authorization: string | undefined): readonly (string | null)[] {
  if (!authorization?.startsWith('Basic ')) return [form.get('client_id'), form.get('client_secret')];
  const text = Buffer.from(authorization.slice(6), 'base64').toString();
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)].map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
}

function refuse(status: number, error: string, description: string): TokenAnswer {
  return { status, body: { error, error_description: description } };
}
