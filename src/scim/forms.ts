/**
 * Value forms with only one possible meaning: a list around a single value, a single value for a list, a
 * number for a text, JSON inside a text. Any other form is passed on unchanged, for the schema to refuse. Forms can be
 * nested, no deeper than a body can.
 */
import type { SchemaAttribute } from '../mapping/schema.ts';
import { parseText, type Json } from './http/body.ts';
import { isObject } from './patch/element-laws.ts';
import { subAttributes, type Names } from './shape.ts';

/** null, "" and []: what clients send for "no value" (RFC 7643 §2.5). */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** A value of a simple type: `["x"]` and `{value: "x"}` are "x", 7 is "7" for a text, 0, "0" and "False" are false for a boolean. */
export function simpleForm(sent: unknown, { type }: SchemaAttribute): unknown {
  const value = unwrapped(sent);
  if (type === 'boolean') return booleanForm(value);
  return type === 'string' ? textForm(value) : value;
}

/** A single complex value or one element of a list; where it has a `value`, a text or a number stands for that. */
export function complexForm(sent: unknown, attribute: SchemaAttribute, where: string): unknown {
  const names = subAttributes(attribute);
  const value = onlyElement(sent);
  if (typeof value === 'string') {
    const decoded = parseText(value, where);
    // a text that merely looks like JSON is kept: an entitlement of some application
    const isOurs = isObject(decoded) && (!names.has('value') || hasName(decoded, names));
    if (isOurs) return withDecodedValue(displayed(decoded, names), names, where);
  }
  if (typeof value === 'string' || typeof value === 'number')
    return names.has('value') && value !== '' ? { value } : value;
  return isObject(value) ? withDecodedValue(value, names, where) : value;
}

/** The elements of a list: of one value alone, of the list that a text holds as JSON. */
export function listForm(sent: unknown, where: string): readonly unknown[] {
  const decoded = typeof sent === 'string' ? parseText(sent, where) : sent;
  return Array.isArray(decoded) ? (decoded as readonly unknown[]) : [sent];
}

/** An object that contains attributes: of an extension, or an operation without a path. */
export function objectForm(sent: unknown, where: string): unknown {
  const value = onlyElement(sent);
  return typeof value === 'string' ? onlyElement(parseText(value, where) ?? value) : value;
}

/** The element inside a `value` that is JSON (Entra ID's app roles); undefined: there is none. */
export function elementInValue(value: unknown, attribute: SchemaAttribute, where: string): Json | undefined {
  const sent = { value: unwrapped(value) };
  const read = withDecodedValue(sent, subAttributes(attribute), where);
  return read === sent ? undefined : read;
}

function onlyElement(sent: unknown): unknown {
  let value = sent;
  while (Array.isArray(value) && value.length === 1) value = (value as readonly unknown[])[0];
  return value;
}

function unwrapped(sent: unknown): unknown {
  for (let value = onlyElement(sent); ; ) {
    const inner = isObject(value) ? onlyValue(value) : undefined;
    if (inner === undefined) return value;
    value = onlyElement(inner.value);
  }
}

/** `{value: "x"}`, `{$ref: null, value: "x"}`; undefined: it says more than that, or nothing. */
function onlyValue(object: Json): { readonly value: unknown } | undefined {
  let found: { readonly value: unknown } | undefined;
  for (const [key, value] of Object.entries(object)) {
    if (key.toLowerCase() !== 'value') {
      if (!isEmpty(value)) return undefined;
    } else if (found === undefined) found = { value };
    else return undefined;
  }
  return found;
}

function booleanForm(value: unknown): unknown {
  if (value === 0 || value === 1) return value === 1;
  if (typeof value !== 'string' || value.length > 100) return value;
  const word = value.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : value;
}

/** More characters than a JSON number can have without losing digits. */
const LONGEST_NUMBER = 17;

/** A number as text; one that may have lost digits, or was written with an exponent, is left unchanged. */
function textForm(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  const text = String(value);
  const isExact = Number.isInteger(value)
    ? Number.isSafeInteger(value)
    : text.length <= LONGEST_NUMBER && !text.includes('e');
  return isExact ? text : value;
}

const hasName = (object: Json, names: Names): boolean =>
  Object.keys(object).some((key) => names.has(key.toLowerCase()));

/** An element whose `value` holds the element as JSON is that one; what stands beside it counts first. Its nesting ends: JSON in JSON doubles its escapes. */
function withDecodedValue(sent: Json, names: Names, where: string): Json {
  let element = sent;
  for (;;) {
    const key = Object.keys(element).find((each) => each.toLowerCase() === 'value');
    const text = key === undefined ? undefined : element[key];
    const inner = typeof text === 'string' ? parseText(text, where) : undefined;
    if (!isObject(inner) || !['string', 'number'].includes(typeof inner['value']) || inner['value'] === '')
      return element;
    const beside = Object.entries(element).filter(([each, value]) => each !== key && !isEmpty(value));
    element = { ...displayed(inner, names), ...Object.fromEntries(beside) };
  }
}

/** Entra ID calls `displayName` what is `display` in an element (MicrosoftDocs/azure-docs#50772). */
function displayed(element: Json, names: Names): Json {
  if (!names.has('display') || names.has('displayname') || 'display' in element || !('displayName' in element))
    return element;
  const { displayName, ...rest } = element;
  return { ...rest, display: displayName };
}
