/** Authentication: from the Authorization header to a tenant and the name of the token (RFC 7644 §2). */
import { hash, timingSafeEqual } from 'node:crypto';
import { BridgeError } from '../../errors.ts';
import type { Clock } from '../../bridge/ports/context.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import { isGuessable, readAuthorization } from './authorization.ts';
import { createJwtCheck, type JwtAccess } from './jwt.ts';
import { createPasswordCheck, type PasswordAccess } from './passwords.ts';
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
  readonly basic?: PasswordAccess;
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
   * The tenant a request belongs to. Throws 401 with WWW-Authenticate, 429 after ten failures a minute from one address (a password or a
   * token that could be guessed is then not looked at, a valid token of 128 bits or more passes), 503 when the keys of a JWT issuer
   * cannot be fetched.
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
  const basics = tenants.flatMap(({ tenant, basic }) => (basic ? [{ tenant, ...basic }] : []));
  const passwords = createPasswordCheck(basics);
  const jwt = createJwtCheck(
    tenants.flatMap(({ tenant, jwt }) => (jwt ? [{ tenant, ...jwt }] : [])),
    clock,
  );
  const failures = createFailures(clock);
  const realms = basics.length > 0 ? 'Bearer realm="scim", Basic realm="scim"' : 'Bearer realm="scim"';

  const refusal = (detail: string): BridgeError =>
    new BridgeError(401, detail, { headers: { 'WWW-Authenticate': realms } });

  const expired = (name: string): BridgeError =>
    refusal(`the token "${name}" has expired: make a new one and enter it here`);
  const unknown = (): BridgeError => refusal('the bearer token is not valid: check it, or make a new one');

  /** A guessable credential counts as a guess until it is found to be right. */
  function short(token: string, address: string): Identity {
    const right = failures.attempt(address);
    const found = pick(tokens, sha256(token));
    if (found === undefined) throw unknown();
    if (isOver(found)) throw expired(found.who);
    right();
    return found;
  }

  const isOver = ({ expires }: Candidate): boolean => expires !== undefined && expires <= clock();

  async function bearer(token: string, address: string): Promise<Identity> {
    if (isGuessable(token)) return short(token, address);
    const found = pick(tokens, sha256(token));
    if (found !== undefined && !isOver(found)) return found;
    try {
      const identity = found === undefined ? await jwt(token) : undefined;
      if (identity !== undefined) return identity;
    } catch (error) {
      failures.attempt(address); // its validity is unknown, but it counts as one of the address's attempts
      throw error;
    }
    failures.attempt(address);
    throw found === undefined ? unknown() : expired(found.who);
  }

  async function basic(credentials: string, address: string): Promise<Identity> {
    failures.holdBack(address);
    const text = Buffer.from(credentials, 'base64').toString();
    const colon = text.indexOf(':');
    const attempt = (): (() => void) => failures.attempt(address);
    const at = await passwords.check(text.slice(0, Math.max(0, colon)), text.slice(colon + 1), attempt);
    const found = at === undefined ? undefined : basics[at];
    if (found === undefined) throw refusal('user name or password is not valid');
    return { tenant: found.tenant, who: 'basic' };
  }

  return {
    async identify(authorization, address) {
      const { scheme, credentials } = readAuthorization(authorization);
      if (scheme === 'bearer' && credentials !== '') return bearer(credentials, address);
      if (scheme === 'basic' && credentials !== '' && basics.length > 0) return basic(credentials, address);
      throw refusal('send the token as "Authorization: Bearer <token>"');
    },
  };
}

/** The candidate with that digest. Compares all of them, so that timing does not reveal which tenant came close. */
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
