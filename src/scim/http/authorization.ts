/** The Authorization header (RFC 9110 §11.6.2), read in one pass. */

export interface Authorization {
  /** in lower case: RFC 9110 §11.1 compares it without regard to case */
  readonly scheme: string;
  readonly credentials: string;
}

/** Scheme and credentials without the blanks around them; what is missing is ''. */
export function readAuthorization(header: string | undefined): Authorization {
  const text = header?.trim() ?? '';
  const gap = text.search(/\s/);
  if (gap < 0) return { scheme: text.toLowerCase(), credentials: '' };
  return { scheme: text.slice(0, gap).toLowerCase(), credentials: text.slice(gap).trim() };
}

/** Bits that make guessing hopeless. */
const ENOUGH_BITS = 128;

const ALPHABETS: readonly (readonly [RegExp, number])[] = [
  [/^\d*$/, 10],
  [/^[\da-f]*$/i, 16],
  [/^[\da-z]*$/, 36],
  [/^[\da-z]*$/i, 62],
];

/** Whether a token has so few characters, of so small an alphabet, that it could be guessed: even if it is random, below 128 bits. */
export function isGuessable(token: string): boolean {
  const [, letters] = ALPHABETS.find(([shape]) => shape.test(token)) ?? [/./, 64];
  return token.length * Math.log2(letters) < ENOUGH_BITS;
}
