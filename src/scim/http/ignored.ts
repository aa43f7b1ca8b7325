/** Names of attributes that no schema has: passed over with success (RFC 7644 §3.3), and told to the operator. */

/** Takes the name of an attribute that is passed over, e.g. `shoeSize` or `emails.verified`. */
export type Ignore = (name: string) => void;

export interface Ignored {
  readonly ignore: Ignore;
  /** each once, as it was sent; `other` for what cannot be a name, and for those beyond the first 20 */
  names(): readonly string[];
}

/** Most names of one request that are told. */
const MOST_NAMES = 20;
/** What an attribute or a URN can be called: a key that is an address or a number of a person is none. */
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
