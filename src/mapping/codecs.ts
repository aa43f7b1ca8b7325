/** Codecs: how the value of one row of THE ATTRIBUTE TABLE becomes facts and vice versa. */
import { BridgeError } from '../errors.ts';
import { type Canonical, email, phone } from './canonical.ts';
import type { Facts } from './facts.ts';
import { METADATA_PREFIX } from './facts.ts';

export interface Codec {
  /** every fact it may write */
  readonly facts: readonly string[];
  /** SCIM value (never null, "" or []) to facts. Throws BridgeError 400 invalidValue that names `path`. */
  write(value: unknown, path: string): Facts;
  /** Facts to SCIM value; undefined: not assigned. */
  read(facts: Facts): unknown;
}

/** Maximum characters that ZITADEL accepts for a name, an address or a number. */
const MOST_CHARACTERS = 200;
/** Maximum bytes that ZITADEL accepts for one metadata value. */
const MOST_BYTES = 500_000;

const metadataKey = (key: string): string => METADATA_PREFIX + key;

function invalid(path: string, why: string): BridgeError {
  return new BridgeError(400, `${path} ${why}`, { scimType: 'invalidValue' });
}

function stored(value: string, path: string): string {
  if (value.length * 3 > MOST_BYTES && Buffer.byteLength(value) > MOST_BYTES)
    throw invalid(path, `is longer than ${MOST_BYTES} bytes`);
  return value;
}

function short(value: string, path: string): string {
  if (value.length > MOST_CHARACTERS && [...value].length > MOST_CHARACTERS)
    throw invalid(path, `is longer than ${MOST_CHARACTERS} characters, the most that ZITADEL takes`);
  return value;
}

/** A field of ZITADEL's own. Metadata also keeps the value as sent if ZITADEL would store another spelling. */
export function profile(fact: string, path: string, canonical: Canonical): Codec {
  const raw = metadataKey(path);
  return {
    facts: [fact, raw],
    write(value, where) {
      const sent = String(value);
      const kept = canonical(sent);
      const twin = kept === sent || sent.trim() === '' ? {} : { [raw]: stored(sent, where) };
      return kept === undefined ? twin : { [fact]: short(kept, where), ...twin };
    },
    read(facts) {
      const sent = facts[raw];
      return sent !== undefined && canonical(sent) === facts[fact] ? sent : facts[fact];
    },
  };
}

/** A metadata key that holds the string as sent. */
export function text(key: string): Codec {
  const fact = metadataKey(key);
  return {
    facts: [fact],
    write: (value, path) => ({ [fact]: stored(String(value), path) }),
    read: (facts) => facts[fact],
  };
}

/** A metadata key that holds the value as JSON. */
export function json(key: string): Codec {
  const fact = metadataKey(key);
  return {
    facts: [fact],
    write: (value, path) => ({ [fact]: stored(stableJson(value), path) }),
    read: (facts) => parseJson(facts[fact]),
  };
}

/** `active`: state as wanted (active, inactive) or as ZITADEL has it (active, inactive, locked, initial). */
export const activeState: Codec = {
  facts: ['state'],
  write: (value) => ({ state: value === false ? 'inactive' : 'active' }),
  read: (facts) => isActive(facts),
};

/** Set while a never-activated user is locked instead of deactivated (ZITADEL does not deactivate those). */
export const INACTIVE_MARK = metadataKey('inactive');
/** Set while a locked user is deactivated: reactivation locks again. */
export const LOCKED_MARK = metadataKey('locked');

/** Locked and initial users count as active, unless the bridge itself locked them. */
export function isActive(facts: Facts): boolean {
  const { state } = facts;
  return state !== 'inactive' && !(state === 'locked' && facts[INACTIVE_MARK] !== undefined);
}

type Element = Readonly<Record<string, unknown>>;

/** A list whose primary (else first) value is ZITADEL's own field; type, display and other elements are in metadata. */
function listWithField(
  fact: string,
  key: string,
  canonical: Canonical,
  check: (raw: string, path: string) => void,
): Codec {
  const listFact = metadataKey(key);
  return {
    facts: [fact, listFact],
    write(value, path) {
      const elements = (value as readonly Element[]).filter(
        (each) => typeof each['value'] === 'string' && each['value'].trim() !== '',
      );
      for (const each of elements) check(String(each['value']), `${path}.value`);
      const first = main(elements);
      if (first === undefined) return {};
      const kept = canonical(String(first['value']));
      const own = kept === undefined ? {} : { [fact]: short(kept, `${path}.value`) };
      return isPlain(elements, kept) ? own : { ...own, [listFact]: stored(stableJson(elements), path) };
    },
    read(facts) {
      const now = facts[fact];
      const list = parseJson(facts[listFact]);
      const elements = Array.isArray(list) ? list.filter(isElement) : [];
      if (elements.length === 0) return now === undefined ? undefined : [{ value: now, primary: true }];
      const first = main(elements);
      const was = first?.['value'];
      if (was === now || (typeof was === 'string' && canonical(was) === now)) return elements;
      // changed in ZITADEL since: its value counts for this one
      const rest = elements.flatMap((each) =>
        each === first ? (now === undefined ? [] : [{ ...each, value: now }]) : [each],
      );
      return rest.length === 0 ? undefined : rest;
    },
  };
}

/** Others may have written the list: an element without a value is not ours. */
function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'string';
}

const main = (elements: readonly Element[]): Element | undefined =>
  elements.find((each) => each['primary'] === true) ?? elements[0];

/** One element that says nothing beyond the field. */
function isPlain(elements: readonly Element[], kept: string | undefined): boolean {
  const [only] = elements;
  return (
    elements.length === 1 &&
    only !== undefined &&
    Object.keys(only).length === 2 &&
    only['primary'] === true &&
    only['value'] === kept
  );
}

export const emailList = listWithField('email', 'emails', email, (raw, path) => {
  if (!/^[^\s@]+@[^\s@]+$/.test(raw.trim())) throw invalid(path, 'is not an e-mail address');
});

export const phoneList = listWithField('phone', 'phoneNumbers', phone, (raw, path) => {
  if (!/\d/.test(raw)) throw invalid(path, 'is not a phone number: send it in international form, e.g. +41791234567');
});

const RANK = ['value', 'display', 'type', 'primary'];

function rank(key: string): number {
  const at = RANK.indexOf(key);
  return at === -1 ? RANK.length : at;
}

/** JSON with a fixed key order, so that equal values are equal strings. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    const entries = Object.entries(each).filter(([, inner]) => inner !== undefined && inner !== null);
    return Object.fromEntries(entries.toSorted(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
  });
}

/** Others may have written the metadata: anything but a JSON object or list of objects is not assigned. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    if (!Array.isArray(value)) return isObject(value) ? value : undefined;
    const objects = value.filter(isObject);
    return objects.length === 0 ? undefined : objects;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
