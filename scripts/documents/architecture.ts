/** The states of a row in docs/architecture.md, from THE STATES OF A ROW. The rest of that document is written by hand. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EDGES } from '../../src/bridge/row/states.ts';
import type { GeneratedDocument } from './document.ts';

const FILE = 'docs/architecture.md';
const BEGIN = '<!-- generated: row states -->';
const END = '<!-- end -->';

const idOf = (state: string): string => state.replaceAll(' ', '_');

const named = [...new Set(EDGES.flatMap(({ from, to }) => [from, to]))].filter((state) => state.includes(' '));

const DIAGRAM = [
  BEGIN,
  '',
  '```mermaid',
  'stateDiagram-v2',
  ...named.map((state) => `  state "${state}" as ${idOf(state)}`),
  '  [*] --> absent',
  ...EDGES.map(
    ({ from, event, to, when }) => `  ${idOf(from)} --> ${idOf(to)}: ${event}${when === undefined ? '' : ` (${when})`}`,
  ),
  '```',
  '',
  END,
].join('\n');

export const architecture: GeneratedDocument = {
  file: FILE,
  render: () => {
    const path = resolve(import.meta.dirname, '../..', FILE);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '# Architecture\n\n## The states of a row\n\n';
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    if (begin < 0 || end < begin) return `${text.trimEnd()}\n\n${DIAGRAM}\n`;
    return text.slice(0, begin) + DIAGRAM + text.slice(end + END.length);
  },
};
