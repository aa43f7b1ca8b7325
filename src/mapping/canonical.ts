/** canonical(value) = what ZITADEL will store for it; undefined: nothing it could store. Idempotent each. Facts measured on a real ZITADEL. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

export type Canonical = (raw: string) => string | undefined;

/** ZITADEL stores names trimmed; a blank name is none. */
export const name: Canonical = (raw) => raw.trim() || undefined;

export const email: Canonical = (raw) => raw.trim() || undefined;

const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** BCP 47 as ZITADEL writes it (en_US = en-US, EN = en), at most 10 characters; what it would store as `und` is undefined. Of an Accept-Language list the first tag counts. */
export const languageTag: Canonical = (raw) => {
  const tag = raw.split(/[,;]/, 1)[0]?.trim().replaceAll('_', '-') ?? '';
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag)) return undefined;
  let locale: Intl.Locale;
  try {
    locale = new Intl.Locale(tag);
  } catch {
    return undefined; // well-formed at first sight, but not a language tag
  }
  if (locale.language === 'und' || languages.of(locale.language) === undefined) return undefined;
  if (locale.baseName.length <= 10) return locale.baseName;
  return locale.region === undefined ? locale.language : `${locale.language}-${locale.region}`;
};

/**
 * E.164. A number without country code is undefined: ZITADEL would treat it as Swiss. A number that starts with + but
 * cannot be parsed is passed on as + and digits, for ZITADEL to refuse.
 */
export const phone: Canonical = (raw) => {
  const trimmed = raw.trim().replace(/^tel:/i, '');
  if (trimmed.length > 200) return undefined;
  const parsed = parsePhoneNumberFromString(trimmed);
  if (parsed !== undefined) return parsed.number;
  return trimmed.startsWith('+') ? `+${trimmed.replaceAll(/\D/g, '')}` : undefined;
};
