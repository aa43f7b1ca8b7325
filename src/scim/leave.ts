/** Whether a PUT or PATCH asks for active=false, read so leniently that nothing else in it can be in the way. */
import type { Json } from './body.ts';

/** Clients send false, "false" and "False" (Microsoft Entra ID), in a list or not. */
function isOff(value: unknown): boolean {
  const [only] = Array.isArray(value) ? value : [value];
  return only === false || (typeof only === 'string' && only.toLowerCase() === 'false');
}

export function asksToLeave(body: Json): boolean {
  const operations = member(body, 'operations');
  return isOff(member(body, 'active')) || (Array.isArray(operations) && operations.some(isLeaving));
}

function isLeaving(operation: unknown): boolean {
  if (!isObject(operation)) return false;
  const [op, path, value] = [member(operation, 'op'), member(operation, 'path'), member(operation, 'value')];
  if (String(op).toLowerCase() === 'remove') return false;
  if (typeof path === 'string' && path.trim() !== '') return /(?:^|:)active$/i.test(path.trim()) && isOff(value);
  return isObject(value) && isOff(member(value, 'active'));
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Attribute names have no case (RFC 7643 §2.1). */
function member(of: Json, name: string): unknown {
  const key = Object.keys(of).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : of[key];
}
