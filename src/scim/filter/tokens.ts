/** The tokens of a filter (RFC 7644 §3.4.2.2, figure 1), found in one pass from left to right. */

import { invalidFilter } from '../../mapping/filter.ts';

/**
 * `text` is the token as written, or a string's value without quotes and escapes; positions count characters from 0.
 * `bare`: characters that can only be an unquoted value, as authentik sends it (goauthentik/authentik#16455).
 */
export interface Token {
  readonly kind: 'word' | 'string' | 'bare' | '(' | ')' | '[' | ']' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** of a bare run: its first character that is not allowed in a word */
  readonly odd?: number;
}

const SPACE = /[ \t\r\n]+/y;
/** attribute paths, operators, numbers, true, false, null: distinguished by position */
const WORD = /[A-Za-z0-9_$:.+-]+/y;
const BRACKET = /[()[\]]/y;
/** up to the next blank or bracket */
const RUN = /[^ \t\r\n()[\]]+/y;
/** What an unquoted value cannot contain: a double quote begins or ends a string. */
const NO_VALUE = /["\p{Cc}]/u;

/** All tokens, the last one of kind `end`. Throws 400 invalidFilter at the first character that begins none. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let free = true; // a word or string begins only after a space or a bracket
  while (at < text.length) {
    const space = take(SPACE, text, at);
    const bracket = take(BRACKET, text, at);
    if (space !== undefined || bracket !== undefined) {
      const end = at + (space ?? bracket ?? '').length;
      if (bracket !== undefined) tokens.push({ kind: bracket as '(' | ')' | '[' | ']', text: bracket, start: at, end });
      at = end;
      free = true;
      continue;
    }
    if (!free) throw invalidFilter(`expected a space at position ${at}`);
    const token = text[at] === '"' ? readString(text, at) : text[at] === "'" ? readQuoted(text, at) : readRun(text, at);
    tokens.push(token);
    at = token.end;
    free = false;
  }
  tokens.push({ kind: 'end', text: '', start: at, end: at });
  return tokens;
}

function take(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function readRun(text: string, start: number): Token {
  const run = take(RUN, text, start) ?? '';
  const word = take(WORD, text, start) ?? '';
  const end = start + run.length;
  if (word.length === run.length) return { kind: 'word', text: run, start, end };
  const odd = start + word.length;
  if (NO_VALUE.test(run))
    throw invalidFilter(`${text[odd] === '"' ? 'expected a space' : 'unexpected character'} at position ${odd}`);
  return { kind: 'bare', text: run, start, end, odd };
}

/** `'Ada'`: up to the first single quote before a blank, a bracket or the end, so that O'Neill works. */
function readQuoted(text: string, start: number): Token {
  for (let end = text.indexOf("'", start + 1); end > 0; end = text.indexOf("'", end + 1)) {
    const after = text[end + 1];
    if (after !== undefined && !' \t\r\n()[]'.includes(after)) continue;
    const value = text.slice(start + 1, end);
    if (NO_VALUE.test(value)) break;
    return { kind: 'string', text: value, start, end: end + 1 };
  }
  throw invalidFilter(`the value in single quotes at position ${start} does not end, or holds a double quote`);
}

/** A JSON string (RFC 8259 §7): its end is found here, JSON.parse handles its escapes. */
function readString(text: string, start: number): Token {
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) throw invalidFilter(`the string at position ${start} has no closing quote`);
  end += 1;
  try {
    return { kind: 'string', text: JSON.parse(text.slice(start, end)) as string, start, end };
  } catch {
    throw invalidFilter(
      `the string at position ${start} has an escape or a control character that JSON does not allow`,
    );
  }
}
