import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../src/errors.ts';
import { USER } from '../../src/mapping/attributes.ts';
import { parseBody } from '../../src/scim/body.ts';
import { coerceResource } from '../../src/scim/coerce.ts';
import { readPatch } from '../../src/scim/patch.ts';
import { readUserBody } from '../../src/scim/quirks.ts';
import { createShape } from '../../src/scim/shape.ts';
import { ambiguous, formed, PLACES, type Json, type Place } from './generous-forms.ts';

const shape = createShape(USER);
const base: Json = { userName: 'base' };

const at = ({ extension, attribute }: Place, value: unknown): Json =>
  extension === undefined ? { [attribute.name]: value } : { [extension]: { [attribute.name]: value } };

/** As it comes from the network. */
const sent = (body: Json): Json => parseBody(new TextEncoder().encode(JSON.stringify(body)));
const patched = (operation: Json): Json => readPatch(sent({ Operations: [operation] }), shape).apply(base);

/** Every way in. POST and PUT read a body by the same function: scim/users: readUser. */
const WAYS: Readonly<Record<string, (place: Place, value: unknown) => Json>> = {
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

for (const [way, read] of Object.entries(WAYS))
  describe(way, () => {
    test('each form of a valid value of each attribute is read as that value', () => {
      for (const place of PLACES)
        fc.assert(
          fc.property(formed(place), ({ plain, form }) => {
            assert.deepEqual(read(place, form), read(place, plain), `${place.path} ${JSON.stringify(form)}`);
          }),
          { numRuns: 60 },
        );
    });

    test('a form that has two meanings is 400 that names the attribute', () => {
      for (const place of PLACES)
        for (const form of ambiguous(place))
          assert.throws(
            () => read(place, form),
            (error) => {
              assert.ok(error instanceof BridgeError, String(error));
              assert.deepEqual([error.status, error.scimType], [400, 'invalidValue'], error.message);
              assert.ok(error.message.includes(place.path), `${place.path} is not in: ${error.message}`);
              return true;
            },
            `${place.path} ${JSON.stringify(form)}`,
          );
    });
  });

test('a plain value is read as it is', () => {
  for (const place of PLACES) {
    const [value] = fc.sample(formed(place), { numRuns: 1, seed: 7 });
    assert.ok(value);
    const user = WAYS['PATCH with a path']?.(place, value.plain) ?? {};
    const holder = (place.extension === undefined ? user : user[place.extension]) as Json;
    if (place.attribute.type !== 'complex') assert.equal(holder[place.attribute.name], value.plain);
    else assert.ok(place.attribute.name in holder, place.path);
  }
});
