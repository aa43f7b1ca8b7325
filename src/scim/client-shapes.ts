/** How the rows of THE QUIRKS TABLE read what they are about. */
import { resolvePath } from '../mapping/attribute-path.ts';
import type { Json } from './http/body.ts';
import { isObject, MAX_ELEMENTS } from './patch/element-laws.ts';
import { invalid } from './http/refusals.ts';
import { subAttributes, type Shape } from './shape.ts';

/** One operation of a PATCH as sent, its name in lower case. */
export interface Operation {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

export function wordToBoolean(value: unknown): unknown {
  const word = typeof value === 'string' ? value.toLowerCase() : undefined;
  return word === 'true' ? true : word === 'false' ? false : value;
}

export function asManager(value: unknown): unknown {
  return typeof value === 'string' && value !== '' ? { value } : value;
}

export function firstManager(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? asManager(value[0]) : value;
}

export function managerId(value: unknown): unknown {
  if (!isObject(value)) return value;
  const key = Object.keys(value).find((name) => name.toLowerCase() === 'managerid');
  if (key === undefined) return value;
  const { [key]: id, ...rest } = value;
  return { value: id, ...rest };
}

/** Attributes that only an extension knows move into its object, unless it names them itself. */
export function intoExtensions(user: Json, { core, extensions }: Shape): Json {
  const keys = Object.keys(user);
  let read = user;
  for (const { urn, names } of extensions.values()) {
    const stray = keys.filter((key) => names.has(key.toLowerCase()) && !core.has(key.toLowerCase()));
    if (stray.length === 0) continue;
    const holder = keys.find((key) => key.toLowerCase() === urn.toLowerCase()) ?? urn;
    const inside = user[holder];
    const strays = Object.fromEntries(stray.map((key) => [key, user[key]]));
    const rest = Object.fromEntries(Object.entries(read).filter(([key]) => !Object.hasOwn(strays, key)));
    read = { ...rest, [holder]: { ...strays, ...(isObject(inside) ? inside : {}) } };
  }
  return read;
}

/** `{"name.givenName": "A", "urn:...:User:department": "B", "active": true}` becomes one operation per path and one for the rest. */
export function pathsInKeys(operation: Operation, { schema, extensions }: Shape): readonly Operation[] {
  const { op, path, value } = operation;
  if (path !== undefined || !isObject(value)) return [operation];
  const isSchema = (key: string): boolean =>
    extensions.has(key.toLowerCase()) || key.toLowerCase() === schema.core.id.toLowerCase();
  const isPath = (key: string): boolean => /[.:[]/.test(key) && !isSchema(key);
  const paths = Object.keys(value).filter(isPath);
  if (paths.length === 0) return [operation];
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !isPath(key)));
  return [
    ...(Object.keys(rest).length > 0 ? [{ op, value: rest }] : []),
    ...paths.map((key) => ({ op, path: key, value: value[key] })),
  ];
}

/** `remove roles [{value: "a"}]` becomes `remove roles[value eq "a"]`: read by RFC 7644 §3.5.2.2 it would take away all roles. */
export function valuesIntoFilters(operation: Operation, { schema }: Shape): readonly Operation[] {
  const { op, path, value } = operation;
  if (op !== 'remove' || path === undefined || path.includes('[')) return [operation];
  const values = Array.isArray(value) ? value : [value];
  const target = values.every(isObject) ? resolvePath(path.trim(), schema) : undefined;
  if (!target?.attribute.multiValued || target.sub) return [operation];
  if (values.length > MAX_ELEMENTS)
    throw invalid(`${target.attribute.name} can not have more than ${MAX_ELEMENTS} values`);
  const names = subAttributes(target.attribute);
  return values.filter(isObject).flatMap((element) => {
    const given = Object.entries(element).filter(
      ([name, part]) => names.has(name.toLowerCase()) && (typeof part === 'string' || typeof part === 'boolean'),
    );
    const identity = given.filter(([name]) => /^(value|type)$/i.test(name));
    const tests = identity.some(([name]) => name.toLowerCase() === 'value') ? identity : given;
    const filter = tests.map(([name, part]) => `${name} eq ${JSON.stringify(part)}`).join(' and ');
    return filter === '' ? [] : [{ op, path: `${path.trim()}[${filter}]` }];
  });
}

export function withoutGroups(operation: Operation): readonly Operation[] {
  const { path } = operation;
  return path !== undefined && /^(urn:.*:)?groups\b/i.test(path.trim()) ? [] : [operation];
}
