/** A resource during a PATCH: the base is never changed, touched parts are copied. */
import type { SchemaAttribute } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import { isObject, MAX_ELEMENTS, settleElements, withOnePrimary } from './element-laws.ts';
import type { Place } from './place.ts';

export interface Draft {
  /** the elements of a list, a single complex value as a list of one; non-objects are skipped: others write metadata */
  elements(place: Place): readonly Json[];
  /** undefined, {} and [] remove the attribute */
  set(place: Place, value: unknown): void;
  /** adds elements; a primary among them takes the place of the one before (RFC 7644 §3.5.2.1). Throws 400 for too many */
  append(place: Place, elements: readonly Json[]): void;
  /** the resource, its touched lists settled */
  done(): Json;
}

export function createDraft(base: Json): Draft {
  const top: Record<string, unknown> = { ...base };
  const own = new Map<string, Record<string, unknown>>();
  const lists = new Map<SchemaAttribute, Place>();

  function holder({ extension }: Place): Record<string, unknown> {
    if (extension === undefined) return top;
    let copy = own.get(extension);
    if (!copy) {
      const before = top[extension];
      copy = isObject(before) ? { ...before } : {};
      own.set(extension, copy);
      top[extension] = copy;
    }
    return copy;
  }

  function elements(place: Place): readonly Json[] {
    const now = holder(place)[place.attribute.name];
    return (Array.isArray(now) ? now : [now]).filter(isObject);
  }

  function set(place: Place, value: unknown): void {
    const empty =
      value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
    if (empty) delete holder(place)[place.attribute.name];
    else holder(place)[place.attribute.name] = value;
    if (place.attribute.multiValued) lists.set(place.attribute, place);
  }

  return {
    elements,
    set,
    append(place, added) {
      const all = [...elements(place), ...added];
      if (all.length > MAX_ELEMENTS) set(place, settleElements(all, place.attribute));
      else set(place, added.some(({ primary }) => primary === true) ? withOnePrimary(all) : all);
    },
    done() {
      for (const place of lists.values()) set(place, settleElements(elements(place), place.attribute));
      for (const [urn, extension] of own) if (Object.keys(extension).length === 0) delete top[urn];
      return top;
    },
  };
}
