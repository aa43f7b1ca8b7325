/** Filter text to filter tree: recursive descent over RFC 7644 §3.4.2.2, figure 1; `not` binds tighter than `and`, `and` than `or`. */

import { splitPath } from '../mapping/attribute-path.ts';
import type { CompareOp, Key } from '../mapping/comparison.ts';
import { invalidFilter, type FilterNode } from '../mapping/filter.ts';
import { tokenize, type Token } from './filter-tokens.ts';

/** Longest filter text, in characters, and deepest nesting of parentheses and brackets: far beyond any client, far below any harm. */
const MAX_LENGTH = 10_000;
const MAX_DEPTH = 50;
/** Most comparisons of one filter: each is tried on each user. */
const MAX_TERMS = 200;

const OPERATORS: ReadonlySet<string> = new Set<CompareOp>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * The tree of a filter; attribute names are not looked up yet. Operators and the words and, or, not, true, false, null may be in any
 * case. `emails[type eq "work"].value eq "a"`, which clients borrow from PATCH paths (RFC 7644 §3.5.2), is read as
 * `emails[type eq "work" and value eq "a"]`. Throws 400 invalidFilter with the position.
 */
export function parseFilter(text: string): FilterNode {
  if (text.length > MAX_LENGTH) throw invalidFilter(`longer than ${MAX_LENGTH} characters`);
  return createParser(tokenize(text)).whole();
}

function createParser(tokens: readonly Token[]): { whole(): FilterNode } {
  const last: Token = { kind: 'end', text: '', start: 0, end: 0 };
  let at = 0;
  let depth = 0;
  let terms = 0;

  const peek = (ahead = 0): Token => tokens[at + ahead] ?? last;
  const next = (): Token => tokens[at++] ?? last;
  const isWord = (token: Token, word: string): boolean => token.kind === 'word' && token.text.toLowerCase() === word;

  function expected(what: string, token: Token): never {
    throw invalidFilter(
      token.kind === 'end' ? `ends where ${what} is expected` : `expected ${what} at position ${token.start}`,
    );
  }

  function joined(kind: 'and' | 'or', part: () => FilterNode): FilterNode {
    const first = part();
    if (!isWord(peek(), kind)) return first;
    const nodes = [first];
    while (isWord(peek(), kind)) {
      next();
      nodes.push(part());
    }
    return { kind, nodes };
  }

  const expression = (): FilterNode => joined('or', () => joined('and', term));

  function enclosed(close: ')' | ']'): FilterNode {
    const open = next();
    depth += 1;
    if (depth > MAX_DEPTH) throw invalidFilter(`nested deeper than ${MAX_DEPTH} levels at position ${open.start}`);
    const inner = expression();
    if (peek().kind !== close) expected(`and, or or "${close}"`, peek());
    next();
    depth -= 1;
    return inner;
  }

  function term(): FilterNode {
    if (peek().kind === '(') return enclosed(')');
    if (isWord(peek(), 'not') && peek(1).kind === '(') {
      next();
      return { kind: 'not', node: enclosed(')') };
    }
    const token = next();
    if (token.kind !== 'word' || !splitPath(token.text)) expected('an attribute name, "(" or not (', token);
    return peek().kind === '[' ? valuePath(token.text) : condition(token.text);
  }

  function valuePath(path: string): FilterNode {
    const filter = enclosed(']');
    const token = peek();
    const adjacent = tokens[at - 1]?.end === token.start;
    if (!adjacent || token.kind !== 'word' || !token.text.startsWith('.')) return { kind: 'valuePath', path, filter };
    next();
    const sub = token.text.slice(1);
    if (splitPath(sub)?.name !== sub) expected('a sub-attribute name', token);
    return { kind: 'valuePath', path, filter: { kind: 'and', nodes: [filter, condition(sub)] } };
  }

  function condition(path: string): FilterNode {
    terms += 1;
    if (terms > MAX_TERMS) throw invalidFilter(`more than ${MAX_TERMS} comparisons`);
    const token = next();
    if (isWord(token, 'pr')) return { kind: 'present', path };
    const op = token.text.toLowerCase();
    if (token.kind !== 'word' || !OPERATORS.has(op)) expected('one of eq ne co sw ew gt ge lt le pr', token);
    return { kind: 'compare', path, op: op as CompareOp, value: value(next()) };
  }

  function value(token: Token): Key | null {
    if (token.kind === 'string') return token.text;
    const word = token.kind === 'word' ? WORDS.get(token.text.toLowerCase()) : undefined;
    if (word !== undefined) return word;
    const number = token.kind === 'word' && NUMBER.test(token.text) ? Number(token.text) : Number.NaN;
    if (!Number.isFinite(number)) expected('a string in double quotes, a number, true, false or null', token);
    return number === 0 ? 0 : number; // -0 is 0
  }

  return {
    whole() {
      const filter = expression();
      if (peek().kind !== 'end') expected('and, or or the end', peek());
      return filter;
    },
  };
}
