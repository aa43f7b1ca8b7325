/** Where resources stand, and what is told about them (RFC 7643 §3.1). */
import type { Json } from './body.ts';

interface Versioned {
  readonly etag: string;
  /** milliseconds */
  readonly created: number;
  readonly modified: number;
}

export function userLocation(id: string, base: string): string {
  return `${base}/Users/${encodeURIComponent(id)}`;
}

export function groupLocation(id: string, base: string): string {
  return `${base}/Groups/${encodeURIComponent(id)}`;
}

export function metaOf(resourceType: 'User' | 'Group', { etag, created, modified }: Versioned, location: string): Json {
  return {
    resourceType,
    created: new Date(created).toISOString(),
    lastModified: new Date(modified).toISOString(),
    location,
    version: etag,
  };
}
