/** JWT access tokens of an identity provider (RFC 9068), by issuer, audience and key set of the tenant. */
import { createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { BridgeError } from '../../errors.ts';
import type { Clock } from '../../bridge/ports/context.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import { createKeyFetch } from './key-fetch.ts';

export interface JwtAccess {
  readonly issuer: string;
  /** Entra ID tokens carry different ones, so it is a setting (clients: Microsoft Entra ID, JWT mode) */
  readonly audience: string;
  readonly jwksUri: string;
  /** claims that must have this value, or be a list that holds it: an issuer and an audience alone may be shared by many clients */
  readonly require?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** what the header must name as its type, e.g. at+jwt (RFC 9068 §2.1): an ID token of the same issuer is none */
  readonly typ?: string | undefined;
}

/** Asymmetric ones only: with HS256 the public key would be enough to sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_TOLERANCE_SECONDS = 30;

type JwtCheck = (token: string) => Promise<{ readonly tenant: Tenant; readonly who: string } | undefined>;

/** Makes the check: the tenant whose issuer and audience the token names, once the token is proved; undefined when it is not. */
export function createJwtCheck(tenants: readonly (JwtAccess & { readonly tenant: Tenant })[], clock: Clock): JwtCheck {
  const keys = new Map<string, JWTVerifyGetKey>();
  for (const { jwksUri } of tenants)
    if (!keys.has(jwksUri))
      keys.set(jwksUri, createRemoteJWKSet(new URL(jwksUri), { [customFetch]: createKeyFetch(clock) }));

  return async (token) => {
    const claims = tenants.length > 0 ? unproved(token) : undefined;
    if (!claims) return undefined;
    const { iss, aud } = claims;
    const audiences = typeof aud === 'string' ? [aud] : (aud ?? []);
    const named = tenants.find(({ issuer, audience }) => issuer === iss && audiences.includes(audience));
    const getKey = named && keys.get(named.jwksUri);
    if (!named || !getKey) return undefined;
    try {
      const { payload } = await jwtVerify(token, getKey, {
        issuer: named.issuer,
        audience: named.audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock()),
        ...(named.typ === undefined ? {} : { typ: named.typ }),
      });
      if (!meets(payload, named.require)) return undefined;
    } catch (error) {
      if (isTokensFault(error)) return undefined;
      // identity providers stop for good at a 401 (Entra ID quarantines): keys that cannot be fetched are not the token's fault
      throw new BridgeError(503, 'the keys for verifying tokens cannot be fetched right now', {
        retryAfter: 10,
        cause: error,
      });
    }
    return { tenant: named.tenant, who: 'jwt' };
  };
}

function meets(claims: Readonly<Record<string, unknown>>, wanted: JwtAccess['require'] = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return Array.isArray(claim) ? claim.includes(value) : claim === value;
  });
}

function unproved(token: string): { readonly iss?: string; readonly aud?: string | string[] } | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** jose's own errors are about the token, but for a key set that is slow, malformed or answered by an error (the bare JOSEError). */
function isTokensFault(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError) || error.constructor === errors.JOSEError) return false;
  return !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid);
}
