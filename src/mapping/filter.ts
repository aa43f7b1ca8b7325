/** SCIM filters as values (RFC 7644 §3.4.2.2): the tree, what it matches, and which part of it an index can answer. */

import { BridgeError } from '../errors.ts';
import { nextSlice, sliceIsOver } from './slices.ts';
import {
  anyValue,
  findAttribute,
  isPresent,
  resolvePath,
  splitPath,
  toValue,
  valuesAt,
  type ResolvedPath,
  type Resource,
} from './attribute-path.ts';
import { fits, keyOf, literalKey, testAgainst, wants, type CompareOp, type Key } from './comparison.ts';
import type { ResourceSchema, SchemaAttribute } from './schema.ts';

/** `path op value`; the path as written; within a value path it names a sub-attribute. */
export interface CompareNode {
  readonly kind: 'compare';
  readonly path: string;
  readonly op: CompareOp;
  readonly value: Key | null;
  /** a number as written, if that differs from the number's own text: `1.0` */
  readonly written?: string;
}

/** A filter. `and` and `or` hold two nodes or more, as they stood between one pair of parentheses. */
export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  | CompareNode
  | { readonly kind: 'present'; readonly path: string }
  | { readonly kind: 'valuePath'; readonly path: string; readonly filter: FilterNode };

type Match = (resource: Resource) => boolean;
type Resolve = (path: string) => ResolvedPath | undefined;

/** The refusal of a filter (RFC 7644 §3.12). Details name attributes and positions, never values: they may be logged. */
export function invalidFilter(detail: string): BridgeError {
  return new BridgeError(400, `filter: ${detail}`, { scimType: 'invalidFilter' });
}

/**
 * Checks a filter against a schema and makes its matcher. An attribute that a resource lacks matches nothing, not even `ne`, while
 * `not (a eq "b")` does match; `eq null` is "not present". Throws 400 invalidFilter for an unknown attribute, an operator without
 * meaning for the attribute's type, or a value of another type (RFC 7644 §3.4.2.2).
 */
export function compileFilter(filter: FilterNode, schema: ResourceSchema): Match {
  return compile(filter, (path) => resolvePath(path, schema), createSeen());
}

/** A promise when the result takes longer than a slice. */
export type SlicedMatch = (resource: Resource) => boolean | Promise<boolean>;

/** As compileFilter, for many resources: between terms the matcher yields to other work. */
export function compileSliced(filter: FilterNode, schema: ResourceSchema): SlicedMatch {
  return sliced(filter, (path) => resolvePath(path, schema), createSeen());
}

function sliced(node: FilterNode, resolve: Resolve, seen: Seen): SlicedMatch {
  switch (node.kind) {
    case 'and':
      return inSlices(
        node.nodes.map((part) => sliced(part, resolve, seen)),
        false,
      );
    case 'or':
      return inSlices(
        node.nodes.map((part) => sliced(part, resolve, seen)),
        true,
      );
    case 'not': {
      const match = sliced(node.node, resolve, seen);
      return (resource) => then(match(resource), (matches) => !matches);
    }
    default:
      return compile(node, resolve, seen);
  }
}

/** Tests the parts in order until one gives `decisive`; if none does, the result is the opposite. */
function inSlices(parts: readonly SlicedMatch[], decisive: boolean): SlicedMatch {
  const from = (resource: Resource, start: number): boolean | Promise<boolean> => {
    for (const [at, part] of parts.entries()) {
      if (at < start) continue;
      if (at > start && sliceIsOver()) return nextSlice().then(() => from(resource, at));
      const result = part(resource);
      if (result === decisive) return decisive;
      if (typeof result !== 'boolean')
        return result.then((matches) => (matches === decisive ? decisive : from(resource, at + 1)));
    }
    return !decisive;
  };
  return (resource) => from(resource, 0);
}

const then = (value: boolean | Promise<boolean>, make: (value: boolean) => boolean): boolean | Promise<boolean> =>
  typeof value === 'boolean' ? make(value) : value.then(make);

/** The matcher of the part in brackets, `emails[...]`, for one element of a complex attribute. Throws like compileFilter. */
export function compileElementFilter(
  filter: FilterNode,
  attribute: SchemaAttribute,
  seen: Seen = createSeen(),
): (element: unknown) => boolean {
  const resolve: Resolve = (path) => {
    const parts = splitPath(path);
    if (!parts || parts.urn !== undefined || parts.sub !== undefined) return undefined;
    const sub = findAttribute(attribute.subAttributes, parts.name);
    return sub && { attribute: sub };
  };
  const match = compile(filter, resolve, seen.inElementsOf(attribute));
  return (element) => match(element as Resource);
}

/** The text to compare with a text attribute: clients write `externalId eq 4711`. undefined: not a text. */
export function literalText({ value, written }: Pick<CompareNode, 'value' | 'written'>): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? (written ?? String(value)) : undefined;
}

/**
 * What the terms of one filter see of a resource: each value is looked up and folded once, however many terms compare
 * it. The cache ends with the resource.
 */
interface Seen {
  /** The comparison keys of the values at a path. */
  keysAt(path: ResolvedPath): (resource: unknown) => readonly Key[];
  inElementsOf(attribute: SchemaAttribute): Seen;
}

function createSeen(): Seen {
  const paths = new Map<string, (resource: unknown) => readonly Key[]>();
  const elements = new Map<SchemaAttribute, Seen>();
  return {
    keysAt(path) {
      const name = [path.extension, path.attribute.name, path.sub?.name].join('\n');
      const made = paths.get(name) ?? remembered(keysIn(path));
      paths.set(name, made);
      return made;
    },
    inElementsOf(attribute) {
      const made = elements.get(attribute) ?? createSeen();
      elements.set(attribute, made);
      return made;
    },
  };
}

function keysIn(path: ResolvedPath): (resource: unknown) => readonly Key[] {
  const key = keyOf(path.sub ?? path.attribute);
  return (resource) => valuesAt(path, resource).flatMap((value) => key(value) ?? []);
}

function remembered<T>(make: (from: unknown) => T): (from: unknown) => T {
  const made = new WeakMap<object, { readonly value: T }>();
  return (from) => {
    if (typeof from !== 'object' || from === null) return make(from);
    const found = made.get(from) ?? { value: make(from) };
    made.set(from, found);
    return found.value;
  };
}

/** The equalities that hold for whatever the filter matches: the filter itself or the parts of its outermost `and`. */
export function equalities(filter: FilterNode): readonly (CompareNode & { readonly value: Key })[] {
  if (filter.kind === 'and') return filter.nodes.flatMap(equalities);
  return filter.kind === 'compare' && filter.op === 'eq' && filter.value !== null
    ? [{ ...filter, value: filter.value }]
    : [];
}

/**
 * An equality that an index may answer: the first of `paths` (canonical, core: 'id', 'emails.value') that everything the filter
 * matches must equal. The value is as written; what the index finds must still pass the matcher.
 */
export function indexable<Path extends string>(
  filter: FilterNode,
  schema: ResourceSchema,
  paths: readonly Path[],
): { readonly path: Path; readonly value: string } | undefined {
  const found = new Map<string, string>();
  for (const node of equalitiesWithElements(filter)) {
    const resolved = resolvePath(node.path, schema);
    const value = literalText(node);
    if (!resolved || resolved.extension !== undefined || value === undefined) continue;
    const { attribute, sub } = toValue(resolved);
    found.set(sub ? `${attribute.name}.${sub.name}` : attribute.name, value);
  }
  for (const path of paths) {
    const value = found.get(path);
    if (value !== undefined) return { path, value };
  }
  return undefined;
}

/** As equalities, with `emails[value eq "x"]` seen as `emails.value eq "x"`. */
function equalitiesWithElements(filter: FilterNode): readonly Pick<CompareNode, 'path' | 'value' | 'written'>[] {
  if (filter.kind === 'and') return filter.nodes.flatMap(equalitiesWithElements);
  if (filter.kind !== 'valuePath') return equalities(filter);
  return equalities(filter.filter).map((node) => ({ ...node, path: `${filter.path}.${node.path}` }));
}

function compile(node: FilterNode, resolve: Resolve, seen: Seen): Match {
  switch (node.kind) {
    case 'and': {
      const matches = node.nodes.map((part) => compile(part, resolve, seen));
      return (resource) => matches.every((match) => match(resource));
    }
    case 'or': {
      const matches = node.nodes.map((part) => compile(part, resolve, seen));
      return (resource) => matches.some((match) => match(resource));
    }
    case 'not': {
      const match = compile(node.node, resolve, seen);
      return (resource) => !match(resource);
    }
    case 'present':
      return anyValue(confirmed(node.path, resolve), isPresent);
    case 'compare':
      return compileCompare(node, resolve, seen);
    case 'valuePath': {
      const path = confirmed(node.path, resolve);
      if (path.sub || path.attribute.type !== 'complex')
        throw invalidFilter(`${named(node.path)} has no sub-attributes to put in brackets`);
      return anyValue(path, compileElementFilter(node.filter, path.attribute, seen));
    }
  }
}

function compileCompare(node: CompareNode, resolve: Resolve, seen: Seen): Match {
  const { path, op, value } = node;
  const written = confirmed(path, resolve);
  if (value === null) {
    const present = anyValue(written, isPresent);
    if (op === 'eq') return (resource) => !present(resource);
    if (op === 'ne') return present;
    throw invalidFilter(`null can be compared by eq and ne only, not by ${op} as for ${named(path)}`);
  }
  // order among objects means nothing, their `value` is meant by the other operators only
  const target = op === 'gt' || op === 'ge' || op === 'lt' || op === 'le' ? written : toValue(written);
  const attribute = target.sub ?? target.attribute;
  if (attribute.type === 'complex') throw invalidFilter(`${named(path)} is complex: name one of its sub-attributes`);
  if (!fits(op, attribute)) throw invalidFilter(`${op} cannot be used with ${named(path)}, a ${attribute.type}`);
  const isText = attribute.type === 'string' || attribute.type === 'reference';
  const wanted = literalKey(attribute, isText ? (literalText(node) ?? value) : value);
  if (wanted === undefined) throw invalidFilter(`${named(path)} must be compared with ${wants(attribute)}`);
  const keys = seen.keysAt(target);
  const test = testAgainst(op, wanted);
  return (resource) => keys(resource).some(test);
}

/** The resolved path. Attributes that are never returned cannot be filtered by: a filter would reveal their values. */
function confirmed(path: string, resolve: Resolve): ResolvedPath {
  const resolved = resolve(path);
  if (!resolved) throw invalidFilter(`there is no attribute ${named(path)}`);
  if (resolved.attribute.returned === 'never' || resolved.sub?.returned === 'never')
    throw invalidFilter(`${named(path)} is never returned and cannot be filtered by`);
  return resolved;
}

function named(path: string): string {
  return path.length > 120 ? `"${path.slice(0, 120)}..."` : `"${path}"`;
}
