/**
 * Client input, read by a resource schema: canonical attribute names, values of the schema's types, nothing else.
 * null, "", [] mean "not assigned" (RFC 7643 §2.5); unknown and readOnly attributes are ignored (RFC 7644 §3.3,
 * §3.5.1). docs/decisions/0002.
 */
import type { SchemaAttribute, ScimType } from '../mapping/schema.ts';
import type { Json } from './http/body.ts';
import { settleElements } from './patch/element-laws.ts';
import { complexForm, isEmpty, listForm, objectForm, simpleForm } from './forms.ts';
import type { Ignore } from './http/ignored.ts';
import { invalid } from './http/refusals.ts';
import { readLeniently } from './quirks.ts';
import { subAttributes, type Names, type Shape } from './shape.ts';

/** The body of a POST or PUT as a resource. Throws 400 invalidValue that names the attribute. */
export function coerceResource(
  body: Json,
  { core, extensions }: Shape,
  ignore: Ignore = () => undefined,
): Record<string, unknown> {
  const resource = coerceMembers(body, core, '', (name) => {
    if (!extensions.has(name.toLowerCase())) ignore(name);
  });
  for (const [key, value] of Object.entries(body)) {
    const extension = extensions.get(key.toLowerCase());
    if (!extension || isEmpty(value)) continue;
    const { urn, names } = extension;
    const members = coerceMembers(object(objectForm(value, urn), urn), names, `${urn}:`, ignore);
    if (Object.keys(members).length > 0) resource[urn] = members;
  }
  return resource;
}

/** A value of an attribute, undefined when it says "not assigned". `where` is the path that errors name. */
export function coerceValue(sent: unknown, attribute: SchemaAttribute, where: string, ignore?: Ignore): unknown {
  if (!attribute.multiValued) return coerceOne(sent, attribute, where, ignore);
  return isEmpty(sent) ? undefined : coerceElements(listForm(sent, where), attribute, where, ignore);
}

/** One value, or one element of a multi-valued attribute. */
export function coerceOne(sent: unknown, attribute: SchemaAttribute, where: string, ignore?: Ignore): unknown {
  const isComplex = attribute.type === 'complex';
  const form = isComplex ? complexForm(sent, attribute, where) : simpleForm(sent, attribute);
  const value = readLeniently(form, attribute);
  if (isEmpty(value)) return undefined;
  if (Array.isArray(value)) throw invalid(`${where} has ${value.length} values where one is meant`);
  if (attribute.type !== 'complex') return SIMPLE[attribute.type](value, where);
  const members = coerceMembers(object(value, where), subAttributes(attribute), `${where}.`, ignore);
  return Object.keys(members).length > 0 ? members : undefined;
}

function coerceElements(
  values: readonly unknown[],
  attribute: SchemaAttribute,
  where: string,
  ignore: Ignore | undefined,
): readonly unknown[] | undefined {
  const elements = values
    .map((value) => coerceOne(value, attribute, where, ignore))
    .filter((value) => value !== undefined);
  const settled = attribute.type === 'complex' ? settleElements(elements as Json[], attribute) : elements;
  return settled.length > 0 ? settled : undefined;
}

function coerceMembers(sent: Json, names: Names, prefix: string, ignore?: Ignore): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(sent)) {
    const attribute = names.get(key.toLowerCase());
    if (!attribute) ignore?.(prefix + key);
    if (!attribute || attribute.mutability === 'readOnly') continue;
    const where = prefix + attribute.name;
    const value = coerceValue(sent[key], attribute, where, ignore);
    if (value !== undefined) out[attribute.name] = value;
    else if (attribute.required) throw invalid(`${where} is required and must not be empty`);
  }
  return out;
}

/** One row per simple type (RFC 7643 §2.3). */
const SIMPLE: Readonly<Record<Exclude<ScimType, 'complex'>, (value: unknown, where: string) => unknown>> = {
  string: text,
  reference: text,
  dateTime: text,
  binary: (value, where) => {
    const encoded = text(value, where);
    if (!/^[A-Za-z0-9+/_\s-]*(?:={1,2}\s*)?$/.test(encoded)) throw invalid(`${where} must be base64`);
    return encoded;
  },
  boolean: (value, where) => {
    if (typeof value !== 'boolean') throw invalid(`${where} must be true or false, not ${kind(value)}`);
    return value;
  },
  integer: (value, where) => {
    if (!Number.isSafeInteger(value)) throw invalid(`${where} must be an integer, not ${kind(value)}`);
    return value;
  },
  decimal: (value, where) => {
    if (typeof value !== 'number') throw invalid(`${where} must be a number, not ${kind(value)}`);
    return value;
  },
};

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw invalid(`${where} must be a string, not ${kind(value)}`);
  return value;
}

export function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${where} must be an object, not ${kind(value)}`);
  return value as Json;
}

/** The kind of a wrong value, for error texts: never the value, which may be a secret. */
export function kind(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
