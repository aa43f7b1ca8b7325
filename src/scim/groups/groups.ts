/** /Groups (RFC 7644 §3.2 to §3.6). */
import type { GroupEdit, GroupInput, GroupResource } from '../../bridge/requests/use-cases.ts';
import { GROUP, GROUP_URN } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import { contentHash } from '../http/content-hash.ts';
import { readGroupBody } from './group-body.ts';
import { readGroupPatch } from './group-patch.ts';
import { renderLargeGroup } from './group-resource.ts';
import { checkSchemas, PATCH_URN } from '../http/messages.ts';
import { groupLocation } from '../http/meta.ts';
import { asked } from '../http/query.ts';
import { invalid } from '../http/refusals.ts';
import type { ScimRequest, Serve } from '../http/request.ts';
import { createVerbs, edit, projectionsOf, type ResourceType, shown, shownBy } from '../http/resource.ts';

/** Maximum members shown in a PATCH response unless requested: clients ignore them, and they can be megabytes. */
const MAX_SHOWN = 200;

export const GROUPS: ResourceType<GroupResource, GroupInput, GroupEdit> = {
  name: 'Group',
  schema: GROUP,
  handler: ({ groups }) => groups,
  location: groupLocation,
  projection: projectionsOf(GROUP),
  render: renderLargeGroup,
  readCreate: createGroup,
  readReplace: replaceGroup,
  readPatch(body, { id, base, ignore }) {
    checkSchemas(body, PATCH_URN);
    return readGroupPatch(body, { id, base, ignore });
  },
};

export const groups = { ...createVerbs(GROUPS), patch: patchGroup };

/** POST (RFC 7644 §3.3). The hash tells a repeat of the same request from a clash. */
function createGroup(body: Json, { ignore }: ScimRequest): GroupInput {
  checkSchemas(body, GROUP_URN);
  const { displayName, externalId, members = [] } = readGroupBody(body, ignore);
  if (displayName === undefined) throw invalid('displayName is required');
  const group = { displayName, ...(typeof externalId === 'string' && { externalId }), members };
  return { ...group, hash: contentHash(group) };
}

/**
 * PUT (RFC 7644 §3.5.1, which lets a server keep what is absent): a body without displayName, externalId or members leaves them,
 * `members: []` empties the group. Wizard-made Okta apps rename by a PUT, and a lost member is a lost right.
 */
function replaceGroup(body: Json, { ignore }: ScimRequest): GroupEdit {
  checkSchemas(body, GROUP_URN);
  const { members, ...rest } = readGroupBody(body, ignore);
  return { ...rest, members: members === undefined ? [] : [{ kind: 'replace', ids: members }] };
}

/**
 * PATCH (RFC 7644 §3.5.2): 200 with the group, or 204 for a large one and where the tenant asks for that (Microsoft, use-scim-to-
 * provision-users-and-groups.md). A request that names `attributes` gets 200, as the RFC demands.
 */
async function patchGroup(request: ScimRequest): ReturnType<Serve> {
  const { tenant, ctx, id, base, parameters } = request;
  const wish = GROUPS.readPatch(await request.body(), request);
  const shows = shownBy(GROUPS, request);
  if (asked(parameters).attributes) return shown(GROUPS, 200, await edit(GROUPS, wish, request, shows), request);
  const resource = await edit(GROUPS, wish, request, { members: false });
  if (tenant.groupPatchAnswer === 'empty' || resource.memberCount > MAX_SHOWN)
    return { status: 204, headers: { Location: groupLocation(id, base), ETag: resource.etag } };
  return shown(GROUPS, 200, shows.members ? await tenant.groups.get(ctx, id, shows) : resource, request);
}
