/** docs/mapping.md from THE ATTRIBUTE TABLE and the schema. */
import { attributeAt } from '../../src/mapping/attribute-path.ts';
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { GROUP_ATTRIBUTES } from '../../src/mapping/group-attributes.ts';
import { RULES_KEY } from '../../src/mapping/groups.ts';
import { USER } from '../../src/mapping/schema.ts';
import { code, type GeneratedDocument, note, table } from './document.ts';

const TEXT = `# Attributes

Every SCIM attribute of a user, and where it is stored in ZITADEL. Values are stored in ZITADEL's own form. If that differs from what
the client sent, the original text is stored as metadata, and clients read it back.
`;

const GROUPS = `## Groups

A group's definition is one metadata value of the group store user, the machine user \`scim-groups-<organization id>\`. A membership
is one metadata key of the member. More: [groups.md](groups.md).
`;

function userRow({ path, place }: (typeof ATTRIBUTES)[number]): readonly string[] {
  const extension = USER.extensions.find(({ id }) => id === path);
  if (extension) return [code(path), 'complex', place, 'readWrite', extension.description];
  const { type, multiValued, mutability, description } = attributeAt(path, USER);
  return [code(path), multiValued ? `${type}, many` : type, place, mutability, description];
}

export const mapping: GeneratedDocument = {
  file: 'docs/mapping.md',
  render: () => {
    const groups = GROUP_ATTRIBUTES.map(({ path, values, place }) => [
      code(values === undefined ? path : `${path} (${values})`),
      place,
    ]);
    return [
      TEXT,
      note('src/mapping/attributes.ts'),
      '',
      table(['SCIM', 'Type', 'ZITADEL', 'Mutability', 'Meaning'], ATTRIBUTES.map(userRow)),
      '',
      GROUPS,
      table(
        ['SCIM', 'ZITADEL'],
        [...groups, [code('the rules in force'), `JSON in metadata ${RULES_KEY} of the holder`]],
      ),
      '',
    ].join('\n');
  },
};
