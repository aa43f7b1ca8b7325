/** Sorting of resources (RFC 7644 §3.4.2.3). */

import { BridgeError } from '../errors.ts';
import { nextSlice, sliceIsOver } from './slices.ts';
import { elementsAt, own, resolvePath, toValue, type Resource } from './attribute-path.ts';
import { keyOf, type Key } from './comparison.ts';
import type { ResourceSchema } from './schema.ts';

export interface SortOrder {
  readonly sortBy: string;
  /** `ascending` (also when absent) or `descending`, in any case */
  readonly sortOrder?: string | undefined;
}

/**
 * Makes the function that returns a resource's sort key; undefined for one without the attribute. Of a multi-valued
 * attribute the primary, else the first element counts; a complex one sorts by its `value`. Throws 400 invalidValue for
 * one that is unknown, never returned, or complex without `value`: RFC 7644 §3.12 keeps invalidPath for PATCH.
 */
export function sortKey(schema: ResourceSchema, sortBy: string): (resource: Resource) => Key | undefined {
  const resolved = resolvePath(sortBy, schema);
  if (!resolved) throw invalid(`sortBy: there is no attribute "${sortBy.slice(0, 120)}"`);
  const path = toValue(resolved);
  const attribute = path.sub ?? path.attribute;
  if (attribute.type === 'complex') throw invalid(`sortBy: "${attribute.name}" is complex, name a sub-attribute`);
  if (path.attribute.returned === 'never' || attribute.returned === 'never')
    throw invalid(`sortBy: "${attribute.name}" is never returned`);
  const key = keyOf(attribute);
  const sub = path.sub?.name;
  return (resource) => {
    const elements = elementsAt(path, resource);
    const chosen = elements.find((element) => own(element, 'primary') === true) ?? elements[0];
    return key(sub === undefined ? chosen : own(chosen, sub));
  };
}

/** The comparator of keys. Resources without one go last in ascending order, first in descending. Throws 400 invalidValue for any other order. */
export function compareKeys(sortOrder?: string): (a: Key | undefined, b: Key | undefined) => number {
  const order = sortOrder?.toLowerCase() ?? 'ascending';
  if (order !== 'ascending' && order !== 'descending') throw invalid('sortOrder: must be "ascending" or "descending"');
  const sign = order === 'ascending' ? 1 : -1;
  return (a, b) => {
    if (a === b) return 0;
    if (a === undefined) return sign;
    if (b === undefined) return -sign;
    return a < b ? -sign : sign;
  };
}

/** A sorted copy; equal ones keep their order, so that pages do not overlap. */
export function sortResources<T extends Resource>(
  resources: readonly T[],
  schema: ResourceSchema,
  { sortBy, sortOrder }: SortOrder,
): T[] {
  const key = sortKey(schema, sortBy);
  const compare = compareKeys(sortOrder);
  return resources
    .map((resource) => ({ resource, key: key(resource) }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ resource }) => resource);
}

/**
 * As sortResources for many: items that carry their keys, in slices, by merging. Equal ones keep their order.
 */
export async function sortInSlices<T extends { readonly key: Key | undefined }>(
  items: readonly T[],
  sortOrder?: string,
): Promise<readonly T[]> {
  const compare = compareKeys(sortOrder);
  let from = [...items];
  let to: T[] = [];
  for (let width = 1; width < from.length; width *= 2) {
    to = [];
    for (let low = 0; low < from.length; low += 2 * width) {
      const middle = Math.min(low + width, from.length);
      const high = Math.min(low + 2 * width, from.length);
      let [left, right] = [low, middle];
      while (left < middle || right < high) {
        const [one, other] = [from[left] as T, from[right] as T];
        const isLeft = right >= high || (left < middle && compare(one.key, other.key) <= 0);
        to.push(isLeft ? one : other);
        if (isLeft) left += 1;
        else right += 1;
        if (to.length % PIECE === 0 && sliceIsOver()) await nextSlice();
      }
    }
    from = to;
  }
  return from;
}

/** Comparisons between two checks whether the slice is over. */
const PIECE = 64;

function invalid(detail: string): BridgeError {
  return new BridgeError(400, detail, { scimType: 'invalidValue' });
}
