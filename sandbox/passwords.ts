import { createHash } from 'node:crypto';
import { verify, verifySync } from '@node-rs/bcrypt';
import type { Organization, Password, PasswordRules } from './entities.ts';
import { refusal, unknown, type Version } from './errors.ts';

/** The rules of the instance. */
export const DEFAULT_RULES: PasswordRules = { minLength: 8, upper: true, lower: true, number: true, symbol: true };

const HASHES = /^\$(2[abxy]|argon2(id?|d)|scrypt|pbkdf2[-\w]*|7|1|md5\w*|ssha\w*|sha\d*)\$/;

/** A password as CreateUser and UpdateUser take it. */
export type Given =
  | { readonly case: 'password'; readonly value: { readonly password: string; readonly changeRequired: boolean } }
  | { readonly case: 'hashedPassword'; readonly value: { readonly hash: string; readonly changeRequired: boolean } }
  | { readonly case: undefined; readonly value?: undefined };

/**
 * Refuses a password that breaks the rules of the organization in whose context the call is made,
 * which need not be the user's. step: create and update answer with other ids.
 */
export function passwordOf(
  given: Given,
  context: Organization | undefined,
  step: 'create' | 'update',
  changed: number,
  version: Version = 'A',
): Password | undefined {
  if (given.case === undefined) return undefined;
  const { changeRequired } = given.value;
  if (given.case === 'hashedPassword') {
    if (!HASHES.test(given.value.hash)) throw refusal(version === 'A' ? 'hashUnknown' : 'hashNotSupported');
    return { kind: 'hash', value: given.value.hash, changeRequired, changed };
  }
  const { password } = given.value;
  obey(password, context?.passwordRules ?? DEFAULT_RULES, step);
  if (Buffer.byteLength(password) > 72) throw unknown('bcrypt: password length exceeds 72 bytes', version);
  return { kind: 'clear', value: digest(password), changeRequired, changed };
}

/** Whether this clear text opens the password; only bcrypt hashes can be tried. */
export async function opens(password: Password | undefined, text: string): Promise<boolean> {
  if (!password) return false;
  if (password.kind === 'clear') return password.value === digest(text);
  return password.value.startsWith('$2') ? await verify(text, password.value) : false;
}

/** The same without waiting: a bcrypt hash stops everything else for its time. */
export function opensNow(password: Password | undefined, text: string): boolean {
  if (!password) return false;
  if (password.kind === 'clear') return password.value === digest(text);
  return password.value.startsWith('$2') && verifySync(text, password.value);
}

function obey(password: string, rules: PasswordRules, step: 'create' | 'update'): void {
  if ([...password].length < rules.minLength) throw refusal(`${step}PasswordShort`);
  if (rules.lower && !/\p{Ll}/u.test(password)) throw refusal(`${step}PasswordLower`);
  if (rules.upper && !/\p{Lu}/u.test(password)) throw refusal(`${step}PasswordUpper`);
  if (rules.number && !/\d/.test(password)) throw refusal(`${step}PasswordNumber`);
  if (rules.symbol && !/[^\p{L}\d]/u.test(password)) throw refusal(`${step}PasswordSymbol`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
