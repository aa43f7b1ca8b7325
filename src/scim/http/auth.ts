/** Who asks: from the Authorization header to a tenant and the name of the token (RFC 7644 §2). */
import { hash, timingSafeEqual } from 'node:crypto';
import { BridgeError } from '../../errors.ts';
import type { Clock } from '../../bridge/ports/context.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import { createJwtCheck, type JwtAccess } from './jwt.ts';
import { createFailures } from './throttle.ts';

/** A bearer token as configured: only its hash is known. */
export interface TokenAccess {
  readonly name: string;
  /** SHA-256 of the token, hex */
  readonly sha256: string;
  /** milliseconds since 1970, from when on it is refused */
  readonly expires?: number;
}

export interface TenantAccess {
  readonly tenant: Tenant;
  readonly tokens: readonly TokenAccess[];
  readonly jwt?: JwtAccess;
  /** HTTP Basic (RFC 7617); SHA-256 of the password, hex */
  readonly basic?: { readonly user: string; readonly sha256: string };
}

export interface AccessOptions {
  readonly tenants: readonly TenantAccess[];
  readonly clock: Clock;
}

export interface Identity {
  readonly tenant: Tenant;
  /** name of the token; `jwt` or `basic` for the others */
  readonly who: string;
}

export interface Access {
  /**
   * The tenant a request belongs to. Throws 401 with WWW-Authenticate, 429 for more than ten failed tokens a minute from one
   * address (a valid token is never held back), 503 when the keys of a JWT issuer can not be fetched.
   */
  identify(authorization: string | undefined, address: string): Promise<Identity>;
}

interface Candidate extends Identity {
  readonly digest: Buffer;
  readonly expires?: number | undefined;
}

/** Builds the check once, for all tenants. */
export function createAccess({ tenants, clock }: AccessOptions): Access {
  const tokens = tenants.flatMap(({ tenant, tokens }) =>
    tokens.map(({ name, sha256: hash, expires }) => ({ tenant, who: name, digest: digestOf(hash), expires })),
  );
  const passwords = tenants.flatMap(({ tenant, basic }) =>
    // user and password are hashed as one, so that neither can be told apart by time
    basic ? [{ tenant, who: 'basic', digest: sha256(`${basic.user}:${digestOf(basic.sha256).toString('hex')}`) }] : [],
  );
  const jwt = createJwtCheck(
    tenants.flatMap(({ tenant, jwt }) => (jwt ? [{ tenant, ...jwt }] : [])),
    clock,
  );
  const failures = createFailures(clock);
  const realms = passwords.length > 0 ? 'Bearer realm="scim", Basic realm="scim"' : 'Bearer realm="scim"';

  const refusal = (detail: string): BridgeError =>
    new BridgeError(401, detail, { headers: { 'WWW-Authenticate': realms } });

  function failed(address: string, detail: string): never {
    failures.count(address);
    throw refusal(detail);
  }

  async function bearer(token: string, address: string): Promise<Identity> {
    const found = pick(tokens, sha256(token));
    if (found?.expires !== undefined && found.expires <= clock())
      failed(address, `the token "${found.who}" has expired: make a new one and enter it here`);
    const identity = found ?? (await jwt(token));
    return identity ?? failed(address, 'the bearer token is not valid: check it, or make a new one');
  }

  function basic(credentials: string, address: string): Identity {
    const text = Buffer.from(credentials, 'base64').toString();
    const colon = text.indexOf(':');
    const presented = sha256(`${text.slice(0, Math.max(0, colon))}:${sha256(text.slice(colon + 1)).toString('hex')}`);
    return pick(passwords, presented) ?? failed(address, 'user name or password is not valid');
  }

  return {
    async identify(authorization, address) {
      const [, scheme = '', credentials = ''] = /^\s*(\S+)\s+(\S.*?)\s*$/s.exec(authorization ?? '') ?? [];
      // RFC 7235 §2.1: the scheme is compared without regard to case
      if (scheme.toLowerCase() === 'bearer') return bearer(credentials, address);
      if (scheme.toLowerCase() === 'basic' && passwords.length > 0) return basic(credentials, address);
      throw refusal('send the token as "Authorization: Bearer <token>"');
    },
  };
}

/** The candidate of that digest. Looks at all of them, so that time tells nothing about which tenant came close. */
function pick(candidates: readonly Candidate[], digest: Buffer): Candidate | undefined {
  let found: Candidate | undefined;
  for (const candidate of candidates) if (timingSafeEqual(candidate.digest, digest)) found = candidate;
  return found;
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function digestOf(hex: string): Buffer {
  const digest = Buffer.from(hex, 'hex');
  if (digest.length !== 32) throw new Error('a token hash must be SHA-256 in hex, 64 digits');
  return digest;
}
