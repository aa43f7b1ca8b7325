/** Attribute names that no schema has: ignored with success (RFC 7644 §3.3), and reported to the operator. */

/** Takes the name of an ignored attribute, e.g. `shoeSize` or `emails.verified`. */
export type Ignore = (name: string) => void;

export interface Ignored {
  readonly ignore: Ignore;
  /** each once, as it was sent; `other` for what cannot be a name, and for those beyond the first 20 */
  names(): readonly string[];
}

/** Maximum names reported per request. */
const MOST_NAMES = 20;
/** The form of an attribute or URN: a key that is a person's address or number does not match. */
const NAME = /^[A-Za-z][\w.:-]{0,119}$/;
const OTHER = 'other';

/** Collects the names of one request. */
export function createIgnored(): Ignored {
  const names = new Set<string>();
  return {
    ignore(name) {
      if (names.has(OTHER) && names.size > MOST_NAMES) return;
      names.add(names.size < MOST_NAMES && NAME.test(name) ? name : OTHER);
    },
    names: () => [...names],
  };
}
