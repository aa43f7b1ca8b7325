/** A resource schema made ready for look-ups by name, once at start. */
import type { ResourceSchema, SchemaAttribute } from '../mapping/schema.ts';

/** Attributes of one schema by lower-case name: names are compared without regard to case (RFC 7643 §2.1). */
export type Names = ReadonlyMap<string, SchemaAttribute>;

export interface Shape {
  readonly schema: ResourceSchema;
  readonly core: Names;
  /** by lower-case URN */
  readonly extensions: ReadonlyMap<string, { readonly urn: string; readonly names: Names }>;
}

const subNames = new WeakMap<SchemaAttribute, Names>();

/** Indexes a schema; once at start. */
export function createShape(schema: ResourceSchema): Shape {
  return {
    schema,
    core: byName(schema.core.attributes),
    extensions: new Map(
      schema.extensions.map(({ id, attributes }) => [id.toLowerCase(), { urn: id, names: byName(attributes) }]),
    ),
  };
}

/** Sub-attributes of a complex attribute by lower-case name. */
export function subAttributes(attribute: SchemaAttribute): Names {
  let names = subNames.get(attribute);
  if (!names) subNames.set(attribute, (names = byName(attribute.subAttributes ?? [])));
  return names;
}

function byName(attributes: readonly SchemaAttribute[]): Names {
  return new Map(attributes.map((attribute) => [attribute.name.toLowerCase(), attribute]));
}
