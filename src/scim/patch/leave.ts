/**
 * Whether a PUT or PATCH that cannot be read as a whole nevertheless requests active=false: whether it would deactivate
 * if the rest were readable. Each operation is read separately, by the usual functions; unreadable ones are ignored.
 */
import { resolvePath, sameUrn } from '../../mapping/attribute-path.ts';
import type { Json } from '../http/body.ts';
import type { Operation } from '../client-shapes.ts';
import { coerceValue } from '../coerce.ts';
import { isObject } from './element-laws.ts';
import { objectForm } from '../forms.ts';
import { operationsOf } from './operations.ts';
import { parsePatchPath } from './path.ts';
import { readOperations, readUserBody } from '../quirks.ts';
import { sent } from '../sent.ts';
import type { Shape } from '../shape.ts';

/** A PUT: the member `active`, the last one of several. */
export function putLeaves(body: Json, shape: Shape): boolean {
  return membersSay(body, shape) === false;
}

/** A PATCH: what its operations make of `active` in the end. */
export function patchLeaves(body: Json, shape: Shape): boolean {
  const operations = sent(body, 'operations');
  if (!Array.isArray(operations)) return false;
  return lastOf(operations as readonly unknown[], (each) => operationSays(each, shape)) === false;
}

function operationSays(operation: unknown, shape: Shape): boolean | undefined {
  const read = readable(() => readOperations(operationsOf({ operations: [operation] }, 1), shape)) ?? [];
  return lastOf(read, (each) => readable(() => says(each, shape)));
}

function says({ op, path, value }: Operation, shape: Shape): boolean | undefined {
  if (op === 'remove') return undefined;
  if (path === undefined || sameUrn(shape.schema.core.id, path.trim()))
    return membersSay(objectForm(value, 'value'), shape);
  const target = parsePatchPath(path, shape.schema);
  return target?.kind === 'attribute' && target.elements === undefined ? said(path, value, shape) : undefined;
}

function membersSay(value: unknown, shape: Shape): boolean | undefined {
  if (!isObject(value)) return undefined;
  const members = readable(() => readUserBody(value, shape)) ?? value;
  return lastOf(Object.entries(members), ([key, each]) => memberSays(key, each, shape));
}

const memberSays = (key: string, value: unknown, shape: Shape): boolean | undefined =>
  key.toLowerCase() === 'active' ? said(key, value, shape) : undefined;

/** What a value says of `active`; undefined when the path is another one, or the value none. */
function said(path: string, value: unknown, shape: Shape): boolean | undefined {
  const resolved = resolvePath(path.trim(), shape.schema);
  if (resolved?.attribute.name !== 'active' || resolved.extension !== undefined) return undefined;
  return readable(() => coerceValue(value, resolved.attribute, 'active')) as boolean | undefined;
}

function lastOf<T>(items: readonly T[], read: (item: T) => boolean | undefined): boolean | undefined {
  let last: boolean | undefined;
  for (const item of items) last = read(item) ?? last;
  return last;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
