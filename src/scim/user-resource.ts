/** A user as the client sees it: schemas, id, attributes, meta, cut down to what was asked for. */
import type { UserResource } from '../bridge/use-cases.ts';
import { schemasOf, USER } from '../mapping/attributes.ts';
import { createProjection, type Asked, type Projection } from '../mapping/project.ts';

export type Json = Readonly<Record<string, unknown>>;

const EVERYTHING = createProjection(USER, {});

/** The projection of a request; the one of a request that names nothing is made once. */
export function projectionOf(asked: Asked): Projection {
  return asked.attributes === undefined && asked.excludedAttributes === undefined
    ? EVERYTHING
    : createProjection(USER, asked);
}

export function userLocation(id: string, base: string): string {
  return `${base}/Users/${encodeURIComponent(id)}`;
}

/** The JSON of a user (RFC 7643 §3). `schemas` names the extensions that have a value (RFC 7643 §3.3). */
export function renderUser(
  { id, user, etag, created, modified }: UserResource,
  base: string,
  projection: Projection,
): Json {
  return projection.apply({
    schemas: schemasOf(user),
    id,
    ...user,
    meta: {
      resourceType: 'User',
      created: new Date(created).toISOString(),
      lastModified: new Date(modified).toISOString(),
      location: userLocation(id, base),
      version: etag,
    },
  });
}
