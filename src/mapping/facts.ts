/** Facts about a ZITADEL user, confirmed or wanted, in ZITADEL's terms, flat and canonical. */

/**
 * One user as flat, canonical strings. Names: username, givenName, familyName, nickName, displayName, preferredLanguage, email, phone,
 * state, password (a hash, pending only), and metadata keys, which all begin with `urn:zitadel:scim:`. Absent: not set.
 */
export type Facts = Readonly<Record<string, string>>;

/** Facts to set (string) or to take away (null); facts not named stay as they are. */
export type FactsChange = Readonly<Record<string, string | null>>;

export const METADATA_PREFIX = 'urn:zitadel:scim:';

/** A password hash that the store keeps encrypted, and that could not be decrypted, begins so; no hash does. */
export const SEALED = 'sealed:';

export const isSealed = (password: string): boolean => password.startsWith(SEALED);

export const isMetadata = (name: string): boolean => name.startsWith(METADATA_PREFIX);

/** Lays changes over facts, in order. */
export function overlay(facts: Facts, ...changes: readonly FactsChange[]): Facts {
  const out: Record<string, string> = { ...facts };
  for (const change of changes) {
    for (const [name, value] of Object.entries(change)) {
      if (value === null) delete out[name];
      else out[name] = value;
    }
  }
  return out;
}

/** Facts, or changes of facts, without those named. */
export const withoutFacts = <F extends FactsChange>(facts: F, names: ReadonlySet<string>): F =>
  Object.fromEntries(Object.entries(facts).filter(([name]) => !names.has(name))) as F;

/** Only those named. */
export const onlyFacts = <F extends FactsChange>(facts: F, names: ReadonlySet<string>): F =>
  Object.fromEntries(Object.entries(facts).filter(([name]) => names.has(name))) as F;

/** The smallest change that turns `from` into `to`. */
export function difference(from: Facts, to: Facts): FactsChange {
  const out: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(to)) if (from[name] !== value) out[name] = value;
  for (const name of Object.keys(from)) if (!(name in to)) out[name] = null;
  return out;
}
