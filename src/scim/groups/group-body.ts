/** A group in the body of a POST or PUT, and its attributes as single values. */
import type { Json } from '../http/body.ts';
import { coerceOne } from '../coerce.ts';
import { isEmpty } from '../forms.ts';
import type { Ignore } from '../http/ignored.ts';
import { memberIds } from './group-members.ts';
import { invalid } from '../http/refusals.ts';
import { GROUP } from '../../mapping/schema.ts';
import { createShape } from '../shape.ts';

export const GROUP_SHAPE = createShape(GROUP);

/** Longest displayName and externalId: longer than clients use, far below ZITADEL's limit. */
const LONGEST_NAME = 1000;

/** What a body contains; absent fields leave the group unchanged. */
interface GroupBody {
  readonly displayName?: string;
  /** null: clear it */
  readonly externalId?: string | null;
  /** each id once */
  readonly members?: readonly string[];
}

/**
 * Reads a body. `displayName: null` and `members: null` count as absent: clients use null for unknown values
 * (RFC 7643 §2.5), which must not empty a group; `members: []` does. Throws 400 invalidValue.
 */
export function readGroupBody(body: Json, ignore: Ignore): GroupBody {
  for (const key of Object.keys(body)) if (!GROUP_SHAPE.core.has(key.toLowerCase())) ignore(key);
  const of = new Map(Object.keys(body).map((key) => [GROUP_SHAPE.core.get(key.toLowerCase())?.name, body[key]]));
  const [displayName, members] = [of.get('displayName') ?? undefined, of.get('members') ?? undefined];
  return {
    ...(displayName !== undefined && { displayName: groupName(displayName) }),
    ...(of.has('externalId') && { externalId: groupExternalId(of.get('externalId')) }),
    ...(members !== undefined && { members: [...new Set(memberIds(members))] }),
  };
}

/** Throws 400 invalidValue if it is empty, blank, too long or not a text. */
export function groupName(value: unknown): string {
  const name = text(value, 'displayName');
  if (name === null || name.trim() === '') throw invalid('displayName is required and must not be empty');
  return name;
}

/** null for "no value". Throws 400 invalidValue. */
export function groupExternalId(value: unknown): string | null {
  return text(value, 'externalId');
}

function text(value: unknown, name: 'displayName' | 'externalId'): string | null {
  const attribute = GROUP_SHAPE.core.get(name.toLowerCase());
  if (isEmpty(value) || attribute === undefined) return null;
  const read = coerceOne(value, attribute, name);
  if (typeof read !== 'string') return null;
  if (read.length > LONGEST_NAME) throw invalid(`${name} is longer than ${LONGEST_NAME} characters`);
  return read;
}
