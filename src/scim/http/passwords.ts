/** Passwords of HTTP Basic (RFC 7617): people choose them, so each check is slow, and few run at once. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { verify } from '@node-rs/bcrypt';
import { BridgeError } from '../../errors.ts';

/** One user name and the bcrypt hash of its password. */
export interface PasswordAccess {
  readonly user: string;
  readonly passwordHash: string;
}

export interface PasswordCheck {
  /**
   * The position in the list of the user with this password. `attempt` is called before a password that has not been
   * right before is checked, once for concurrent requests with the same one; its result is called if it was right.
   * Throws what `attempt` throws, and 429 while too many are being checked.
   */
  check(user: string, password: string, attempt: () => () => void): Promise<number | undefined>;
}

/** A check takes about 50 ms of one core: few run at once, and more than these do not wait. */
const MAX_RUNNING = 2;
const MAX_WAITING = 100;
/** bcrypt uses no more. */
const MOST_BYTES = 72;

/** Builds the check once, for all tenants. A right password is remembered as an HMAC by a key of this process, so that it costs once. */
export function createPasswordCheck(users: readonly PasswordAccess[]): PasswordCheck {
  const key = randomBytes(32);
  const remembered = new Map<number, Buffer>();
  const underWay = new Map<string, Promise<number | undefined>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  async function turn(): Promise<void> {
    if (running < MAX_RUNNING) running += 1;
    else if (waiting.length >= MAX_WAITING)
      throw new BridgeError(429, 'too many passwords are being checked: try again', { retryAfter: 1 });
    else await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function pass(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  async function slowly(user: string, password: string): Promise<number | undefined> {
    const at = users.findIndex((each) => each.user === user);
    // an unknown user takes as long as a known one
    const hash = (users[at] ?? users[0])?.passwordHash;
    if (hash === undefined || Buffer.byteLength(password) > MOST_BYTES || password.includes('\0')) return undefined;
    await turn();
    try {
      return (await verify(password, hash)) && at >= 0 ? at : undefined;
    } finally {
      pass();
    }
  }

  async function checked(user: string, password: string, proof: Buffer, right: () => void) {
    const at = await slowly(user, password);
    if (at === undefined) return undefined;
    remembered.set(at, proof);
    right();
    return at;
  }

  return {
    async check(user, password, attempt) {
      const proof = createHmac('sha256', key)
        .update(JSON.stringify([user, password]))
        .digest();
      for (const [at, confirmed] of remembered) if (timingSafeEqual(confirmed, proof)) return at;
      const name = proof.toString('hex');
      const other = underWay.get(name);
      if (other !== undefined) return other;
      const check = checked(user, password, proof, attempt()).finally(() => underWay.delete(name));
      underWay.set(name, check);
      return check;
    },
  };
}
