/** Which attributes of a resource are shown: `attributes`, `excludedAttributes` and each attribute's `returned` (RFC 7644 §3.9, RFC 7643 §7). */

import { own, resolvePath, sameUrn, type Resource } from './attribute-path.ts';
import type { ResourceSchema, SchemaAttribute } from './schema.ts';

/** Names as in a query (comma-separated, or several of these) or in a search body. */
export interface Asked {
  readonly attributes?: string | readonly string[] | undefined;
  readonly excludedAttributes?: string | readonly string[] | undefined;
}

export interface Projection {
  /** whether a core attribute can be in the answer: otherwise it need not be loaded (`excludedAttributes=members`) */
  wants(name: string): boolean;
  /** the resource with the attributes to show; unknown attributes and those without a remaining value are dropped */
  apply(resource: Resource): Resource;
}

/** What was named of an attribute: all of it, or only these sub-attributes. */
type Named = ReadonlyMap<SchemaAttribute, { whole: boolean; readonly subs: Set<SchemaAttribute> }>;

/** One attribute that is shown; `subs` when only some of its sub-attributes are. */
interface Shown {
  readonly name: string;
  readonly subs?: readonly Shown[];
}

/**
 * Makes the projection of a request. Unknown names are ignored; a URN alone names every attribute of its schema. `schemas` and what is
 * returned `always` stay. When both lists come `attributes` wins: RFC 7644 §3.9 calls them mutually exclusive, clients with a fixed
 * `excludedAttributes` in their settings send both all the same.
 */
export function createProjection(schema: ResourceSchema, asked: Asked): Projection {
  const attributes = names(asked.attributes);
  const only = attributes.length > 0;
  const named = resolveNames(schema, only ? attributes : names(asked.excludedAttributes));

  const isShown = (attribute: SchemaAttribute): boolean => {
    const entry = named.get(attribute);
    return attribute.name === 'schemas' || shows(attribute, only, only ? entry !== undefined : entry?.whole === true);
  };
  const isSubShown = (attribute: SchemaAttribute, sub: SchemaAttribute): boolean => {
    const entry = named.get(attribute);
    // requested as a whole, or always shown: its sub-attributes by their own rule
    const byDefault = only && (entry === undefined || entry.whole) && sub.returned === 'default';
    return shows(sub, only, entry?.subs.has(sub) === true || byDefault);
  };
  const shownOf = (from: readonly SchemaAttribute[]): readonly Shown[] =>
    from.filter(isShown).map((attribute) => {
      const subs = attribute.subAttributes ?? [];
      const kept = subs.filter((sub) => isSubShown(attribute, sub));
      return kept.length === subs.length ? { name: attribute.name } : { name: attribute.name, subs: kept };
    });

  const extensions = schema.extensions.map(({ id, attributes: parts }) => ({ name: id, subs: shownOf(parts) }));
  const shown = [...shownOf(schema.core.attributes), ...extensions];
  return {
    wants: (name) => {
      const path = resolvePath(name, schema);
      return path !== undefined && isShown(path.attribute);
    },
    apply: (resource) => pick(resource, shown) ?? {},
  };
}

/** One resource as it is to be shown; for a list make the projection once. */
export function project(resource: Resource, schema: ResourceSchema, asked: Asked): Resource {
  return createProjection(schema, asked).apply(resource);
}

/** What is shown of an object, undefined when nothing is left. */
function pick(holder: unknown, shown: readonly Shown[]): Resource | undefined {
  const result: Record<string, unknown> = {};
  let empty = true;
  for (const { name, subs } of shown) {
    const value = own(holder, name);
    const kept = subs === undefined ? value : pickEach(value, subs);
    if (kept === undefined || kept === null) continue;
    result[name] = kept;
    empty = false;
  }
  return empty ? undefined : result;
}

function pickEach(value: unknown, subs: readonly Shown[]): unknown {
  if (!Array.isArray(value)) return pick(value, subs);
  const kept = value.map((element) => pick(element, subs)).filter((element) => element !== undefined);
  return kept.length > 0 || value.length === 0 ? kept : undefined;
}

function shows({ returned }: SchemaAttribute, only: boolean, named: boolean): boolean {
  if (returned === 'always' || returned === 'never') return returned === 'always';
  return only ? named : returned === 'default' && !named;
}

function names(list: string | readonly string[] | undefined): readonly string[] {
  const texts = typeof list === 'string' ? [list] : (list ?? []);
  return texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function resolveNames(schema: ResourceSchema, texts: readonly string[]): Named {
  const named = new Map<SchemaAttribute, { whole: boolean; readonly subs: Set<SchemaAttribute> }>();
  const add = (attribute: SchemaAttribute, sub?: SchemaAttribute): void => {
    const entry = named.get(attribute) ?? { whole: false, subs: new Set() };
    if (sub) entry.subs.add(sub);
    else entry.whole = true;
    named.set(attribute, entry);
  };
  for (const text of texts) {
    const whole = [schema.core, ...schema.extensions].find(({ id }) => sameUrn(id, text));
    const path = resolvePath(text, schema);
    if (whole) for (const attribute of whole.attributes) add(attribute);
    else if (path) add(path.attribute, path.sub);
  }
  return named;
}
