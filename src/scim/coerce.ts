/**
 * What a client sent, read by a resource schema: canonical attribute names, values of the schema's types, nothing else. null, "" and []
 * mean "not assigned" (RFC 7643 §2.5); unknown and readOnly attributes are ignored (RFC 7644 §3.3, §3.5.1). docs/decisions/0002.
 */
import type { SchemaAttribute, ScimType } from '../mapping/schema.ts';
import type { Json } from './body.ts';
import { settleElements } from './elements.ts';
import { invalid } from './refusals.ts';
import { readLeniently } from './quirks.ts';
import { subAttributes, type Names, type Shape } from './shape.ts';

/** The body of a POST or PUT as a resource. Throws 400 invalidValue that names the attribute. */
export function coerceResource(body: Json, { core, extensions }: Shape): Record<string, unknown> {
  const resource = coerceMembers(body, core, '');
  for (const [key, value] of Object.entries(body)) {
    const extension = extensions.get(key.toLowerCase());
    if (!extension || isEmpty(value)) continue;
    const members = coerceMembers(object(value, extension.urn), extension.names, `${extension.urn}:`);
    if (Object.keys(members).length > 0) resource[extension.urn] = members;
  }
  return resource;
}

/** A value of an attribute, undefined when it says "not assigned". `where` is the path that errors name. */
export function coerceValue(sent: unknown, attribute: SchemaAttribute, where: string): unknown {
  const value = readLeniently(sent, attribute);
  if (isEmpty(value)) return undefined;
  if (!attribute.multiValued) return coerceOne(value, attribute, where);
  if (!Array.isArray(value)) throw invalid(`${where} must be an array, not ${kind(value)}`);
  return coerceElements(value, attribute, where);
}

/** One value, or one element of a multi-valued attribute. */
export function coerceOne(value: unknown, attribute: SchemaAttribute, where: string): unknown {
  if (isEmpty(value)) return undefined;
  if (attribute.type !== 'complex') return SIMPLE[attribute.type](value, where);
  const members = coerceMembers(object(value, where), subAttributes(attribute), `${where}.`);
  return Object.keys(members).length > 0 ? members : undefined;
}

function coerceElements(
  values: readonly unknown[],
  attribute: SchemaAttribute,
  where: string,
): readonly unknown[] | undefined {
  const elements = values.map((value) => coerceOne(value, attribute, where)).filter((value) => value !== undefined);
  const settled = attribute.type === 'complex' ? settleElements(elements as Json[], attribute) : elements;
  return settled.length > 0 ? settled : undefined;
}

function coerceMembers(sent: Json, names: Names, prefix: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(sent)) {
    const attribute = names.get(key.toLowerCase());
    if (!attribute || attribute.mutability === 'readOnly') continue;
    const where = prefix + attribute.name;
    const value = coerceValue(sent[key], attribute, where);
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

/** null, "" and []: what clients send for "no value" (clients: common rules). */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** The kind of a wrong value, for error texts: never the value, which may be a secret. */
function kind(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
