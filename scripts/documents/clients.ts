/** docs/clients.md from THE QUIRKS TABLE. */
import { QUIRKS } from '../../src/scim/quirks.ts';
import { type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Clients

Every shape in which a client is known to send users, what it is read as, and the document that shows it. Each has its
exchange in \`test/idp/<client>/<shape>.json\`. Shapes are told by their form, not by who sends them.
`;

export const clients: GeneratedDocument = {
  file: 'docs/clients.md',
  render: () => {
    const rows = QUIRKS.map((row) => [row.client, row.shape, row.reading, row.document]);
    return [TEXT, note('src/scim/quirks.ts'), '', table(['Client', 'Shape', 'Read as', 'Document'], rows), ''].join(
      '\n',
    );
  },
};
