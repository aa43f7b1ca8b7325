/** /Groups (RFC 7644 §3.2 to §3.6). Members are asked for only when the answer shows them: a group may have thousands. */
import type { GroupEdit, GroupResource } from '../../bridge/requests/use-cases.ts';
import { GROUP_URN } from '../../mapping/schema.ts';
import type { Projection } from '../../mapping/project.ts';
import { contentHash } from '../http/content-hash.ts';
import { etagsOf, matches } from '../http/etags.ts';
import { readGroupBody } from './group-body.ts';
import { readGroupPatch } from './group-patch.ts';
import { groupProjection, renderLargeGroup } from './group-resource.ts';
import { checkSchemas, listAnswer, PATCH_URN } from '../http/messages.ts';
import { groupLocation, located } from '../http/meta.ts';
import { mapped } from '../http/pages.ts';
import { asked, bodyParameters, listQuery, type Parameters } from '../http/query.ts';
import { invalid } from '../http/refusals.ts';
import type { ScimRequest, Serve } from '../http/request.ts';
import type { Answer } from '../http/respond.ts';

/** Most members of a group that the answer to a PATCH shows unasked: nobody reads them, and a large group has megabytes of them. */
const MAX_SHOWN = 200;

const projectionOf = ({ parameters }: ScimRequest): Projection => groupProjection(asked(parameters));
const membersOf = (request: ScimRequest): { readonly members: boolean } => ({
  members: projectionOf(request).wants('members'),
});

/** POST (RFC 7644 §3.3). The hash tells a repeat of the same request from a clash. */
export const createGroup: Serve = async (request) => {
  const body = await request.body();
  checkSchemas(body, GROUP_URN);
  const { displayName, externalId, members = [] } = readGroupBody(body, request.ignore);
  if (displayName === undefined) throw invalid('displayName is required');
  const group = { displayName, ...(typeof externalId === 'string' && { externalId }), members };
  const { resource, ended } = await request.tenant.groups.create(request.ctx, { ...group, hash: contentHash(group) });
  return { ...(await shown(201, resource, request)), ended };
};

/** GET of one group (RFC 7644 §3.4.1); 304 when If-None-Match names its version (§3.14), which needs no members. */
export const getGroup: Serve = async (request) => {
  const { tenant, ctx, id, headers } = request;
  const confirmed = etagsOf(headers['if-none-match']);
  if (confirmed) {
    const found = await tenant.groups.get(ctx, id, { members: false });
    if (matches(confirmed, found.etag)) return { status: 304, headers: headersOf(found, request) };
  }
  return shown(200, await tenant.groups.get(ctx, id, membersOf(request)), request);
};

/**
 * PUT (RFC 7644 §3.5.1, which lets a server keep what is absent): a body without displayName, externalId or members leaves them,
 * `members: []` empties the group. Wizard-made Okta apps rename by a PUT, and a lost member is a lost right.
 */
export const replaceGroup: Serve = async (request) => {
  const body = await request.body();
  checkSchemas(body, GROUP_URN);
  const { members, ...rest } = readGroupBody(body, request.ignore);
  const wish: GroupEdit = { ...rest, members: members === undefined ? [] : [{ kind: 'replace', ids: members }] };
  return shown(200, await edit(wish, request, membersOf(request).members), request);
};

/**
 * PATCH (RFC 7644 §3.5.2): 200 with the group, or 204 for a large one and where the tenant asks for that (Microsoft, use-scim-to-
 * provision-users-and-groups.md). A request that names `attributes` gets 200, as the RFC demands.
 */
export const patchGroup: Serve = async (request) => {
  const { tenant, ctx, id, base, parameters } = request;
  const body = await request.body();
  checkSchemas(body, PATCH_URN);
  const wish = readGroupPatch(body, { id, base, ignore: request.ignore });
  const { members } = membersOf(request);
  if (asked(parameters).attributes) return shown(200, await edit(wish, request, members), request);
  const resource = await edit(wish, request, false);
  if (tenant.groupPatchAnswer === 'empty' || resource.memberCount > MAX_SHOWN)
    return { status: 204, headers: { Location: groupLocation(id, base), ETag: resource.etag } };
  return shown(200, members ? await tenant.groups.get(ctx, id, { members }) : resource, request);
};

/** DELETE (RFC 7644 §3.6). */
export const deleteGroup: Serve = async ({ tenant, ctx, id, headers }) => {
  await tenant.groups.remove(ctx, id, etagsOf(headers['if-match']));
  return { status: 204 };
};

/** GET of the list (RFC 7644 §3.4.2). */
export const listGroups: Serve = (request) => list(request.parameters, request);

/** POST /Groups/.search (RFC 7644 §3.4.3). */
export const searchGroups: Serve = async (request) => list(bodyParameters(await request.body()), request);

async function list(parameters: Parameters, { tenant, ctx, base }: ScimRequest): Promise<Answer> {
  const query = listQuery(parameters);
  const projection = groupProjection(asked(parameters));
  const { total, resources } = await tenant.groups.list(ctx, {
    ...query,
    members: projection.wants('members'),
    location: (id) => groupLocation(id, base),
  });
  return listAnswer(
    total,
    query.startIndex,
    mapped(resources, (resource) => renderLargeGroup(resource, base, projection)),
  );
}

function edit(wish: GroupEdit, { tenant, ctx, id, headers }: ScimRequest, members: boolean): Promise<GroupResource> {
  const ifMatch = etagsOf(headers['if-match']);
  return tenant.groups.edit(ctx, id, ifMatch ? { ...wish, ifMatch } : wish, { members });
}

function headersOf({ id, etag }: GroupResource, { base }: ScimRequest): Readonly<Record<string, string>> {
  return { ...located(groupLocation(id, base)), ETag: etag };
}

async function shown(status: number, resource: GroupResource, request: ScimRequest): Promise<Answer> {
  return {
    status,
    headers: headersOf(resource, request),
    body: await renderLargeGroup(resource, request.base, projectionOf(request)),
  };
}
