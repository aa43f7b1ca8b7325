/**
 * Writes the documents that are made from the tables of the code: `node scripts/generate.ts`.
 * `--check` writes nothing and fails with the lines that differ. A new document is one row in DOCUMENTS.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { architecture } from './documents/architecture.ts';
import { clients } from './documents/clients.ts';
import { commands } from './documents/commands.ts';
import type { GeneratedDocument } from './documents/document.ts';
import { errors } from './documents/errors.ts';
import { mapping } from './documents/mapping.ts';
import { envExample, settings } from './documents/settings.ts';

const DOCUMENTS: readonly GeneratedDocument[] = [
  envExample,
  settings,
  mapping,
  errors,
  clients,
  commands,
  architecture,
];

const root = resolve(import.meta.dirname, '..');

/** Lines that differ, at most 20, with their numbers. */
function difference(is: string, should: string): string[] {
  const [left, right] = [is.split('\n'), should.split('\n')];
  const lines: string[] = [];
  for (let at = 0; at < Math.max(left.length, right.length) && lines.length < 20; at += 1) {
    if (left[at] === right[at]) continue;
    if (left[at] !== undefined) lines.push(`  ${at + 1} - ${left[at]}`);
    if (right[at] !== undefined) lines.push(`  ${at + 1} + ${right[at]}`);
  }
  return lines;
}

const check = process.argv.includes('--check');
for (const { file, render } of DOCUMENTS) {
  const path = resolve(root, file);
  const is = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const should = render();
  if (is === should) continue;
  if (check) {
    console.error(`${file} is out of step with the code: npm run generate\n${difference(is, should).join('\n')}`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, should);
    console.log(`wrote ${file}`);
  }
}
