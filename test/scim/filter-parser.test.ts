import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { refuses } from '../mapping/refusal.ts';

const eq = (path: string, value: unknown): object => ({ kind: 'compare', path, op: 'eq', value });

test('RFC 7644 §3.4.2.2 figure 1: values', () => {
  const values: Readonly<Record<string, unknown>> = {
    '"x"': 'x',
    '""': '',
    '"a \\"b\\" \\\\ \\/ \\n \\u00e9 )] and"': 'a "b" \\ / \n é )] and',
    '"\\ud83d\\ude00"': '😀',
    true: true,
    False: false,
    NULL: null,
    '0': 0,
  };
  for (const [text, value] of Object.entries(values))
    assert.deepEqual(parseFilter(`a eq ${text}`), eq('a', value), text);
});

test('a number is kept as it was written too, for attributes that hold texts', () => {
  for (const [text, value] of [
    ['-0', 0],
    ['-12.5e+1', -125],
    ['1.0', 1],
    ['400559977632107558', Number('400559977632107558')],
  ] as const)
    assert.deepEqual(parseFilter(`a eq ${text}`), { ...eq('a', value), written: text });
});

test('a value without quotes, or in single ones, ends at the next blank or bracket (goauthentik/authentik#16455)', () => {
  const values: Readonly<Record<string, string>> = {
    akadmin: 'akadmin',
    'ada@example.com': 'ada@example.com',
    zoë: 'zoë',
    '2026-01-31T08:00:00Z': '2026-01-31T08:00:00Z',
    '007': '007',
    '1.': '1.',
    '1e999': '1e999',
    "O'Neill": "O'Neill",
    "'ada'": 'ada',
    "'Ada King'": 'Ada King',
    "'O'Neill'": "O'Neill",
    "'true'": 'true',
    "''": '',
    'a,b;c': 'a,b;c',
  };
  for (const [text, value] of Object.entries(values)) {
    assert.deepEqual(parseFilter(`a eq ${text}`), eq('a', value), text);
    assert.deepEqual(parseFilter(`(a eq ${text}) and b[a eq ${text}]`), {
      kind: 'and',
      nodes: [eq('a', value), { kind: 'valuePath', path: 'b', filter: eq('a', value) }],
    });
  }
});

test('an operator behind brackets asks for the value; brackets behind the URN of a schema hold its attributes (Entra ID)', () => {
  const type = eq('type', 'work');
  const both = { kind: 'and', nodes: [type, eq('value', 'a')] };
  assert.deepEqual(parseFilter('emails[type eq "work"] eq "a"'), { kind: 'valuePath', path: 'emails', filter: both });
  assert.deepEqual(parseFilter('emails[type eq "work"]eq a'), parseFilter('emails[type eq "work"].value eq "a"'));
  for (const urn of [
    'urn:ietf:params:scim:schemas:core:2.0:User',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    'URN:ietf:params:scim:schemas:core:2.0:GROUP',
    'urn:scim:schemas:core:1.0',
  ]) {
    const within = parseFilter(`${urn}[a eq "x" and b[c eq 1] or not (urn:x:d pr)] and e pr`);
    const outside = parseFilter(`(${urn}:a eq "x" and ${urn}:b[c eq 1] or not (urn:x:d pr)) and e pr`);
    assert.deepEqual(within, outside);
  }
});

test('RFC 7644 §3.4.2.2 every operator, in any case', () => {
  for (const op of ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])
    assert.deepEqual(parseFilter(`a ${op.toUpperCase()} "x"`), { kind: 'compare', path: 'a', op, value: 'x' });
  assert.deepEqual(parseFilter(' a\tPR '), { kind: 'present', path: 'a' });
});

test('RFC 7644 §3.4.2.2 not binds tighter than and, and tighter than or', () => {
  const [a, b, c] = [eq('a', 1), eq('b', 2), eq('c', 3)];
  const texts: Readonly<Record<string, object>> = {
    'a eq 1 or b eq 2 and c eq 3': { kind: 'or', nodes: [a, { kind: 'and', nodes: [b, c] }] },
    'a eq 1 AND b eq 2 Or c eq 3': { kind: 'or', nodes: [{ kind: 'and', nodes: [a, b] }, c] },
    'a eq 1 and (b eq 2 or c eq 3)': { kind: 'and', nodes: [a, { kind: 'or', nodes: [b, c] }] },
    'not (a eq 1) and b eq 2': { kind: 'and', nodes: [{ kind: 'not', node: a }, b] },
    'NOT(a eq 1 and b eq 2)': { kind: 'not', node: { kind: 'and', nodes: [a, b] } },
    'a eq 1 and b eq 2 and c eq 3': { kind: 'and', nodes: [a, b, c] },
    '((a eq 1))': a,
  };
  for (const [text, tree] of Object.entries(texts)) assert.deepEqual(parseFilter(text), tree, text);
});

test('RFC 7644 §3.4.2.2 value paths, and a name behind them as one more condition', () => {
  const type = eq('type', 'work');
  assert.deepEqual(parseFilter('emails[type eq "work"]'), { kind: 'valuePath', path: 'emails', filter: type });
  assert.deepEqual(parseFilter('emails[type eq "work" or not (a pr)] and b pr'), {
    kind: 'and',
    nodes: [
      {
        kind: 'valuePath',
        path: 'emails',
        filter: { kind: 'or', nodes: [type, { kind: 'not', node: { kind: 'present', path: 'a' } }] },
      },
      { kind: 'present', path: 'b' },
    ],
  });
  assert.deepEqual(parseFilter('emails[type eq "work"].value eq "a"'), {
    kind: 'valuePath',
    path: 'emails',
    filter: { kind: 'and', nodes: [type, eq('value', 'a')] },
  });
});

test('RFC 7644 §3.10 names are kept as written; words of the grammar may be names', () => {
  const urn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref';
  for (const path of [urn, 'a.b', 'not', 'and', 'pr', 'true', '__proto__', 'a-b_c1'])
    assert.deepEqual(parseFilter(`${path} eq 1`), eq(path, 1));
});

test('RFC 7644 §3.12 malformed filters are invalidFilter with a position', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    '': /ends/,
    ' ': /ends/,
    a: /ends where one of eq/,
    'a eq': /ends/,
    'a zz "x"': /position 2/,
    'a eq "bob': /position 5/,
    'a eq "bob\\"': /position 5/,
    'a eq "\\x"': /position 5/,
    "a eq 'bob": /position 5/,
    "a eq 'b\"b'": /position 5/,
    'a eq b"b"': /position 6/,
    'a eq Ada King': /and, or or the end at position 9/,
    'a eq and b pr': /position 5/,
    'a eq or': /position 5/,
    'a eq not (b pr)': /position 5/,
    'a eq b\u0000': /position 6/,
    'urn:ietf:params:scim:schemas:core:2.0:User[urn:scim:schemas:core:1.0[a pr]]': /position/,
    'urn:ietf:params:scim:schemas:core:2.0:User[a pr].b pr': /position/,
    'a eq "\n"': /position 5/,
    'a eq "x""y"': /position 8/,
    'a eq"x"': /position 4/,
    'a eq "x"and b pr': /position 8/,
    '"a" eq "b"': /position 0/,
    '(a pr': /ends where and, or or "\)"/,
    'a pr)': /position 4/,
    '()': /position 1/,
    'not a pr': /position 4/,
    'not not (a pr)': /position 4/,
    'a pr and': /ends/,
    'and a pr': /position 4/,
    'a pr b pr': /position 5/,
    'a[b pr': /"\]"/,
    'a[b pr)': /position 6/,
    'a[]': /position 2/,
    'a[b pr].c': /ends/,
    'a[b pr] .c pr': /position 8/,
    'a[b pr].c.d pr': /position 7/,
    'a[b pr].c[d pr]': /position 9/,
    'a.b.c pr': /position 0/,
    'a..b pr': /position 0/,
    ':a pr': /position 0/,
    'a: pr': /position 0/,
    'a pr; drop': /position 4/,
    'é pr': /position 0/,
  };
  for (const [text, detail] of Object.entries(refused)) refuses(() => parseFilter(text), 'invalidFilter', detail);
});

test('nesting and length are bounded', () => {
  const nested = (levels: number): string => `${'('.repeat(levels)}a pr${')'.repeat(levels)}`;
  assert.deepEqual(parseFilter(nested(50)), { kind: 'present', path: 'a' });
  refuses(() => parseFilter(nested(51)), 'invalidFilter', /50 levels/);
  refuses(() => parseFilter('not ('.repeat(1_900)), 'invalidFilter', /50 levels/);
  refuses(() => parseFilter(`a eq "${'x'.repeat(10_000)}"`), 'invalidFilter', /10000/);
  const beside = parseFilter(Array.from({ length: 60 }, () => '(a pr)').join(' and '));
  assert.equal(beside.kind, 'and');
  const wide = (terms: number): string => Array.from({ length: terms }, () => 'a pr').join(' and ');
  const tree = parseFilter(wide(200));
  assert.ok(tree.kind === 'and' && tree.nodes.length === 200);
  refuses(() => parseFilter(wide(201)), 'invalidFilter', /200 comparisons/);
  const inside = `b[${wide(100)}] or b[${wide(100)}]`;
  assert.equal(parseFilter(inside).kind, 'or');
  refuses(() => parseFilter(`${inside} or a pr`), 'invalidFilter', /200 comparisons/);
});
