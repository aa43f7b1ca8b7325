/** The verbs of a resource type on the wire, the same for users and groups (RFC 7644 §3.2 to §3.6). */
import type { ListQuery, Listed, ResourceHandler, Shown, Tenant } from '../../bridge/requests/use-cases.ts';
import { type Asked, createProjection, type Projection } from '../../mapping/project.ts';
import type { ResourceSchema } from '../../mapping/schema.ts';
import type { Json } from './body.ts';
import { etagsOf, matches } from './etags.ts';
import { listAnswer } from './messages.ts';
import { located } from './meta.ts';
import { mapped } from './pages.ts';
import { asked, bodyParameters, listQuery, type Parameters } from './query.ts';
import type { ScimRequest, Serve } from './request.ts';
import type { Answer } from './respond.ts';

export interface ResourceType<Resource, Input, Edit> {
  readonly name: 'User' | 'Group';
  readonly schema: ResourceSchema;
  handler(tenant: Tenant): ResourceHandler<Resource, Input, Edit>;
  location(id: string, base: string): string;
  /** The projection of a request. */
  projection(wanted: Asked): Projection;
  render(resource: Resource, base: string, projection: Projection): Json | Promise<Json>;
  /** What a POST asks for. Throws 400, as the next two. */
  readCreate(body: Json, request: ScimRequest): Input;
  /** What a PUT, or a PATCH, asks for. */
  readReplace(body: Json, request: ScimRequest): Edit;
  readPatch(body: Json, request: ScimRequest): Edit;
}

/** What every resource has. */
interface Known {
  readonly id: string;
  readonly etag: string;
}

/** The projections of a schema; the one of a request that names nothing is made once. */
export function projectionsOf(schema: ResourceSchema): (wanted: Asked) => Projection {
  const everything = createProjection(schema, {});
  return (wanted) =>
    wanted.attributes === undefined && wanted.excludedAttributes === undefined
      ? everything
      : createProjection(schema, wanted);
}

export type Verb = 'create' | 'get' | 'list' | 'search' | 'replace' | 'patch' | 'remove';

export function createVerbs<Resource extends Known, Input, Edit extends object>(
  type: ResourceType<Resource, Input, Edit>,
): Readonly<Record<Verb, Serve>> {
  return {
    async create(request) {
      const input = type.readCreate(await request.body(), request);
      const { resource, ended } = await type.handler(request.tenant).create(request.ctx, input);
      return { ...(await shown(type, 201, resource, request)), ended };
    },
    get: (request) => get(type, request),
    list: (request) => list(type, request.parameters, request),
    search: async (request) => list(type, bodyParameters(await request.body()), request),
    async replace(request) {
      const wish = type.readReplace(await request.body(), request);
      return shown(type, 200, await edit(type, wish, request, shownBy(type, request)), request);
    },
    async patch(request) {
      const wish = type.readPatch(await request.body(), request);
      return shown(type, 200, await edit(type, wish, request, shownBy(type, request)), request);
    },
    async remove({ tenant, ctx, id, headers }) {
      await type.handler(tenant).remove(ctx, id, etagsOf(headers['if-match']));
      return { status: 204 };
    },
  };
}

/** Members are loaded only when the answer shows them: a group may have thousands. */
export function shownBy(
  { projection }: Pick<ResourceType<never, never, never>, 'projection'>,
  { parameters }: ScimRequest,
): Shown {
  return { members: projection(asked(parameters)).wants('members') };
}

/** 304 when If-None-Match names the version (RFC 7644 §3.14), which needs no members. */
async function get<Resource extends Known, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  request: ScimRequest,
): Promise<Answer> {
  const { ctx, id, headers } = request;
  const handler = type.handler(request.tenant);
  const etags = etagsOf(headers['if-none-match']);
  if (etags !== undefined) {
    const found = await handler.get(ctx, id, { members: false });
    if (matches(etags, found.etag)) return { status: 304, headers: headersOf(type, found, request) };
    if (!shownBy(type, request).members) return shown(type, 200, found, request);
  }
  return shown(type, 200, await handler.get(ctx, id, shownBy(type, request)), request);
}

/** Carries out a PUT or PATCH under the ETags of If-Match (RFC 7644 §3.14). */
export function edit<Resource, Input, Edit extends object>(
  type: ResourceType<Resource, Input, Edit>,
  wish: Edit,
  { tenant, ctx, id, headers }: ScimRequest,
  shows: Shown,
): Promise<Resource> {
  const ifMatch = etagsOf(headers['if-match']);
  return type.handler(tenant).edit(ctx, id, ifMatch ? { ...wish, ifMatch } : wish, shows);
}

async function list<Resource, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  parameters: Parameters,
  request: ScimRequest,
): Promise<Answer> {
  const query = listQuery(parameters);
  const projection = type.projection(asked(parameters));
  const { total, resources } = await listed(type, request, { ...query, members: projection.wants('members') });
  return listAnswer(
    total,
    query.startIndex,
    mapped(resources, (resource) => type.render(resource, request.base, projection)),
  );
}

export function listed<Resource, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  { tenant, ctx, base }: ScimRequest,
  query: ListQuery,
): Promise<Listed<Resource>> {
  return type.handler(tenant).list(ctx, { ...query, location: (id) => type.location(id, base) });
}

export async function shown<Resource extends Known, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  status: number,
  resource: Resource,
  request: ScimRequest,
): Promise<Answer> {
  const projection = type.projection(asked(request.parameters));
  return {
    status,
    headers: headersOf(type, resource, request),
    body: await type.render(resource, request.base, projection),
  };
}

function headersOf<Resource, Input, Edit>(
  type: ResourceType<Resource, Input, Edit>,
  { id, etag }: Known,
  { base }: ScimRequest,
): Readonly<Record<string, string>> {
  return { ...located(type.location(id, base)), ETag: etag };
}
