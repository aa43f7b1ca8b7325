/** Where one edit of a PATCH acts. */
import type { SchemaAttribute } from '../../mapping/schema.ts';

/** An attribute of the core schema or of an extension. */
export interface Place {
  /** URN of the extension */
  readonly extension: string | undefined;
  readonly attribute: SchemaAttribute;
}

/** `name.givenName`, `urn:...:User:manager.value`. */
export function named({ extension, attribute }: Place, sub?: SchemaAttribute): string {
  const path = sub ? `${attribute.name}.${sub.name}` : attribute.name;
  return extension === undefined ? path : `${extension}:${path}`;
}
