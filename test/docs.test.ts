/** Documents written by hand: what they point at exists. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const documents = globSync(['*.md', 'docs/*.md', 'docs/decisions/*.md'], { cwd: ROOT });
const read = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');

/** Paths from the root, whole or the beginning of inline code; `<name>` and `*` stand for something else. */
const PATH = /(?<=`)(?:src|sandbox|test|scripts|bench|docs)\/[\w./-]+(?![\w./<*-])/g;
const LINK = /\]\((?<file>[^)#:\s]*)(?:#(?<anchor>[^)\s]+))?\)/g;

/** Anchors as GitHub makes them of headings. */
const anchorsOf = (file: string): string[] =>
  [...read(file).matchAll(/^#+ (?<title>.+)$/gm)].map(({ groups }) =>
    (groups?.['title'] ?? '')
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

test('every path that a document names exists', () => {
  const missing = documents
    .filter((file) => file !== 'CHANGELOG.md')
    .flatMap((file) => (read(file).match(PATH) ?? []).map((path) => ({ file, path })))
    .filter(({ path }) => !existsSync(resolve(ROOT, path)));
  assert.deepEqual(missing, []);
});

test('every link between documents leads to a file and a heading', () => {
  const missing = documents.flatMap((file) =>
    [...read(file).matchAll(LINK)]
      .filter(({ groups }) => {
        const target = groups?.['file'] ? resolve(dirname(resolve(ROOT, file)), groups['file']) : resolve(ROOT, file);
        const anchor = groups?.['anchor'];
        return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
      })
      .map(([link]) => `${file}: ${link}`),
  );
  assert.deepEqual(missing, []);
});

/** Tables of docs/operations.md whose first column quotes what the code writes. */
const QUOTING = ['Log line', 'System line', 'Reason'];

test('every log line and reason that docs/operations.md explains is one that the bridge writes', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).map(read).join('\n');
  const tables = read('docs/operations.md')
    .split('\n\n')
    .filter((block) => QUOTING.some((heading) => block.startsWith(`| ${heading} |`)));
  const quoted = tables
    .flatMap((table) => table.split('\n').slice(2))
    .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(?<text>[^`]+)`/g)])
    .map(({ groups }) => groups?.['text']?.replace(/ \.\.\.$/, '') ?? '');
  assert.ok(tables.length >= 4 && quoted.length > 15, `${tables.length} tables, ${quoted.length} texts`);
  assert.deepEqual(
    quoted.filter((text) => !sources.includes(text)),
    [],
  );
});
