/** How values of each SCIM type are compared: by filters (RFC 7644 §3.4.2.2) and by sorting (RFC 7644 §3.4.2.3). */

import type { ScimType, SchemaAttribute } from './schema.ts';

export type CompareOp = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** The form two values are compared in: text (folded unless caseExact), number, instant in milliseconds, boolean. */
export type Key = string | number | boolean;

const EQUALITY: readonly CompareOp[] = ['eq', 'ne'];
const ORDER: readonly CompareOp[] = [...EQUALITY, 'gt', 'ge', 'lt', 'le'];
const TEXT: readonly CompareOp[] = [...ORDER, 'co', 'sw', 'ew'];

interface TypeRow {
  readonly operators: readonly CompareOp[];
  /** the key of a value as it stands in a resource; undefined when the value is not of this type */
  readonly key: (value: unknown, attribute: SchemaAttribute) => Key | undefined;
  /** what a filter must write, for error texts */
  readonly wants: string;
}

/** One row per type: RFC 7644 §3.4.2.2 table 3 says that booleans and binaries have no order, and that only text has parts. */
const TYPES: Readonly<Record<ScimType, TypeRow>> = {
  string: { operators: TEXT, key: text, wants: 'a string in double quotes' },
  reference: { operators: TEXT, key: text, wants: 'a string in double quotes' },
  binary: { operators: EQUALITY, key: (value) => ofType('string', value), wants: 'a base64 string in double quotes' },
  boolean: { operators: EQUALITY, key: (value) => ofType('boolean', value), wants: 'true or false' },
  decimal: { operators: ORDER, key: (value) => ofType('number', value), wants: 'a number' },
  integer: { operators: ORDER, key: (value) => ofType('number', value), wants: 'a number' },
  dateTime: { operators: ORDER, key: instant, wants: 'a date such as "2026-01-31T08:00:00Z"' },
  complex: { operators: [], key: () => undefined, wants: 'a sub-attribute' },
};

const TESTS: Readonly<Record<CompareOp, (value: Key, wanted: Key) => boolean>> = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value !== wanted,
  co: (value, wanted) => contains(String(value), String(wanted)),
  sw: (value, wanted) => String(value).startsWith(String(wanted)),
  ew: (value, wanted) => String(value).endsWith(String(wanted)),
  gt: (value, wanted) => value > wanted,
  ge: (value, wanted) => value >= wanted,
  lt: (value, wanted) => value < wanted,
  le: (value, wanted) => value <= wanted,
};

/** Whether the operator has a meaning for values of that type. */
export function fits(op: CompareOp, attribute: SchemaAttribute): boolean {
  return TYPES[attribute.type].operators.includes(op);
}

/** What a filter must compare this attribute with, in words. */
export function wants(attribute: SchemaAttribute): string {
  return TYPES[attribute.type].wants;
}

/** The key of a resource's value; undefined when there is none ("" counts as none, like null). */
export function keyOf(attribute: SchemaAttribute): (value: unknown) => Key | undefined {
  const { key } = TYPES[attribute.type];
  return (value) => (value === '' ? undefined : key(value, attribute));
}

/** Booleans as clients write them: Entra ID "True" and "False", scripts 1 and 0. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The key of a value written in a filter; undefined when its type does not fit. */
export function literalKey(attribute: SchemaAttribute, literal: Key): Key | undefined {
  if (attribute.type === 'boolean') return BOOLEANS.get(String(literal).toLowerCase());
  return TYPES[attribute.type].key(literal, attribute);
}

/** Makes the test of one key. */
export function testAgainst(op: CompareOp, wanted: Key): (key: Key) => boolean {
  const test = TESTS[op];
  return (key) => test(key, wanted);
}

/** Up to this product of lengths the engine's own search is fast for any text. */
const SMALL = 1_000_000;

/** As text.includes(part), in linear time: the engine's search takes seconds for some long parts in a text of a megabyte. */
export function contains(text: string, part: string): boolean {
  if (text.length * part.length <= SMALL) return text.includes(part);
  // Knuth, Morris and Pratt: where in `part` to continue when its character at an index does not match
  const back = new Int32Array(part.length);
  for (let at = 1, fits = 0; at < part.length; at += 1) {
    while (fits > 0 && part.charCodeAt(at) !== part.charCodeAt(fits)) fits = back[fits - 1] ?? 0;
    if (part.charCodeAt(at) === part.charCodeAt(fits)) fits += 1;
    back[at] = fits;
  }
  for (let at = 0, fits = 0; at < text.length; at += 1) {
    while (fits > 0 && text.charCodeAt(at) !== part.charCodeAt(fits)) fits = back[fits - 1] ?? 0;
    if (text.charCodeAt(at) === part.charCodeAt(fits)) fits += 1;
    if (fits === part.length) return true;
  }
  return false;
}

function ofType(type: 'string' | 'number' | 'boolean', value: unknown): Key | undefined {
  return typeof value === type ? (value as Key) : undefined;
}

function text(value: unknown, attribute: SchemaAttribute): string | undefined {
  if (typeof value !== 'string') return undefined;
  // a final sigma has its own small letter, which would keep "ΟΔΟΣ" from being the start of "ΟΔΟΣΑ"
  return attribute.caseExact ? value : value.toLowerCase().replaceAll('ς', 'σ');
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,12})?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/i;

/** Milliseconds since 1970 of an xsd:dateTime (RFC 7643 §2.3.5); a bare date is its midnight, no offset means UTC; undefined when it is no date. */
function instant(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? DATE_TIME.exec(value) : null;
  if (!parts) return undefined;
  const number = (group: number): number => Number(parts[group] ?? 0);
  const [year, month, day, hour, minute, second] = [number(1), number(2), number(3), number(4), number(5), number(6)];
  if (hour > 23 || minute > 59 || second > 60 || number(9) > 23 || number(10) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (parts[8] === '-' ? -1 : 1) * (number(9) * 60 + number(10));
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + number(7) * 1000;
}
