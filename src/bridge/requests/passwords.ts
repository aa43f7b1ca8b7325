/** Incoming passwords: checked against the organization's rules, hashed, never stored in clear. */
import { hash } from '@node-rs/bcrypt';
import { BridgeError } from '../../errors.ts';
import type { PasswordRules } from '../ports/zitadel.ts';

const COST = 10;
/** bcrypt ignores further bytes. */
const MOST_BYTES = 72;

/** bcrypt hash of a clear password, computed off the event loop (47 ms). Throws 400 invalidValue quoting the rule. */
export async function hashPassword(clear: string, rules: PasswordRules): Promise<string> {
  const broken = brokenRule(clear, rules);
  if (broken !== undefined) throw new BridgeError(400, `password ${broken}`, { scimType: 'invalidValue' });
  return hash(clear, COST);
}

function brokenRule(clear: string, rules: PasswordRules): string | undefined {
  if (Buffer.byteLength(clear) > MOST_BYTES) return `must have at most ${MOST_BYTES} bytes`;
  if ([...clear].length < rules.minLength)
    return `must have at least ${rules.minLength} characters, as the organization's password policy says`;
  const demands: readonly (readonly [boolean, RegExp, string])[] = [
    [rules.uppercase, /\p{Lu}/u, 'an upper-case letter'],
    [rules.lowercase, /\p{Ll}/u, 'a lower-case letter'],
    [rules.number, /\d/, 'a digit'],
    [rules.symbol, /[^\p{L}\p{N}]/u, 'a symbol'],
  ];
  const missing = demands.find(([demanded, pattern]) => demanded && !pattern.test(clear));
  return missing === undefined ? undefined : `must contain ${missing[2]}, as the organization's password policy says`;
}
