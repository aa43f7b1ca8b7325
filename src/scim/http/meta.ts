/** Locations of resources, and their metadata (RFC 7643 §3.1). */
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

/** The headers that say which resource an answer shows (RFC 7644 §3.3, RFC 9110 §8.7). */
export function located(url: string): Readonly<Record<string, string>> {
  return { Location: url, 'Content-Location': url };
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
