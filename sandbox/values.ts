import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { refusal, type Version } from './errors.ts';

const LOCAL = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+$/;
const LABEL = /^[a-zA-Z0-9-]{1,63}$/;

function isPlainAddress(address: string): boolean {
  const [local = '', domain = '', ...more] = address.split('@');
  const isLabel = (label: string): boolean => LABEL.test(label) && !label.startsWith('-') && !label.endsWith('-');
  return more.length === 0 && LOCAL.test(local) && domain.split('.').every(isLabel);
}

/**
 * Of version A the address syntax of HTML (input type=email): no blanks, no display form, no quoted part, ASCII only. Newer versions take
 * what RFC 5322 calls an address, blanks around it too, and store it as it is; the display form they refuse.
 */
export function email(address: string, version: Version = 'A'): string {
  if (version === 'A') {
    if (!isPlainAddress(address)) throw refusal('emailInvalid');
  } else if (/[<>]/.test(address) || !/^(?:"[^"]+"|[^\s"@]+)@[^\s@]+$/.test(address.trim()))
    throw refusal('emailNotBare');
  return address;
}

/** E.164; a number without + is taken as Swiss, however short. '' stays ''. */
export function phone(number: string): string {
  const trimmed = number.trim();
  if (trimmed === '') return '';
  const parsed = parsePhoneNumberFromString(trimmed, 'CH');
  if (parsed) return parsed.number;
  const digits = trimmed.replace(/[\s()/.-]/g, '');
  if (/^\+[1-9]\d{3,14}$/.test(digits)) return digits;
  if (/^\d{2,15}$/.test(digits)) return `+41${digits.replace(/^0/, '')}`;
  throw refusal('phoneInvalid');
}

const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** BCP 47 in canonical form; 'und' for what is no language, as ZITADEL stores it. */
export function language(tag: string | undefined): string {
  if (!tag) return 'und';
  try {
    const locale = new Intl.Locale(tag.replaceAll('_', '-'));
    return languages.of(locale.language) === undefined ? 'und' : locale.toString();
  } catch {
    return 'und';
  }
}

/** Trimmed; refused when blank. */
export function username(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '') throw refusal('usernameBlank');
  return trimmed;
}

/** Trimmed given and family name; blanks alone are refused. */
export function names(givenName: string, familyName: string): { givenName: string; familyName: string } {
  if (givenName.trim() === '') throw refusal('givenNameBlank');
  if (familyName.trim() === '') throw refusal('familyNameBlank');
  return { givenName: givenName.trim(), familyName: familyName.trim() };
}
