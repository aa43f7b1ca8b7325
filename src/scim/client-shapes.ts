/** How the rows of THE QUIRKS TABLE convert client shapes. */
import { resolvePath, sameUrn } from '../mapping/attribute-path.ts';
import type { Json } from './http/body.ts';
import { isObject, MAX_ELEMENTS } from './patch/element-laws.ts';
import { complexForm, isEmpty, listForm, objectForm, simpleForm } from './forms.ts';
import { invalid } from './http/refusals.ts';
import { subAttributes, type Shape } from './shape.ts';

/** One operation of a PATCH as sent, its name in lower case. */
export interface Operation {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

export function managerId(value: unknown): unknown {
  if (!isObject(value)) return value;
  const key = Object.keys(value).find((name) => name.toLowerCase() === 'managerid');
  if (key === undefined) return value;
  const { [key]: id, ...rest } = value;
  return { value: id, ...rest };
}

/** An extension under a draft's URN moves to its own, where existing values win. */
export function withoutDraftUrns(user: Json, { extensions }: Shape): Json {
  const keys = Object.keys(user);
  let read = user;
  for (const { urn } of extensions.values()) {
    const isOwn = (key: string): boolean => key.toLowerCase() === urn.toLowerCase();
    const drafts = keys.filter((key) => !isOwn(key) && sameUrn(urn, key));
    if (drafts.length === 0) continue;
    const own = keys.filter(isOwn);
    const all = [...drafts, ...own].map((key) => objectForm(user[key], urn));
    const objects = all.filter(isObject);
    // anything but an object is left for the schema to refuse
    const odd = all.find((each) => !isObject(each) && !isEmpty(each));
    read = { ...without(read, new Set([...drafts, ...own])), [urn]: odd ?? Object.assign({}, ...objects) };
  }
  return read;
}

/** Core attributes under their schema's URN move to the top, where existing values win. Throws 400 invalidValue. */
export function fromCoreUrn(user: Json, { schema }: Shape): Json {
  const keys = Object.keys(user).filter((key) => sameUrn(schema.core.id, key));
  if (keys.length === 0) return user;
  const inside = keys.map((key) => objectForm(user[key], key)).filter((each) => !isEmpty(each));
  if (!inside.every(isObject)) throw invalid(`${schema.core.id} must be an object`);
  return Object.assign({}, ...inside, without(user, new Set(keys))) as Json;
}

const without = (holder: Json, keys: ReadonlySet<string>): Json =>
  Object.fromEntries(Object.entries(holder).filter(([key]) => !keys.has(key)));

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
export function pathsInKeys(operation: Operation, { schema }: Shape): readonly Operation[] {
  const { op, path, value } = operation;
  if (path !== undefined || !isObject(value)) return [operation];
  const ids = [schema.core.id, ...schema.extensions.map(({ id }) => id)];
  const isSchema = (key: string): boolean => ids.some((id) => sameUrn(id, key));
  const isPath = (key: string): boolean => /[.:[]/.test(key) && !isSchema(key);
  const paths = Object.keys(value).filter(isPath);
  if (paths.length === 0) return [operation];
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !isPath(key)));
  return [
    ...(Object.keys(rest).length > 0 ? [{ op, value: rest }] : []),
    ...paths.map((key) => ({ op, path: key, value: value[key] })),
  ];
}

/**
 * `remove roles [{value: "a"}]` becomes `remove roles[value eq "a"]`: read by RFC 7644 §3.5.2.2 it would remove all
 * roles. Throws 400 invalidValue for an empty value, which could mean all or none.
 */
export function valuesIntoFilters(operation: Operation, { schema }: Shape): readonly Operation[] {
  const { op, path, value } = operation;
  if (op !== 'remove' || path === undefined || path.includes('[') || value === undefined) return [operation];
  const target = resolvePath(path.trim(), schema);
  if (!target?.attribute.multiValued || target.sub || target.attribute.mutability === 'readOnly') return [operation];
  const { attribute } = target;
  if (value === null || value === '') throw emptyRemoval(attribute.name);
  const values = listForm(value, attribute.name);
  if (values.length > MAX_ELEMENTS) throw invalid(`${attribute.name} cannot have more than ${MAX_ELEMENTS} values`);
  const names = subAttributes(attribute);
  return values.flatMap((each) => {
    const element = complexForm(each, attribute, attribute.name);
    if (!isObject(element)) throw invalid(`${attribute.name}: a value to remove must be an object with a value`);
    const given = Object.entries(element).flatMap(([name, sent]): [string, string | boolean][] => {
      const sub = names.get(name.toLowerCase());
      const part = sub && simpleForm(sent, sub);
      return typeof part === 'string' || typeof part === 'boolean' ? [[name, part]] : [];
    });
    const identity = given.filter(([name]) => /^(value|type)$/i.test(name));
    const tests = identity.some(([name]) => name.toLowerCase() === 'value') ? identity : given;
    const filter = tests.map(([name, part]) => `${name} eq ${JSON.stringify(part)}`).join(' and ');
    return filter === '' ? [] : [{ op, path: `${path.trim()}[${filter}]` }];
  });
}

/** The refusal of `remove members` with `value: null` and the like: guessing wrong empties a group. */
export function emptyRemoval(name: string): Error {
  return invalid(`${name}: remove with an empty value can mean all or none: leave value out to remove all of them`);
}

export function withoutGroups(operation: Operation): readonly Operation[] {
  const { path } = operation;
  return path !== undefined && /^(urn:.*:)?groups\b/i.test(path.trim()) ? [] : [operation];
}
