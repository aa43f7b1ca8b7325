/** docs/mapping.md from THE ATTRIBUTE TABLE. */
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Attributes

Each SCIM attribute of a user and where it lives in ZITADEL. Values are stored in the form ZITADEL keeps them in; where
that differs from what the client sent, the text that was sent is kept as metadata and shown to the client.
`;

export const mapping: GeneratedDocument = {
  file: 'docs/mapping.md',
  render: () => {
    const rows = ATTRIBUTES.map((row) => [
      code(row.path),
      row.multiValued ? `${row.type}, many` : row.type,
      row.place,
      row.mutability,
      row.description,
    ]);
    return [
      TEXT,
      note('src/mapping/attributes.ts'),
      '',
      table(['SCIM', 'Type', 'ZITADEL', 'Mutability', 'Meaning'], rows),
      '',
    ].join('\n');
  },
};
