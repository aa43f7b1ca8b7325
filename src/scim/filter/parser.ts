/** Filter text to filter tree: recursive descent over RFC 7644 §3.4.2.2, figure 1; `not` binds tighter than `and`, `and` than `or`. */

import { sameUrn, splitPath } from '../../mapping/attribute-path.ts';
import { ENTERPRISE_URN, GROUP_URN, USER_URN } from '../../mapping/schema.ts';
import type { CompareOp } from '../../mapping/comparison.ts';
import { invalidFilter, type CompareNode, type FilterNode } from '../../mapping/filter.ts';
import { tokenize, type Token } from './tokens.ts';

/** Longest filter text, in characters, and deepest nesting of parentheses and brackets: more than any client needs. */
const MAX_LENGTH = 10_000;
const MAX_DEPTH = 50;
/** Maximum comparisons of one filter: each is applied to each user. */
const MAX_TERMS = 200;

const OPERATORS: ReadonlySet<string> = new Set<CompareOp>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** URNs that can precede brackets: `<URN>[department eq "x"]` (Entra ID). */
const SCHEMAS: readonly string[] = [USER_URN, ENTERPRISE_URN, GROUP_URN];
/** Words that are not unquoted values: the value before them is missing. */
const CONNECTIVES: ReadonlySet<string> = new Set(['and', 'or', 'not']);
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * The tree of a filter; attribute names are not looked up yet. Operators and the words and, or, not, true, false, null may be in any
 * case. `emails[type eq "work"].value eq "a"`, which clients borrow from PATCH paths (RFC 7644 §3.5.2), and Entra ID's
 * `emails[type eq "work"] eq "a"` (MicrosoftDocs/azure-docs#83855) are read as `emails[type eq "work" and value eq "a"]`; a value without
 * quotes ends at the next blank or bracket. Throws 400 invalidFilter with the position.
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
  /** URN and colon, within brackets after a schema's URN */
  let schema = '';

  const peek = (ahead = 0): Token => tokens[at + ahead] ?? last;
  const next = (): Token => tokens[at++] ?? last;
  const isWord = (token: Token, word: string): boolean => token.kind === 'word' && token.text.toLowerCase() === word;

  function expected(what: string, token: Token): never {
    if (token.odd !== undefined) throw invalidFilter(`unexpected character at position ${token.odd}`);
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
    if (token.kind !== 'word') expected('an attribute name, "(" or not (', token);
    const hasBrackets = peek().kind === '[';
    if (hasBrackets && schema === '' && SCHEMAS.some((urn) => sameUrn(urn, token.text))) return ofSchema(token.text);
    if (!splitPath(token.text)) expected('an attribute name, "(" or not (', token);
    const path = token.text.includes(':') ? token.text : schema + token.text;
    return hasBrackets ? valuePath(path) : condition(path);
  }

  /** Brackets after a schema's URN are about its attributes. */
  function ofSchema(urn: string): FilterNode {
    schema = `${urn}:`;
    const filter = enclosed(']');
    schema = '';
    return filter;
  }

  function valuePath(path: string): FilterNode {
    const outer = schema;
    schema = '';
    const filter = enclosed(']');
    schema = outer;
    const token = peek();
    const withValue = (sub: string): FilterNode => ({
      kind: 'valuePath',
      path,
      filter: { kind: 'and', nodes: [filter, condition(sub)] },
    });
    if (isOperator(token)) return withValue('value');
    const adjacent = tokens[at - 1]?.end === token.start;
    if (!adjacent || token.kind !== 'word' || !token.text.startsWith('.')) return { kind: 'valuePath', path, filter };
    next();
    const sub = token.text.slice(1);
    if (splitPath(sub)?.name !== sub) expected('a sub-attribute name', token);
    return withValue(sub);
  }

  const isOperator = (token: Token): boolean =>
    token.kind === 'word' && (OPERATORS.has(token.text.toLowerCase()) || isWord(token, 'pr'));

  function condition(path: string): FilterNode {
    terms += 1;
    if (terms > MAX_TERMS) throw invalidFilter(`more than ${MAX_TERMS} comparisons`);
    const token = next();
    if (isWord(token, 'pr')) return { kind: 'present', path };
    const op = token.text.toLowerCase();
    if (!isOperator(token)) expected('one of eq ne co sw ew gt ge lt le pr', token);
    return { kind: 'compare', path, op: op as CompareOp, ...value(next()) };
  }

  /** A word that is not a number, true, false or null is an unquoted text. */
  function value(token: Token): Pick<CompareNode, 'value' | 'written'> {
    const { kind, text } = token;
    if (kind === 'string' || kind === 'bare') return { value: text };
    const word = text.toLowerCase();
    if (kind !== 'word' || CONNECTIVES.has(word))
      expected('a string in double quotes, a number, true, false or null', token);
    const constant = WORDS.get(word);
    if (constant !== undefined) return { value: constant };
    const number = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(number)) return { value: text };
    const plain = number === 0 ? 0 : number; // -0 is 0
    return String(plain) === text ? { value: plain } : { value: plain, written: text };
  }

  return {
    whole() {
      const filter = expression();
      if (peek().kind !== 'end') expected('and, or or the end', peek());
      return filter;
    },
  };
}
