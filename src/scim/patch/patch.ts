/** PATCH (RFC 7644 §3.5.2) on plain JSON: a body becomes edits once, the edits then run on whatever the resource is by then. */
import { BridgeError } from '../../errors.ts';
import type { SchemaAttribute } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import type { Operation } from '../client-shapes.ts';
import { coerceOne, coerceValue, isEmpty, object } from '../coerce.ts';
import { createDraft, type Draft } from './draft.ts';
import { editElements } from './elements.ts';
import { operationsOf, tooManyOperations } from './operations.ts';
import { parsePatchPath } from './path.ts';
import { named, type Place } from './place.ts';
import { readLeniently, readOperations, readUserBody } from '../quirks.ts';
import { invalidSyntax } from '../http/refusals.ts';
import { subAttributes, type Names, type Shape } from '../shape.ts';

export interface Patch {
  /** the resource as the operations make it; the base is left alone. Throws 400 noTarget */
  apply(base: Json): Json;
  /** attribute, attribute.sub or URN:attribute */
  readonly touched: readonly string[];
  /** a clear password: never part of a resource */
  readonly password: string | undefined;
}

/** More operations than any client puts into one request for a user. */
const MAX_OPERATIONS = 1000;
/** Most characters of all paths with filters together: each filter is tried on each element. */
const MAX_FILTERS = 10_000;

/** Reads the body of a PATCH. Throws 400 invalidSyntax, invalidPath, invalidValue, invalidFilter, mutability or noTarget. */
export function readPatch(body: Json, shape: Shape): Patch {
  const compiled: Compiled = { edits: [], touched: new Set(), password: undefined };
  const operations = readOperations(operationsOf(body, MAX_OPERATIONS), shape);
  if (operations.length > MAX_OPERATIONS) throw tooManyOperations(MAX_OPERATIONS);
  const filters = operations.reduce((sum, { path }) => sum + (path?.includes('[') ? path.length : 0), 0);
  if (filters > MAX_FILTERS)
    throw invalidSyntax(`the paths with filters are longer than ${MAX_FILTERS} characters together`);
  for (const operation of operations) compile(operation, shape, compiled);
  return {
    apply(base) {
      const draft = createDraft(base);
      for (const edit of compiled.edits) edit(draft);
      return draft.done();
    },
    touched: [...compiled.touched],
    password: compiled.password,
  };
}

interface Compiled {
  readonly edits: ((draft: Draft) => void)[];
  readonly touched: Set<string>;
  password: string | undefined;
}

function compile({ op, path, value }: Operation, shape: Shape, out: Compiled): void {
  if (path === undefined) {
    if (op === 'remove') throw new BridgeError(400, 'remove needs a path', { scimType: 'noTarget' });
    members(op, readUserBody(object(value, 'value'), shape), shape, out);
    return;
  }
  const target = parsePatchPath(path, shape.schema);
  if (!target) return;
  if (target.kind === 'extension') {
    extension(op, value, target.urn, shape, out);
    return;
  }
  const { extension: urn, attribute, sub } = target.path;
  const place = { extension: urn, attribute };
  if ((sub ?? attribute).mutability === 'readOnly' || attribute.mutability === 'readOnly')
    throw new BridgeError(400, `${named(place, sub)} is read-only`, { scimType: 'mutability' });
  if (target.elements || (attribute.multiValued && sub)) {
    out.touched.add(named(place));
    out.edits.push(editElements({ op, place, sub, value, elements: target.elements }));
  } else if (sub) part(op, place, sub, value, out);
  else whole(op, place, value, out);
}

/** The value of an operation without path: one edit per attribute; what may not be written is passed over (Okta sends the id along). */
function members(op: string, value: Json, shape: Shape, out: Compiled, names: Names = shape.core, urn?: string): void {
  for (const [key, each] of Object.entries(value)) {
    const attribute = names.get(key.toLowerCase());
    if (attribute && attribute.mutability !== 'readOnly') whole(op, { extension: urn, attribute }, each, out);
    const inner = urn === undefined && !attribute ? shape.extensions.get(key.toLowerCase()) : undefined;
    if (inner) extension(op, each, inner.urn, shape, out);
    if (urn === undefined && key.toLowerCase() === shape.schema.core.id.toLowerCase())
      members(op, object(each, key), shape, out);
  }
}

function extension(op: string, value: unknown, urn: string, shape: Shape, out: Compiled): void {
  const names = shape.extensions.get(urn.toLowerCase())?.names ?? new Map<string, SchemaAttribute>();
  if (op !== 'remove' && !isEmpty(value)) {
    members(op, object(value, urn), shape, out, names, urn);
    return;
  }
  for (const attribute of names.values()) whole('remove', { extension: urn, attribute }, undefined, out);
}

/** An attribute without brackets or sub-attribute. */
function whole(op: string, place: Place, sent: unknown, out: Compiled): void {
  const { attribute } = place;
  const value = op === 'remove' ? undefined : readLeniently(sent, attribute);
  if (attribute.type === 'complex' && !attribute.multiValued && !isEmpty(value)) {
    parts(op, place, object(value, named(place)), out);
    return;
  }
  const list = attribute.multiValued && !Array.isArray(value) && !isEmpty(value) ? [value] : value;
  const coerced = coerceValue(list, attribute, named(place));
  if (attribute.returned === 'never') {
    if (typeof coerced === 'string') out.password = coerced;
    return;
  }
  if (coerced === undefined) {
    if (attribute.required) throw required(op, place);
    // like PUT: what is not said of a switch leaves it (and a leaver never becomes active by an empty value)
    if (attribute.type === 'boolean' || (attribute.multiValued && op === 'add')) return;
  }
  out.touched.add(named(place));
  out.edits.push((draft) => {
    if (attribute.multiValued && op === 'add') draft.append(place, coerced as readonly Json[]);
    else draft.set(place, coerced);
  });
}

/** Sub-attributes given as an object: those not given stay (RFC 7644 §3.5.2.3), those given empty go. */
function parts(op: string, place: Place, value: Json, out: Compiled): void {
  const names = subAttributes(place.attribute);
  const given = Object.entries(value).flatMap(([key, each]) => {
    const sub = names.get(key.toLowerCase());
    return sub && sub.mutability !== 'readOnly' ? [{ sub, each }] : [];
  });
  // `value` first: another value takes away what described the old one
  for (const { sub, each } of given.toSorted((a, b) => Number(b.sub.name === 'value') - Number(a.sub.name === 'value')))
    part(op, place, sub, each, out);
}

/** A sub-attribute of a single complex attribute. */
function part(op: string, place: Place, sub: SchemaAttribute, sent: unknown, out: Compiled): void {
  const value = op === 'remove' ? undefined : coerceOne(readLeniently(sent, sub), sub, named(place, sub));
  out.touched.add(place.extension === undefined ? named(place, sub) : named(place));
  out.edits.push((draft) => {
    const [current = {}] = draft.elements(place);
    const { [sub.name]: old, ...others } = current;
    const kept = sub.name === 'value' && old !== undefined && old !== value ? {} : others;
    draft.set(place, value === undefined ? kept : { ...kept, [sub.name]: value });
  });
}

function required(op: string, place: Place): BridgeError {
  const detail = `${named(place)} is required and must not be ${op === 'remove' ? 'removed' : 'empty'}`;
  return new BridgeError(400, detail, { scimType: op === 'remove' ? 'mutability' : 'invalidValue' });
}
