/** Every regular expression of the sources takes time in step with its input, or its input is bounded: what a stranger sends must not stop the process. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parseSync, Visitor } from 'oxc-parser';
import { check } from 'recheck';

/** Where it stands, its source, and what bounds its input: only what the checker cannot prove. */
const BOUNDED: readonly (readonly [file: string, start: string, reason: string])[] = [
  ['src/config/redis-address.ts', '(?:(?<user>', 'an address of at most 4,000 characters, set by the operator'],
  ['src/config/redis-address.ts', '\\s*(?:\\[', 'an address of at most 4,000 characters, set by the operator'],
];

/** Files that put expressions together from parts; the parts are literals and are looked at. */
const COMPOSED: ReadonlySet<string> = new Set(['src/config/redis-address.ts']);

interface Found {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

/** The literals of a source, and whether it makes expressions out of texts. */
function expressionsOf(file: string, source: string): { readonly found: readonly Found[]; readonly composes: boolean } {
  const { program, errors } = parseSync(file, source);
  assert.deepEqual(errors, [], file);
  const found: Found[] = [];
  let composes = false;
  new Visitor({
    Literal(node) {
      if ('regex' in node) found.push({ file, ...node.regex });
    },
    Identifier(node) {
      if (node.name === 'RegExp' && source.slice(node.end).trimStart().startsWith('(')) composes = true;
    },
    // a text given to match, matchAll or search becomes an expression
    CallExpression({ callee, arguments: [first] }) {
      const name = callee.type === 'MemberExpression' && 'name' in callee.property ? callee.property.name : undefined;
      const isText =
        first?.type === 'TemplateLiteral' || (first?.type === 'Literal' && typeof first.value === 'string');
      if ((name === 'match' || name === 'matchAll' || name === 'search') && isText) composes = true;
    },
  }).visit(program);
  return { found, composes };
}

/** undefined: proved to be linear */
async function complaintOf({ pattern, flags }: Found): Promise<string | undefined> {
  const result = await check(pattern, flags, { checker: 'automaton', timeout: 20_000 });
  if (result.status === 'safe') return undefined;
  return result.status === 'unknown' ? `cannot be judged (${result.error.kind})` : result.complexity?.summary;
}

const root = resolve(import.meta.dirname, '..');
const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => ({
  file,
  ...expressionsOf(file, readFileSync(resolve(root, file), 'utf8')),
}));

test('every regular expression is linear, or what bounds its input is said', async () => {
  const all = sources.flatMap(({ found }) => found);
  assert.ok(all.length > 50, 'the sources were not found');
  const wrong: string[] = [];
  const unused = new Set(BOUNDED);
  for (const each of all) {
    const exempt = BOUNDED.find(([file, start]) => file === each.file && each.pattern.startsWith(start));
    if (exempt !== undefined) unused.delete(exempt);
    const complaint = await complaintOf(each);
    if (complaint !== undefined && exempt === undefined)
      wrong.push(`${each.file}: /${each.pattern}/${each.flags} ${complaint}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual([...unused], [], 'said to be bounded, but not there');
});

test('no regular expression is made out of a text at run time', () => {
  const composing = sources.filter(({ composes }) => composes).map(({ file }) => file);
  assert.deepEqual(composing, [...COMPOSED]);
});

test('the checker sees what once stopped the process', async () => {
  for (const [pattern, flags] of [
    ['^\\s*(\\S+)\\s+(\\S.*?)\\s*$', 's'],
    ['^[A-Za-z0-9+/_\\s-]*={0,2}\\s*$', ''],
    ['^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$', ''],
    ['\\/+$', ''],
    ['^(a+)+$', ''],
  ] as const)
    assert.ok(await complaintOf({ file: '', pattern, flags }), pattern);
});
