/** docs/clients.md from THE QUIRKS TABLE. */
import { type Apply, type Quirk, QUIRKS } from '../../src/scim/quirks.ts';
import { type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Clients

Every shape in which a client is known to send users and groups, what it is read as, and the document that shows it. Each has its
exchange in \`test/idp/<client>/<shape>.json\`. Shapes are told by their form, not by who sends them. "Done by" names the
function under \`src\` that sees to it, or the section that asks for no more.
`;

const functionOf = (apply: Apply): string =>
  ('body' in apply ? apply.body : 'operation' in apply ? apply.operation : apply.value).name;

const doneBy = (row: Quirk): string => ('apply' in row ? `scim/client-shapes: ${functionOf(row.apply)}` : row.where);

export const clients: GeneratedDocument = {
  file: 'docs/clients.md',
  render: () => {
    const rows = QUIRKS.map((row) => [row.client, row.shape, row.reading, doneBy(row), row.document]);
    return [
      TEXT,
      note('src/scim/quirks.ts'),
      '',
      table(['Client', 'Shape', 'Read as', 'Done by', 'Document'], rows),
      '',
    ].join('\n');
  },
};
