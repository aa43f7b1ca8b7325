/** A resource while a PATCH runs on it: the base is never changed, what is touched is copied. */
import type { SchemaAttribute } from '../mapping/schema.ts';
import type { Json } from './body.ts';
import { settleElements, withOnePrimary } from './elements.ts';
import type { Place } from './place.ts';

export interface Draft {
  get(place: Place): unknown;
  /** undefined, {} and [] take the attribute away */
  set(place: Place, value: unknown): void;
  /** adds elements; a primary among them takes the place of the one before (RFC 7644 §3.5.2.1) */
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
      copy = { ...(top[extension] as Json | undefined) };
      own.set(extension, copy);
      top[extension] = copy;
    }
    return copy;
  }

  const get = (place: Place): unknown => holder(place)[place.attribute.name];

  function set(place: Place, value: unknown): void {
    const empty =
      value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
    if (empty) delete holder(place)[place.attribute.name];
    else holder(place)[place.attribute.name] = value;
    if (place.attribute.multiValued) lists.set(place.attribute, place);
  }

  return {
    get,
    set,
    append(place, elements) {
      const before = get(place);
      const all = [...(Array.isArray(before) ? (before as Json[]) : []), ...elements];
      set(place, elements.some(({ primary }) => primary === true) ? withOnePrimary(all) : all);
    },
    done() {
      for (const place of lists.values()) {
        const list = get(place);
        if (Array.isArray(list) && place.attribute.type === 'complex')
          set(place, settleElements(list as Json[], place.attribute));
      }
      for (const [urn, extension] of own) if (Object.keys(extension).length === 0) delete top[urn];
      return top;
    },
  };
}
