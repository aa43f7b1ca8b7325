/** Attribute paths (RFC 7644 §3.10): what `name.familyName` or `urn:...:User:manager.value` means in a schema and resource. */

import { isDraftOf } from './draft-urns.ts';
import type { ResourceSchema, SchemaAttribute } from './schema.ts';

/** A resource in SCIM JSON with canonical attribute names; an extension's attributes are in an object under its URN. */
export type Resource = Readonly<Record<string, unknown>>;

/** A resolved path. `extension` is the canonical URN, absent for core attributes. */
export interface ResolvedPath {
  readonly extension?: string;
  readonly attribute: SchemaAttribute;
  readonly sub?: SchemaAttribute;
}

/** A path as written: `urn` is everything before the last colon. */
export interface SplitPath {
  readonly urn?: string;
  readonly name: string;
  readonly sub?: string;
}

/** RFC 7643 §2.1, with a leading `$` for `$ref` and `_` so that a strange name is unknown rather than malformed. */
const NAME = /^[A-Za-z_$][\w$-]*$/;

/** The parts of a path; undefined when it is not a path at all. Only the part after the last colon is split at dots: URNs hold versions (`2.0`). */
export function splitPath(text: string): SplitPath | undefined {
  const colon = text.lastIndexOf(':');
  const [name = '', sub, ...more] = text.slice(colon + 1).split('.', 3);
  if (more.length > 0 || !NAME.test(name) || (sub !== undefined && !NAME.test(sub)) || colon === 0) return undefined;
  return { ...(colon > 0 && { urn: text.slice(0, colon) }), name, ...(sub !== undefined && { sub }) };
}

/** The attribute of that name, without regard to case (RFC 7643 §2.1). */
export function findAttribute(
  attributes: readonly SchemaAttribute[] | undefined,
  name: string,
): SchemaAttribute | undefined {
  const wanted = name.toLowerCase();
  return attributes?.find((attribute) => attribute.name.toLowerCase() === wanted);
}

/**
 * What a path means, undefined when the schema does not know it. A name without a URN is looked for in the core schema, then in
 * the extensions: Entra ID filters by and patches a bare `manager` (Microsoft, use-scim-to-provision-users-and-groups.md).
 */
export function resolvePath(text: string, schema: ResourceSchema): ResolvedPath | undefined {
  const parts = splitPath(text);
  if (!parts) return undefined;
  for (const candidate of [schema.core, ...schema.extensions]) {
    if (parts.urn !== undefined && !sameUrn(candidate.id, parts.urn)) continue;
    const attribute = findAttribute(candidate.attributes, parts.name);
    if (!attribute) continue;
    const sub = parts.sub === undefined ? undefined : findAttribute(attribute.subAttributes, parts.sub);
    if (parts.sub !== undefined && !sub) continue;
    const extension = candidate === schema.core ? undefined : candidate.id;
    return { ...(extension !== undefined && { extension }), attribute, ...(sub && { sub }) };
  }
  return undefined;
}

/** The attribute or sub-attribute at a path used in our own code. Throws when the schema does not have it. */
export function attributeAt(path: string, schema: ResourceSchema): SchemaAttribute {
  const found = resolvePath(path, schema);
  if (!found) throw new Error(`${schema.core.name} has no ${path}`);
  return found.sub ?? found.attribute;
}

/**
 * Whether a URN as written names the schema with this id: ignoring case (RFC 8141 §3.1 requires it for the head,
 * clients vary the rest), or by a draft's name for it.
 */
export function sameUrn(id: string, written: string): boolean {
  return (id.length === written.length && id.toLowerCase() === written.toLowerCase()) || isDraftOf(id, written);
}

/** A complex attribute named alone means its `value` sub-attribute: `emails co "x"`, `manager eq "id"`, `sortBy=emails` (RFC 7643 §2.4). */
export function toValue(path: ResolvedPath): ResolvedPath {
  if (path.sub || path.attribute.type !== 'complex') return path;
  const sub = findAttribute(path.attribute.subAttributes, 'value');
  return sub ? { ...path, sub } : path;
}

/** An own property of an object, never one that it inherits. */
export function own(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Resource)[name];
}

/** The value or values of the attribute (not of the sub-attribute), a single one as a list of one, null and undefined as none. */
export function elementsAt(path: ResolvedPath, resource: unknown): readonly unknown[] {
  const holder = path.extension === undefined ? resource : own(resource, path.extension);
  const value = own(holder, path.attribute.name);
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Makes the question "does any value at this path pass the test?" (RFC 7644 §3.4.2.2: one matching value of a multi-valued attribute suffices). */
export function anyValue(path: ResolvedPath, test: (value: unknown) => boolean): (resource: unknown) => boolean {
  const sub = path.sub?.name;
  const each = (value: unknown): boolean =>
    Array.isArray(value) ? value.some(test) : value !== undefined && value !== null && test(value);
  if (sub === undefined && path.extension === undefined) return (resource) => each(own(resource, path.attribute.name));
  if (sub === undefined) return (resource) => elementsAt(path, resource).some(test);
  return (resource) => elementsAt(path, resource).some((element) => each(own(element, sub)));
}

/** Every value at the path, those of a multi-valued sub-attribute one by one. */
export function valuesAt(path: ResolvedPath, resource: unknown): readonly unknown[] {
  const elements = elementsAt(path, resource);
  const name = path.sub?.name;
  return name === undefined ? elements : elements.flatMap((element) => own(element, name) ?? []);
}

/** Whether a value counts as present (RFC 7644 §3.4.2.2, `pr`): null, "", [] and an object of such values do not. */
export function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (typeof value !== 'object') return true;
  return Object.values(value).some(isPresent);
}
