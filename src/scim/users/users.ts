/** /Users (RFC 7644 §3.2 to §3.6). */
import type { Edit, UserInput, UserResource } from '../../bridge/requests/use-cases.ts';
import { USER } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import { coerceResource } from '../coerce.ts';
import { contentHash } from '../http/content-hash.ts';
import type { Ignore } from '../http/ignored.ts';
import { patchLeaves, putLeaves } from '../patch/leave.ts';
import { checkSchemas, PATCH_URN } from '../http/messages.ts';
import { userLocation } from '../http/meta.ts';
import { readPatch } from '../patch/patch.ts';
import { readUserBody } from '../quirks.ts';
import { invalid } from '../http/refusals.ts';
import type { ScimRequest } from '../http/request.ts';
import { createVerbs, projectionsOf, type ResourceType } from '../http/resource.ts';
import { createShape } from '../shape.ts';
import { renderUser } from './user-resource.ts';

const shape = createShape(USER);

export const USERS: ResourceType<UserResource, UserInput, Edit> = {
  name: 'User',
  schema: USER,
  handler: ({ users }) => users,
  location: userLocation,
  projection: projectionsOf(USER),
  render: renderUser,
  readCreate: createUser,
  readReplace: replaceUser,
  readPatch: patchUser,
};

export const users = createVerbs(USERS);

/** POST (RFC 7644 §3.3). The hash tells a repeat of the same request from a clash. */
function createUser(body: Json, { ignore }: ScimRequest): UserInput {
  const { user, password } = readUser(body, ignore);
  return { user, hash: contentHash(user), ...(password !== undefined && { password }) };
}

/** PUT (RFC 7644 §3.5.1). Clears what is absent, except active and password: wizard-made Okta apps leave those out. userName is required. */
function replaceUser(body: Json, { ignore }: ScimRequest): Edit {
  return leaving(
    () => putLeaves(body, shape),
    () => {
      const { user, password } = readUser(body, ignore);
      const apply: Edit['apply'] = (base) => ({
        user: { ...kept(base, 'active'), ...user },
        touched: user['active'] === undefined ? [] : ['active'],
      });
      return { method: 'PUT', apply, ...(password !== undefined && { password }) };
    },
  );
}

/** PATCH (RFC 7644 §3.5.2): 200 with the user, always. */
function patchUser(body: Json, { ignore }: ScimRequest): Edit {
  return leaving(
    () => patchLeaves(body, shape),
    () => {
      checkSchemas(body, PATCH_URN);
      const { apply, touched, password } = readPatch(body, shape, ignore);
      const patch: Edit['apply'] = (base) => ({ user: apply(base), touched });
      return { method: 'PATCH', apply: patch, ...(password !== undefined && { password }) };
    },
  );
}

/** The changes a request asks for; if it is unreadable but requests active=false, only that. */
function leaving(leaves: () => boolean, read: () => Edit): Edit {
  try {
    return { ...read(), leaves };
  } catch (error) {
    if (!leaves()) throw error;
    const apply = (): never => {
      throw error;
    };
    return { method: 'PATCH', apply, leaves };
  }
}

/** A whole user from a body, its clear password apart: that never becomes part of a resource. Throws 400. */
function readUser(body: Json, ignore: Ignore): { readonly user: Json; readonly password: string | undefined } {
  checkSchemas(body, USER.core.id);
  const { password, ...user } = coerceResource(readUserBody(body, shape), shape, ignore);
  if (user['userName'] === undefined) throw invalid('userName is required');
  return { user, password: typeof password === 'string' ? password : undefined };
}

function kept(base: Json, name: string): Json {
  return base[name] === undefined ? {} : { [name]: base[name] };
}
