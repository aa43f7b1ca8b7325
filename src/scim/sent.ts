/** Names in client input: case is ignored (RFC 7643 §2.1). */
import type { Json } from './http/body.ts';

/** The value under a name, given in lower case; undefined: none. */
export function sent(holder: Json, name: string): unknown {
  if (Object.hasOwn(holder, name)) return holder[name];
  const key = Object.keys(holder).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : holder[key];
}
