/** docs/security.md: every claim names tests that exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';

const read = (file: string): string => readFileSync(resolve(import.meta.dirname, file), 'utf8');

const cells = (line: string): string[] =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

/** The rows of every table, with what its last column says. */
const rows = read('../docs/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));

/** Whether a test of the file is called so, or begins so. */
function hasTest(file: string, name: string): boolean {
  const names = [...read(file).matchAll(/\b(?:test|it)\(\s*(?<quote>['"`])(?<name>.*?)(?<!\\)\k<quote>/gs)];
  // names in a table of cases are texts of the file too
  return names.some(({ groups }) => groups?.['name']?.startsWith(name)) || read(file).includes(`['${name}`);
}

describe('docs/security.md', () => {
  test('every table has a column of tests, and every row of it names one', () => {
    assert.ok(rows.length > 50);
    const bare = rows.filter((row) => {
      const last = cells(row).at(-1) ?? '';
      return last !== 'Test' && !last.includes(' › ');
    });
    assert.deepEqual(bare, []);
  });

  test('every test that it names is there', () => {
    const absent = rows
      .map((row) => cells(row).at(-1) ?? '')
      .filter((last) => last !== 'Test')
      .flatMap((last) => last.split('; '))
      .filter((reference) => {
        const [file = '', name = ''] = reference.split(' › ');
        return name === '' || !existsSync(resolve(import.meta.dirname, file)) || !hasTest(file, name);
      });
    assert.deepEqual(absent, []);
  });
});
