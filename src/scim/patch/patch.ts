/** PATCH (RFC 7644 §3.5.2) on plain JSON: a body becomes edits once, the edits then run on whatever the resource is by then. */
import { BridgeError } from '../../errors.ts';
import { sameUrn } from '../../mapping/attribute-path.ts';
import type { SchemaAttribute } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import type { Operation } from '../client-shapes.ts';
import { coerceOne, coerceValue, object } from '../coerce.ts';
import { createDraft, type Draft } from './draft.ts';
import { complexForm, elementInValue, isEmpty, objectForm } from '../forms.ts';
import type { Ignore } from '../http/ignored.ts';
import { editElements } from './elements.ts';
import { operationsOf, tooManyOperations } from './operations.ts';
import { nameIn, parsePatchPath } from './path.ts';
import { named, type Place } from './place.ts';
import { readLeniently, readOperations, readUserBody } from '../quirks.ts';
import { invalidSyntax } from '../http/refusals.ts';
import { subAttributes, type Names, type Shape } from '../shape.ts';

export interface Patch {
  /** the resource after the operations; the base is unchanged. Throws 400 noTarget */
  apply(base: Json): Json;
  /** attribute, attribute.sub or URN:attribute */
  readonly touched: readonly string[];
  /** a clear password: never part of a resource */
  readonly password: string | undefined;
}

/** More operations than any client sends in one request for a user. */
const MAX_OPERATIONS = 1000;
/** Maximum characters of all paths with filters together: each filter is applied to each element. */
const MAX_FILTERS = 10_000;

/** Reads the body of a PATCH. Throws 400 invalidSyntax, invalidPath, invalidValue, invalidFilter, mutability or noTarget. */
export function readPatch(body: Json, shape: Shape, ignore: Ignore = () => undefined): Patch {
  const compiled: Compiled = { edits: [], touched: new Set(), ignore, password: undefined };
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
  readonly ignore: Ignore;
  password: string | undefined;
}

function compile({ op, path, value }: Operation, shape: Shape, out: Compiled): void {
  if (path === undefined || sameUrn(shape.schema.core.id, path.trim())) {
    if (op === 'remove') throw new BridgeError(400, 'remove needs a path', { scimType: 'noTarget' });
    members(op, readUserBody(object(objectForm(value, 'value'), 'value'), shape), shape, out);
    return;
  }
  const target = parsePatchPath(path, shape.schema);
  if (!target) {
    out.ignore(nameIn(path));
    return;
  }
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
    const { elements } = target;
    const whole =
      sub?.name === 'value' && op !== 'remove' ? elementInValue(value, attribute, named(place, sub)) : undefined;
    out.edits.push(
      whole === undefined
        ? editElements({ op, place, sub, value, elements }, out.ignore)
        : editElements({ op: 'add', place, sub: undefined, value: whole, elements }, out.ignore),
    );
  } else if (sub) part(op, place, sub, value, out);
  else whole(op, place, value, out);
}

/** The value of an operation without path: one edit per attribute; what may not be written is passed over (Okta sends the id along). */
function members(op: string, value: Json, shape: Shape, out: Compiled, names: Names = shape.core, urn?: string): void {
  for (const [key, each] of Object.entries(value)) {
    const attribute = names.get(key.toLowerCase());
    const inner = urn === undefined && !attribute ? shape.extensions.get(key.toLowerCase()) : undefined;
    if (attribute) {
      if (attribute.mutability !== 'readOnly') whole(op, { extension: urn, attribute }, each, out);
    } else if (inner) extension(op, each, inner.urn, shape, out);
    else out.ignore(urn === undefined ? key : `${urn}:${key}`);
  }
}

function extension(op: string, value: unknown, urn: string, shape: Shape, out: Compiled): void {
  const names = shape.extensions.get(urn.toLowerCase())?.names ?? new Map<string, SchemaAttribute>();
  if (op !== 'remove' && !isEmpty(value)) {
    members(op, object(objectForm(value, urn), urn), shape, out, names, urn);
    return;
  }
  for (const attribute of names.values()) whole('remove', { extension: urn, attribute }, undefined, out);
}

/** An attribute without brackets or sub-attribute. */
function whole(op: string, place: Place, sent: unknown, out: Compiled): void {
  const { attribute } = place;
  const where = named(place);
  const isSingleComplex = attribute.type === 'complex' && !attribute.multiValued;
  const value =
    isSingleComplex && op !== 'remove' ? readLeniently(complexForm(sent, attribute, where), attribute) : sent;
  if (isSingleComplex && op !== 'remove' && !isEmpty(value)) {
    parts(op, place, object(value, where), out);
    return;
  }
  const coerced = op === 'remove' ? undefined : coerceValue(value, attribute, where, out.ignore);
  if (attribute.returned === 'never') {
    if (typeof coerced === 'string') out.password = coerced;
    return;
  }
  if (coerced === undefined) {
    if (attribute.required) throw required(op, place);
    // like PUT: an empty value leaves a boolean unchanged (so it never reactivates a deactivated user)
    if (attribute.type === 'boolean' || (attribute.multiValued && op === 'add')) return;
  }
  out.touched.add(where);
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
    if (!sub) out.ignore(`${named(place)}.${key}`);
    return sub && sub.mutability !== 'readOnly' ? [{ sub, each }] : [];
  });
  // `value` first: a new value removes what described the old one
  for (const { sub, each } of given.toSorted((a, b) => Number(b.sub.name === 'value') - Number(a.sub.name === 'value')))
    part(op, place, sub, each, out);
}

/** A sub-attribute of a single complex attribute. */
function part(op: string, place: Place, sub: SchemaAttribute, sent: unknown, out: Compiled): void {
  const value = op === 'remove' ? undefined : coerceOne(sent, sub, named(place, sub), out.ignore);
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
