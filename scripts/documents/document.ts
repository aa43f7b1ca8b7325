/** A document that is made from a table of the code. */
export interface GeneratedDocument {
  /** path from the root of the repository */
  readonly file: string;
  /** the whole text, ending in a line break */
  readonly render: () => string;
}

/** Stands in each of them, so that nobody edits them by hand. */
export const note = (table: string): string => `<!-- Generated from ${table} by \`npm run generate\`. -->`;

/** A Markdown table. Bars and line breaks in cells are made harmless. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.map(cell)))].join('\n');
}

export const code = (text: string): string => (text ? `\`${text}\`` : '');
