/** docs/mapping.md from THE ATTRIBUTE TABLE. */
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { groupKey, MEMBER, RULES_KEY } from '../../src/mapping/groups.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Attributes

Each SCIM attribute of a user and where it lives in ZITADEL. Values are stored in the form ZITADEL keeps them in; where
that differs from what the client sent, the text that was sent is kept as metadata and shown to the client.
`;

const GROUPS = `## Groups

A definition is one metadata value on the holder, the machine user \`scim-groups-<organization id>\`; a membership is one
metadata key on the member. [Groups](groups.md) tells the rest.
`;

/** The places stand in src/mapping/groups.ts. */
const PLACES = [
  ['displayName', `JSON in metadata ${groupKey('<group id>')} of the holder`],
  ['externalId', `JSON in metadata ${groupKey('<group id>')} of the holder`],
  ['members (users)', `metadata ${groupKey('<group id>')} of the user, value ${MEMBER}`],
  ['members (groups)', `JSON in metadata ${groupKey('<group id>')} of the holder`],
  ['the rules in force', `JSON in metadata ${RULES_KEY} of the holder`],
] as const;

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
      GROUPS,
      table(
        ['SCIM', 'ZITADEL'],
        PLACES.map(([path, place]) => [code(path), place]),
      ),
      '',
    ].join('\n');
  },
};
