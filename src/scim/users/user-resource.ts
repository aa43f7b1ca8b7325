/** A user as the client sees it: schemas, id, attributes, meta, limited to what was requested. */
import type { GroupRef, UserResource } from '../../bridge/requests/use-cases.ts';
import { schemasOf } from '../../mapping/schema.ts';
import type { Projection } from '../../mapping/project.ts';
import type { Json } from '../http/body.ts';
import { groupLocation, metaOf, userLocation } from '../http/meta.ts';

/** The JSON of a user (RFC 7643 §3). `schemas` names the extensions that have a value (RFC 7643 §3.3). */
export function renderUser(
  { id, user, etag, created, modified, groups }: UserResource,
  base: string,
  projection: Projection,
): Json {
  return projection.apply({
    schemas: schemasOf(user),
    id,
    ...user,
    ...(groups !== undefined && groups.length > 0 && { groups: groups.map((group) => renderGroup(group, base)) }),
    meta: metaOf('User', { etag, created, modified }, userLocation(id, base)),
  });
}

/** A group of a user (RFC 7643 §4.1.2). ZITADEL knows no nesting, so every membership is a direct one. */
function renderGroup({ id, displayName }: GroupRef, base: string): Json {
  return { value: id, display: displayName, type: 'direct', $ref: groupLocation(id, base) };
}
