/** SCIM user <-> facts, by walking THE ATTRIBUTE TABLE. */
import { BridgeError } from '../errors.ts';
import { attributeAt } from './attribute-path.ts';
import { type AttributeRow, ATTRIBUTES } from './attributes.ts';
import { METADATA_PREFIX, type Facts } from './facts.ts';
import { stableJson } from './codecs.ts';
import { USER } from './schema.ts';

/** SCIM attributes as plain JSON with canonical names: no schemas, id, meta or groups. Extensions stand under their URN. */
export type ScimUser = Readonly<Record<string, unknown>>;

/** ZITADEL demands names and an e-mail where SCIM demands a userName only: what stands in for them, {fact: value}, so that no client is shown it. */
export const STAND_INS = `${METADATA_PREFIX}standIns`;

const NO_MAIL_DOMAIN = '@users.invalid';

/** Placeholder addresses that cannot receive mail; never stored as verified. */
export const isUnreachable = (address: string): boolean => address.endsWith(NO_MAIL_DOMAIN);

function valueAt(user: ScimUser, path: string): unknown {
  const dot = path.startsWith('urn:') ? -1 : path.indexOf('.');
  if (dot === -1) return user[path];
  const parent = user[path.slice(0, dot)];
  return typeof parent === 'object' && parent !== null
    ? (parent as Record<string, unknown>)[path.slice(dot + 1)]
    : undefined;
}

/** null, "" and [] all mean: not assigned (RFC 7643 §2.5; clients send each of them). */
function isAssigned(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.values(value).some(isAssigned);
}

/**
 * The facts of a SCIM user with this id, stand-ins included: all that ZITADEL should hold of it.
 * Throws BridgeError 400 invalidValue that names the attribute.
 */
export function toFacts(user: ScimUser, id: string): Facts {
  const facts: Record<string, string> = {};
  for (const { path, codec } of ATTRIBUTES) {
    if (codec === null) continue;
    const value = valueAt(user, path);
    if (isAssigned(value)) Object.assign(facts, codec.write(value, path));
  }
  if (facts['username'] === undefined)
    throw new BridgeError(400, 'userName is required and must not be blank', { scimType: 'invalidValue' });
  facts['state'] ??= 'active';
  return withStandIns(facts, facts['username'], id);
}

function withStandIns(facts: Record<string, string>, username: string, id: string): Facts {
  const standIns: Record<string, string> = {};
  const standIn = (fact: string, value: string): void => {
    if (facts[fact] !== undefined) return;
    facts[fact] = standIns[fact] = value;
  };
  const formatted = facts[`${METADATA_PREFIX}name.formatted`]?.trim() || undefined;
  const called = facts['displayName'] ?? formatted ?? username;
  const nameless = facts['givenName'] === undefined && facts['familyName'] === undefined;
  const words = called.split(/\s+/);
  standIn('givenName', clip(words.slice(0, Math.max(1, words.length - 1)).join(' ')));
  standIn('familyName', clip(words.at(-1) ?? called));
  standIn('displayName', clip(formatted ?? (nameless ? called : `${facts['givenName']} ${facts['familyName']}`)));
  standIn('email', isAddress(username) ? username : `${id}${NO_MAIL_DOMAIN}`);
  if (Object.keys(standIns).length > 0) facts[STAND_INS] = stableJson(standIns);
  return facts;
}

const isAddress = (value: string): boolean => /^[^\s@]+@[^\s@][^\s@.]*\.[^\s@]+$/.test(value);

/** ZITADEL takes at most 200 characters. */
const clip = (value: string): string => (value.length <= 200 ? value : [...value].slice(0, 200).join('').trim());

/** Facts without those that only stand in. A stand-in that was changed in ZITADEL since is no longer one. */
function withoutStandIns(facts: Facts): Facts {
  const marks = facts[STAND_INS];
  if (marks === undefined) return facts;
  const out: Record<string, string> = { ...facts };
  delete out[STAND_INS];
  try {
    for (const [fact, value] of Object.entries(JSON.parse(marks) as Record<string, unknown>))
      if (out[fact] === value) delete out[fact];
  } catch {
    return out; // others may have written the metadata: then there is no mark
  }
  return out;
}

/** The SCIM user that these facts show. */
export function fromFacts(facts: Facts): ScimUser {
  const shown = withoutStandIns(facts);
  const user: Record<string, unknown> = {};
  for (const { path, codec } of ATTRIBUTES) {
    const value = codec?.read(shown);
    if (value === undefined) continue;
    const dot = path.startsWith('urn:') ? -1 : path.indexOf('.');
    if (dot === -1) user[path] = value;
    else ((user[path.slice(0, dot)] ??= {}) as Record<string, unknown>)[path.slice(dot + 1)] = value;
  }
  return user;
}

/** Facts that an attribute named by a PATCH (attribute, attribute.sub or URN:attribute) lives in. */
export function factsOf(path: string): readonly string[] {
  return rowsOf(path).flatMap((each) => each.codec?.facts ?? []);
}

const WHOLE: ReadonlySet<AttributeRow> = new Set(
  ATTRIBUTES.filter(({ path }) => path.startsWith('urn:') || attributeAt(path, USER).multiValued),
);

/** Whether a path names something that is stored as one piece with its neighbours: a list, an extension. */
export function isWhole(path: string): boolean {
  return rowsOf(path).some((each) => WHOLE.has(each));
}

function rowsOf(path: string): readonly AttributeRow[] {
  const inside = (whole: string, part: string): boolean =>
    part === whole || part.startsWith(`${whole}.`) || part.startsWith(`${whole}:`);
  return ATTRIBUTES.filter((each) => inside(each.path, path) || inside(path, each.path));
}
