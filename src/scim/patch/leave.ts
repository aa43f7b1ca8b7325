/** Whether a PUT or PATCH asks for active=false, read so leniently that nothing else in it can be in the way. */
import type { Json } from '../http/body.ts';
import { sent } from '../sent.ts';

/** Clients send false, "false" and "False" (Microsoft Entra ID), in a list or not. */
function isOff(value: unknown): boolean {
  const [only] = Array.isArray(value) ? value : [value];
  return only === false || (typeof only === 'string' && only.toLowerCase() === 'false');
}

export function asksToLeave(body: Json): boolean {
  const operations = sent(body, 'operations');
  return isOff(sent(body, 'active')) || (Array.isArray(operations) && operations.some(isLeaving));
}

function isLeaving(operation: unknown): boolean {
  if (!isObject(operation)) return false;
  const [op, path, value] = [sent(operation, 'op'), sent(operation, 'path'), sent(operation, 'value')];
  if (String(op).toLowerCase() === 'remove') return false;
  if (typeof path === 'string' && path.trim() !== '') return /(?:^|:)active$/i.test(path.trim()) && isOff(value);
  return isObject(value) && isOff(sent(value, 'active'));
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
