/** The attributes of a group (RFC 7643 §4.2). Where they live in ZITADEL: mapping/groups. */
import { attribute, COMMON } from './attributes.ts';
import type { ResourceSchema, Schema } from './schema.ts';

export const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

const immutable = { mutability: 'immutable' } as const;
const exact = { caseExact: true } as const;

/** What /Schemas shows (RFC 7643 §8.7.1): without the common attributes. */
export const GROUP_SCHEMA: Schema = {
  id: GROUP_URN,
  name: 'Group',
  description: 'A group of persons; it may hold other groups.',
  attributes: [
    attribute('displayName', 'string', 'The name of the group.', { required: true }),
    attribute('members', 'complex', 'The members of the group.', {
      multiValued: true,
      subAttributes: [
        attribute('value', 'string', 'The id of the member.', { ...immutable, ...exact }),
        attribute('$ref', 'reference', 'The URL of the member.', {
          ...immutable,
          ...exact,
          referenceTypes: ['User', 'Group'],
        }),
        attribute('type', 'string', 'What the member is.', { ...immutable, canonicalValues: ['User', 'Group'] }),
        attribute('display', 'string', 'The name of the member.', { mutability: 'readOnly' }),
      ],
    }),
  ],
};

/** What bodies, filters and patches are checked against: common attributes included. */
export const GROUP: ResourceSchema = {
  core: { ...GROUP_SCHEMA, attributes: [...COMMON, ...GROUP_SCHEMA.attributes] },
  extensions: [],
};
