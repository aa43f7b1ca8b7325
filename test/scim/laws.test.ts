import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../src/errors.ts';
import { USER } from '../../src/mapping/schema.ts';
import { parseBody } from '../../src/scim/http/body.ts';
import { coerceResource } from '../../src/scim/coerce.ts';
import { readPatch } from '../../src/scim/patch/patch.ts';
import { createShape } from '../../src/scim/shape.ts';

const shape = createShape(USER);
const runs = { numRuns: 2000 };

const word = fc.constantFrom('a', 'b', 'work', 'home', 'Work', '', 'True', null);
const element = fc.record(
  { value: word, type: word, primary: fc.constantFrom(true, false, 'True', null), display: word },
  { requiredKeys: [] },
);
const list = fc.array(element, { maxLength: 6 });
const person = fc.record(
  {
    title: word,
    name: fc.record({ givenName: word, familyName: word }, { requiredKeys: [] }),
    emails: list,
    roles: list,
    active: fc.constantFrom(true, 'False', null),
  },
  { requiredKeys: [] },
);
const path = fc.constantFrom(
  'title',
  'name',
  'name.givenName',
  'emails',
  'emails.type',
  'emails[type eq "work"]',
  'emails[type eq "home"].value',
  'emails[value eq "a"].primary',
  'roles',
  'shoe',
  'manager',
);
const operation = fc.oneof(
  fc.record({
    op: fc.constantFrom('add', 'Replace', 'remove'),
    path,
    value: fc.oneof(word, list, element, fc.boolean()),
  }),
  fc.record({ op: fc.constantFrom('add', 'replace'), value: person }),
);
const anything = fc.anything({ withNullPrototype: true });

/** Runs it; a refusal is a BridgeError of 4xx, anything else fails the law. */
function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof BridgeError && error.status >= 400 && error.status < 500) return undefined;
    throw error;
  }
}

function assertLawful(user: Readonly<Record<string, unknown>>): void {
  for (const name of ['emails', 'roles']) {
    const elements = (user[name] ?? [{ value: '' }]) as readonly Readonly<Record<string, unknown>>[];
    assert.ok(elements.length > 0, 'no empty list');
    assert.ok(elements.filter(({ primary }) => primary === true).length <= 1, 'at most one primary');
    const pairs = elements.map(({ type, value }) => `${String(type).toLowerCase()} ${String(value).toLowerCase()}`);
    assert.equal(new Set(pairs).size, pairs.length, 'no twins');
  }
}

test('RFC 7643 §2.4: whatever is sent, at most one primary and no twins; a body that was read reads as itself', () => {
  fc.assert(
    fc.property(person, (body) => {
      const user = coerceResource({ ...body, userName: 'x' }, shape);
      assertLawful(user);
      assert.deepEqual(coerceResource(user, shape), user);
    }),
    runs,
  );
});

test('RFC 7644 §3.5.2: a PATCH leaves its base alone, keeps the laws of lists, and what replaces does so once and for all', () => {
  fc.assert(
    fc.property(person, fc.array(operation, { minLength: 1, maxLength: 4 }), (body, Operations) => {
      const base = coerceResource({ ...body, userName: 'x' }, shape);
      const before = structuredClone(base);
      const patch = orRefused(() => readPatch({ Operations }, shape));
      const user = patch && orRefused(() => patch.apply(base));
      assert.deepEqual(base, before);
      if (!user) return;
      assertLawful(user);
      const [only, ...more] = Operations;
      if (more.length === 0 && only?.op !== 'remove')
        assert.deepEqual(orRefused(() => patch.apply(user)) ?? user, user);
    }),
    runs,
  );
});

test('whatever a body holds, the answer is a user or a refusal, and no prototype changes', () => {
  const untouched = Object.getOwnPropertyNames(Object.prototype).join();
  fc.assert(
    fc.property(
      fc.oneof(
        fc.dictionary(
          fc.constantFrom('__proto__', 'constructor', 'emails', 'name', 'active', 'userName', 'x'),
          anything,
        ),
        anything,
      ),
      (value) => {
        const text = orRefused(
          () => JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)) ?? '',
        );
        const body = orRefused(() => parseBody(new TextEncoder().encode(text)));
        if (body) {
          orRefused(() => coerceResource(body, shape));
          orRefused(() => readPatch({ Operations: [{ op: 'replace', value: body }] }, shape).apply({ userName: 'x' }));
        }
      },
    ),
    runs,
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      orRefused(() => parseBody(bytes));
    }),
    runs,
  );
  assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), untouched);
});
