/** PATCH of elements: a path with a value filter, or a sub-attribute of a multi-valued attribute (RFC 7644 §3.5.2). */
import { BridgeError } from '../../errors.ts';
import { findAttribute } from '../../mapping/attribute-path.ts';
import { equalities, type FilterNode } from '../../mapping/filter.ts';
import type { SchemaAttribute } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import { coerceOne, coerceValue } from '../coerce.ts';
import type { Draft } from './draft.ts';
import { withOnePrimary, withTouchedLast } from './element-laws.ts';
import type { Ignore } from '../http/ignored.ts';
import { named, type Place } from './place.ts';

export interface ElementEdit {
  readonly op: string;
  readonly place: Place;
  readonly sub: SchemaAttribute | undefined;
  readonly value: unknown;
  /** absent: all elements */
  readonly elements: { readonly filter: FilterNode; readonly match: (element: unknown) => boolean } | undefined;
}

/** Checks the value and makes the edit. Throws 400 invalidValue; the edit throws 400 noTarget. */
export function editElements({ op, place, sub, value, elements }: ElementEdit, ignore: Ignore): (draft: Draft) => void {
  const { attribute } = place;
  const match = elements?.match ?? (() => true);
  const wanted = op === 'remove' ? undefined : read(value, place, sub, ignore);
  const setsPrimary = sub ? sub.name === 'primary' : (wanted as Json | undefined)?.['primary'] === true;
  const founded = wanted === undefined ? undefined : founding(elements?.filter, attribute);

  return (draft) => {
    const before = draft.elements(place);
    const made: Json[] = [];
    const touched = new Set<Json>();
    const change = (element: Json): Json | undefined => {
      const changed = changeOne(op, element, sub, wanted, founded?.element);
      if (changed !== undefined) touched.add(changed);
      if (changed?.['primary'] === true && setsPrimary) made.push(changed);
      return changed;
    };
    let after = before
      .map((element) => (match(element) ? change(element) : element))
      .filter((element) => element !== undefined);
    if (founded && !before.some(match)) {
      if (!founded.allowed || !match(founded.element))
        throw new BridgeError(400, `no element of ${named(place)} matches the filter of the path`, {
          scimType: 'noTarget',
        });
      const element = { ...founded.element, ...(sub ? { [sub.name]: wanted } : (wanted as Json)) };
      if (element.primary === true) made.push(element);
      after = [...after, element];
    }
    const winner = made.at(-1);
    const settled = withTouchedLast(winner ? withOnePrimary(after, winner) : after, touched, attribute);
    draft.set(place, attribute.multiValued ? settled : settled[0]);
  };
}

function read(value: unknown, place: Place, sub: SchemaAttribute | undefined, ignore: Ignore): unknown {
  return sub
    ? coerceValue(value, sub, named(place, sub), ignore)
    : coerceOne(value, place.attribute, named(place), ignore);
}

/** A matching element after the operation; undefined: removed. `founding`: the values required by the filter. */
function changeOne(
  op: string,
  element: Json,
  sub: SchemaAttribute | undefined,
  wanted: unknown,
  founded: Json = {},
): Json | undefined {
  if (sub) {
    const { [sub.name]: _old, ...others } = element;
    return wanted === undefined ? others : { ...element, [sub.name]: wanted };
  }
  if (wanted === undefined) return op === 'add' ? element : undefined;
  // replaced as a whole (RFC 7644 §3.5.2.3), but what the filter said of it stays true: clients leave the type out
  return op === 'add' ? { ...element, ...(wanted as Json) } : { ...founded, ...(wanted as Json) };
}

/**
 * The element that a filter asks for where none matches: add and replace make it (Entra ID sets `emails[type eq "work"].value` of users
 * without a mail). Not allowed for a type that is not canonical, which RFC 7644 §3.5.2.3 answers by noTarget.
 */
function founding(
  filter: FilterNode | undefined,
  attribute: SchemaAttribute,
): { readonly element: Json; readonly allowed: boolean } {
  const element: Record<string, unknown> = {};
  let allowed = true;
  for (const { path, value } of filter ? equalities(filter) : []) {
    const sub = findAttribute(attribute.subAttributes, path);
    if (!sub) continue;
    element[sub.name] = coerceValue(value, sub, `${attribute.name}.${sub.name}`);
    const canonical = sub.name === 'type' ? sub.canonicalValues : undefined;
    if (canonical && !canonical.some((each) => each.toLowerCase() === String(value).toLowerCase())) allowed = false;
  }
  return { element, allowed };
}
