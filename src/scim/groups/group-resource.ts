/** A group as the client sees it: schemas, id, attributes, meta, cut down to what was asked for. */
import type { GroupMember, GroupResource } from '../../bridge/requests/use-cases.ts';
import { GROUP_URN } from '../../mapping/schema.ts';
import type { Projection } from '../../mapping/project.ts';
import { nextSlice, sliceIsOver } from '../../mapping/slices.ts';
import type { Json } from '../http/body.ts';
import { groupLocation, metaOf, userLocation } from '../http/meta.ts';

/** The JSON of a group (RFC 7643 §4.2). An empty group shows `members: []`, so that clients see there are none. */
function renderGroup(
  { id, displayName, externalId, members, etag, created, modified }: GroupResource,
  base: string,
  projection: Projection,
): Json {
  return projection.apply({
    schemas: [GROUP_URN],
    id,
    ...(externalId !== undefined && { externalId }),
    displayName,
    ...(members !== undefined && { members: members.map((member) => renderMember(member, base)) }),
    meta: metaOf('Group', { etag, created, modified }, groupLocation(id, base)),
  });
}

/** Members rendered at once. */
const AT_ONCE = 200;

/** As renderGroup, in slices: a group may have a hundred thousand members. */
export async function renderLargeGroup(group: GroupResource, base: string, projection: Projection): Promise<Json> {
  const { members = [] } = group;
  if (members.length <= AT_ONCE) return renderGroup(group, base, projection);
  const whole = renderGroup({ ...group, members: [] }, base, projection);
  if (whole['members'] === undefined) return whole;
  const all: unknown[] = [];
  for (let at = 0; at < members.length; at += AT_ONCE) {
    if (sliceIsOver()) await nextSlice();
    const some = renderGroup({ ...group, members: members.slice(at, at + AT_ONCE) }, base, projection)['members'];
    if (Array.isArray(some)) all.push(...(some as readonly unknown[]));
  }
  return { ...whole, members: all };
}

/** One of its `members`. */
export function renderMember({ id, display, type }: GroupMember, base: string): Json {
  return {
    value: id,
    ...(display !== null && { display }),
    type,
    $ref: type === 'User' ? userLocation(id, base) : groupLocation(id, base),
  };
}
