/** docs/mapping.md from THE ATTRIBUTE TABLE. */
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { groupKey, MEMBER, RULES_KEY } from '../../src/mapping/groups.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Attributes

Every SCIM attribute of a user, and where it is stored in ZITADEL. Values are stored in ZITADEL's own form. If that differs from what
the client sent, the original text is stored as metadata, and clients read it back.
`;

const GROUPS = `## Groups

A group's definition is one metadata value of the group store user, the machine user \`scim-groups-<organization id>\`. A membership
is one metadata key of the member. More: [groups.md](groups.md).
`;

/** The places stand in src/mapping/groups.ts. */
const PLACES = [
  ['displayName', `JSON in metadata ${groupKey('<group id>')} of the group store user`],
  ['externalId', `JSON in metadata ${groupKey('<group id>')} of the group store user`],
  ['members (users)', `metadata ${groupKey('<group id>')} of the user, value ${MEMBER}`],
  ['members (groups)', `JSON in metadata ${groupKey('<group id>')} of the group store user`],
  ['the active rules', `JSON in metadata ${RULES_KEY} of the group store user`],
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
