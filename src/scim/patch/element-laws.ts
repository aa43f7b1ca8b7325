/** Rules for the elements of a complex multi-valued attribute (RFC 7643 §2.4). */
import type { SchemaAttribute } from '../../mapping/schema.ts';
import { invalid } from '../http/refusals.ts';

type Element = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Most values of one attribute of a user: keeps the work of a PATCH small. */
export const MAX_ELEMENTS = 1000;

/** They describe a value but are not values themselves. */
const ABOUT = new Set(['type', 'primary', 'display']);

/**
 * The elements as they may stand: none without a value (what is left when a client clears `emails[type eq "work"].value`), no two with
 * the same type and value (the later one's word counts, but one that is primary stays so), at most one primary (the last one).
 * Throws 400 invalidValue for more elements than a user may have.
 */
export function settleElements(elements: readonly Element[], attribute: SchemaAttribute): Element[] {
  const byIdentity = new Map<string, Element>();
  for (const element of elements) {
    if (!hasValue(element)) continue;
    const identity = identityOf(element, attribute);
    const twin = byIdentity.get(identity);
    const isPrimary = twin?.['primary'] === true && element['primary'] === false;
    byIdentity.set(identity, twin ? { ...twin, ...element, ...(isPrimary && { primary: true }) } : element);
  }
  if (byIdentity.size > MAX_ELEMENTS) throw invalid(`${attribute.name} holds more than ${MAX_ELEMENTS} values`);
  return withOnePrimary([...byIdentity.values()]);
}

const hasValue = (element: Element): boolean => Object.keys(element).some((name) => !ABOUT.has(name));

/**
 * At most one primary: `winner`, else the last that says so. The others become `primary: false` (RFC 7644 §3.5.2). An element that has no
 * value yet waits for a later operation to give it one: until then it neither wins nor loses.
 */
export function withOnePrimary(elements: readonly Element[], winner?: Element): Element[] {
  const isPrimary = (element: Element): boolean => element['primary'] === true && hasValue(element);
  const chosen = winner !== undefined && hasValue(winner) ? winner : elements.findLast(isPrimary);
  return elements.map((element) =>
    isPrimary(element) && element !== chosen ? { ...element, primary: false } : element,
  );
}

/** Of two duplicates, the one that an operation has just touched wins, whatever its position. */
export function withTouchedLast(
  elements: readonly Element[],
  touched: ReadonlySet<Element>,
  attribute: SchemaAttribute,
): readonly Element[] {
  const identities = elements.map((each) => identityOf(each, attribute));
  const ofTouched = new Set(identities.filter((_, at) => touched.has(elements[at] ?? {})));
  const twins = new Map<string, Element>();
  for (const [at, each] of elements.entries()) {
    const identity = identities[at] ?? '';
    if (!touched.has(each) && ofTouched.has(identity) && !twins.has(identity)) twins.set(identity, each);
  }
  if (twins.size === 0) return elements;
  return elements.flatMap((each, at) => {
    const twin = twins.get(identities[at] ?? '');
    if (twin === undefined) return [each];
    return touched.has(each) ? [{ ...twin, ...each }] : [];
  });
}

/** Equal for elements that are the same (type, value) pair; elements without a `value`, such as addresses, must be equal altogether. */
function identityOf(element: Element, attribute: SchemaAttribute): string {
  const { type, value } = element;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === undefined) return JSON.stringify(Object.entries(element).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const exact = attribute.subAttributes?.find(({ name }) => name === 'value')?.caseExact === true;
  return `${String(type).toLowerCase()}\n${exact ? text : text.toLowerCase()}`;
}
