/** What each form of a value must come to, through every way in: a law for tests and for the fuzz. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { USER } from '../../src/mapping/schema.ts';
import { parseBody } from '../../src/scim/http/body.ts';
import { coerceResource } from '../../src/scim/coerce.ts';
import { readPatch } from '../../src/scim/patch/patch.ts';
import { readUserBody } from '../../src/scim/quirks.ts';
import { createShape } from '../../src/scim/shape.ts';
import { formed, PLACES, type Json, type Place } from './generous-forms.ts';

const shape = createShape(USER);
const base: Json = { userName: 'base' };

const at = ({ extension, attribute }: Place, value: unknown): Json =>
  extension === undefined ? { [attribute.name]: value } : { [extension]: { [attribute.name]: value } };

/** As it comes from the network. */
const sent = (body: Json): Json => parseBody(new TextEncoder().encode(JSON.stringify(body)));
const patched = (operation: Json): Json => readPatch(sent({ Operations: [operation] }), shape).apply(base);

/** Every way in. POST and PUT read a body by the same function: scim/users/users: readUser. */
export const WAYS: Readonly<Record<string, (place: Place, value: unknown) => Json>> = {
  'POST and PUT': (place, value) => coerceResource(readUserBody(sent({ ...base, ...at(place, value) }), shape), shape),
  'POST and PUT, extension as JSON text': (place, value) => {
    const [[key, inner] = []] = Object.entries(at(place, value));
    const body = { ...base, [String(key)]: place.extension === undefined ? inner : JSON.stringify(inner) };
    return coerceResource(readUserBody(sent(body), shape), shape);
  },
  'PATCH with a path': (place, value) => patched({ op: 'replace', path: place.path, value }),
  'PATCH add with a path': (place, value) => patched({ op: 'add', path: place.path, value }),
  'PATCH without a path': (place, value) => patched({ op: 'replace', value: at(place, value) }),
  'PATCH without a path, in a list': (place, value) => patched({ op: 'replace', value: [at(place, value)] }),
  'PATCH without a path, JSON text': (place, value) => patched({ op: 'add', value: JSON.stringify(at(place, value)) }),
  'PATCH without a path, keys that are paths': (place, value) =>
    patched({ op: 'replace', value: { [place.path]: value } }),
};

/** Each form of a valid value of each attribute is read as that value. `runs` for each attribute; a failure says how to repeat it. */
export function assertForms(
  read: (place: Place, value: unknown) => Json,
  runs: { readonly numRuns: number; readonly seed?: number },
): void {
  for (const place of PLACES)
    fc.assert(
      fc.property(formed(place), ({ plain, form }) => {
        assert.deepEqual(read(place, form), read(place, plain), `${place.path} ${JSON.stringify(form)}`);
      }),
      runs,
    );
}
