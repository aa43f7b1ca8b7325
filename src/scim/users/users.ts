/** /Users (RFC 7644 §3.2 to §3.6). */
import type { Edit, UserResource } from '../../bridge/requests/use-cases.ts';
import { USER } from '../../mapping/schema.ts';
import type { Asked } from '../../mapping/project.ts';
import type { Json } from '../http/body.ts';
import { coerceResource } from '../coerce.ts';
import { contentHash } from '../http/content-hash.ts';
import { etagsOf, matches } from '../http/etags.ts';
import type { Ignore } from '../http/ignored.ts';
import { patchLeaves, putLeaves } from '../patch/leave.ts';
import { checkSchemas, listAnswer, PATCH_URN } from '../http/messages.ts';
import { located, userLocation } from '../http/meta.ts';
import { mapped } from '../http/pages.ts';
import { readPatch } from '../patch/patch.ts';
import { asked, bodyParameters, listQuery, type Parameters } from '../http/query.ts';
import { readUserBody } from '../quirks.ts';
import { invalid } from '../http/refusals.ts';
import type { ScimRequest, Serve } from '../http/request.ts';
import type { Answer } from '../http/respond.ts';
import { createShape } from '../shape.ts';
import { projectionOf, renderUser } from './user-resource.ts';

const shape = createShape(USER);

/** POST (RFC 7644 §3.3). The hash tells a repeat of the same request from a clash. */
export const createUser: Serve = async (request) => {
  const { user, password } = readUser(await request.body(), request.ignore);
  const hash = contentHash(user);
  const { resource, ended } = await request.tenant.users.create(request.ctx, {
    user,
    hash,
    ...(password !== undefined && { password }),
  });
  return { ...shown(201, resource, request), ended };
};

/** GET of one user (RFC 7644 §3.4.1); 304 when If-None-Match names its version (§3.14). */
export const getUser: Serve = async (request) => {
  const resource = await request.tenant.users.get(request.ctx, request.id);
  const confirmed = etagsOf(request.headers['if-none-match']);
  if (confirmed && matches(confirmed, resource.etag)) return { status: 304, headers: headersOf(resource, request) };
  return shown(200, resource, request);
};

/** PUT (RFC 7644 §3.5.1). Clears what is absent, except active and password: wizard-made Okta apps leave those out. userName is required. */
export const replaceUser: Serve = async (request) => {
  const body = await request.body();
  const wish = leaving(
    () => putLeaves(body, shape),
    (): Edit => {
      const { user, password } = readUser(body, request.ignore);
      const apply: Edit['apply'] = (base) => ({
        user: { ...kept(base, 'active'), ...user },
        touched: user['active'] === undefined ? [] : ['active'],
      });
      return { method: 'PUT', apply, ...(password !== undefined && { password }) };
    },
  );
  return edit(wish, request);
};

/** PATCH (RFC 7644 §3.5.2): 200 with the user, always. */
export const patchUser: Serve = async (request) => {
  const body = await request.body();
  const wish = leaving(
    () => patchLeaves(body, shape),
    (): Edit => {
      checkSchemas(body, PATCH_URN);
      const { apply, touched, password } = readPatch(body, shape, request.ignore);
      const patch: Edit['apply'] = (base) => ({ user: apply(base), touched });
      return { method: 'PATCH', apply: patch, ...(password !== undefined && { password }) };
    },
  );
  return edit(wish, request);
};

/** DELETE (RFC 7644 §3.6). */
export const deleteUser: Serve = async ({ tenant, ctx, id, headers }) => {
  await tenant.users.remove(ctx, id, etagsOf(headers['if-match']));
  return { status: 204 };
};

/** GET of the list (RFC 7644 §3.4.2). */
export const listUsers: Serve = (request) => list(request.parameters, request);

/** POST /Users/.search (RFC 7644 §3.4.3). */
export const searchUsers: Serve = async (request) => list(bodyParameters(await request.body()), request);

async function list(parameters: Parameters, { tenant, ctx, base }: ScimRequest): Promise<Answer> {
  const query = listQuery(parameters);
  const projection = projectionOf(asked(parameters));
  const { total, resources } = await tenant.users.list(ctx, { ...query, location: (id) => userLocation(id, base) });
  return listAnswer(
    total,
    query.startIndex,
    mapped(resources, (resource) => renderUser(resource, base, projection)),
  );
}

/** The wish of a request; of one that asks for active=false and cannot be read, that alone. */
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

async function edit(wanted: Edit, request: ScimRequest): Promise<Answer> {
  const ifMatch = etagsOf(request.headers['if-match']);
  const resource = await request.tenant.users.edit(request.ctx, request.id, ifMatch ? { ...wanted, ifMatch } : wanted);
  return shown(200, resource, request);
}

/** A whole user from a body, its clear password apart: that never becomes part of a resource. Throws 400. */
function readUser(body: Json, ignore: Ignore): { readonly user: Json; readonly password: string | undefined } {
  checkSchemas(body, USER.core.id);
  const { password, ...user } = coerceResource(readUserBody(body, shape), shape, ignore);
  if (user['userName'] === undefined) throw invalid('userName is required');
  return { user, password: typeof password === 'string' ? password : undefined };
}

function shown(status: number, resource: UserResource, request: ScimRequest): Answer {
  const wanted: Asked = asked(request.parameters);
  return {
    status,
    headers: headersOf(resource, request),
    body: renderUser(resource, request.base, projectionOf(wanted)),
  };
}

function headersOf({ id, etag }: UserResource, { base }: ScimRequest): Readonly<Record<string, string>> {
  return { ...located(userLocation(id, base)), ETag: etag };
}

function kept(base: Json, name: string): Json {
  return base[name] === undefined ? {} : { [name]: base[name] };
}
