import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../src/errors.ts';
import { ambiguous, formed, PLACES, type Json } from './generous-forms.ts';
import { assertForms, WAYS } from './generous-laws.ts';

for (const [way, read] of Object.entries(WAYS))
  describe(way, () => {
    test('each form of a valid value of each attribute is read as that value', () => {
      assertForms(read, { numRuns: 60 });
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
