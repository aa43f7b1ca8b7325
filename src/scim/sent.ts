/** Names in what a client sent: they have no case (RFC 7643 §2.1). */
import type { Json } from './http/body.ts';

/** What stands under a name, given in lower case; undefined: nothing does. */
export function sent(holder: Json, name: string): unknown {
  if (Object.hasOwn(holder, name)) return holder[name];
  const key = Object.keys(holder).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : holder[key];
}
