/** PATCH paths (RFC 7644 §3.5.2): `name.givenName`, `emails[type eq "work"].value`, `urn:...:User:manager`, or the URN of an extension. */

import { BridgeError } from '../../errors.ts';
import { findAttribute, resolvePath, sameUrn, splitPath, type ResolvedPath } from '../../mapping/attribute-path.ts';
import { compileElementFilter, type FilterNode } from '../../mapping/filter.ts';
import type { ResourceSchema } from '../../mapping/schema.ts';
import { parseFilter } from '../filter/parser.ts';

/** Where a PATCH operation acts. With `elements` only on the elements it matches, `filter` being what was written in the brackets. */
export type PatchTarget =
  | { readonly kind: 'extension'; readonly urn: string }
  | {
      readonly kind: 'attribute';
      readonly path: ResolvedPath;
      readonly elements?: { readonly filter: FilterNode; readonly match: (element: unknown) => boolean };
    };

/** Names that reach a prototype in careless code further on; no schema has them. */
const DANGEROUS = /(?:^|[.:[])(?:__proto__|constructor|prototype)(?:$|[.[\] ])/;

/**
 * What a path means; undefined when it is well formed but names nothing in the schema (unknown attributes are ignored). Throws 400
 * invalidPath when it is malformed or puts brackets behind a simple attribute, 400 invalidFilter for what stands in the brackets.
 */
export function parsePatchPath(written: string, schema: ResourceSchema): PatchTarget | undefined {
  const text = written.trim();
  if (DANGEROUS.test(text)) throw invalidPath(written);
  const extension = schema.extensions.find(({ id }) => sameUrn(id, text));
  if (extension) return { kind: 'extension', urn: extension.id };

  const open = text.indexOf('[');
  if (open < 0) {
    if (!splitPath(text)) throw invalidPath(written);
    const path = resolvePath(text, schema) ?? simpleValue(text, schema);
    return path && { kind: 'attribute', path };
  }

  // behind the closing bracket stands at most one name, so the last bracket is the one, whatever the strings before it hold
  const close = text.lastIndexOf(']');
  const rest = text.slice(close + 1);
  const base = splitPath(text.slice(0, open));
  if (close < open || !base || base.sub !== undefined || !isSub(rest)) throw invalidPath(written);
  const filter = parseFilter(text.slice(open + 1, close));
  const path = resolvePath(text.slice(0, open), schema);
  if (!path) return undefined;
  if (path.attribute.type !== 'complex') throw invalidPath(written);
  const elements = { filter, match: compileElementFilter(filter, path.attribute) };
  if (rest === '') return { kind: 'attribute', path, elements };
  const sub = findAttribute(path.attribute.subAttributes, rest.slice(1));
  return sub && { kind: 'attribute', path: { ...path, sub }, elements };
}

/** `active.value`: a simple attribute has no sub-attributes, so this can only mean its value. */
function simpleValue(text: string, schema: ResourceSchema): ResolvedPath | undefined {
  if (!text.toLowerCase().endsWith('.value')) return undefined;
  const path = resolvePath(text.slice(0, -'.value'.length), schema);
  const isSimple = path !== undefined && path.sub === undefined && path.attribute.type !== 'complex';
  return isSimple && !path.attribute.multiValued ? path : undefined;
}

/** What a path names, without the values of its filter. */
export function nameIn(path: string): string {
  const open = path.indexOf('[');
  return (open < 0 ? path : path.slice(0, open)).trim();
}

/** nothing, or a dot and one name */
function isSub(rest: string): boolean {
  return rest === '' || (rest.startsWith('.') && splitPath(rest.slice(1))?.name === rest.slice(1));
}

function invalidPath(written: string): BridgeError {
  const open = written.indexOf('[');
  const name = (open < 0 ? written : written.slice(0, open)).slice(0, 120);
  return new BridgeError(400, `path: not an attribute path, at "${name}"`, { scimType: 'invalidPath' });
}
