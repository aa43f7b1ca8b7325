/** Where each SCIM attribute of a group is stored in ZITADEL. How it is written: bridge/groups. */
import { groupKey, MEMBER } from './groups.ts';

interface GroupAttributeRow {
  readonly path: string;
  /** which of its values, if stored separately */
  readonly values?: string;
  /** where it is stored, for people */
  readonly place: string;
}

const definition = `JSON in metadata ${groupKey('<group id>')} of the holder`;

export const GROUP_ATTRIBUTES: readonly GroupAttributeRow[] = [
  { path: 'schemas', place: 'computed' },
  { path: 'id', place: `key of metadata ${groupKey('<group id>')} of the holder` },
  { path: 'externalId', place: definition },
  { path: 'meta', place: 'computed' },
  { path: 'displayName', place: definition },
  { path: 'members', values: 'users', place: `metadata ${groupKey('<group id>')} of the user, value ${MEMBER}` },
  { path: 'members', values: 'groups', place: definition },
];
