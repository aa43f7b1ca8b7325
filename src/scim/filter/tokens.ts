/** The words of a filter (RFC 7644 §3.4.2.2, figure 1), found in one pass from left to right. */

import { invalidFilter } from '../../mapping/filter.ts';

/** `text` is the word as written, or a string's value with its escapes undone; positions count characters from 0. */
export interface Token {
  readonly kind: 'word' | 'string' | '(' | ')' | '[' | ']' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\r\n]+/y;
/** attribute paths, operators, numbers, true, false, null: told apart by where they stand */
const WORD = /[A-Za-z0-9_$:.+-]+/y;
const BRACKET = /[()[\]]/y;

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
    const token = text[at] === '"' ? readString(text, at) : readWord(text, at);
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

function readWord(text: string, start: number): Token {
  const word = take(WORD, text, start);
  if (word === undefined) throw invalidFilter(`unexpected character at position ${start}`);
  return { kind: 'word', text: word, start, end: start + word.length };
}

/** A JSON string (RFC 8259 §7): its end is looked for here, its escapes are JSON.parse's business. */
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
