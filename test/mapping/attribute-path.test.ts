import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementsAt, isPresent, resolvePath, splitPath, toValue } from '../../src/mapping/attribute-path.ts';
import { BARBARA, ENTERPRISE, SCHEMA, USER } from './test-schema.ts';

const resolve = (text: string): unknown => {
  const path = resolvePath(text, SCHEMA);
  return path && [path.extension ?? '', path.attribute.name, path.sub?.name ?? ''];
};

test('RFC 7644 §3.10 names with and without URN, in any case', () => {
  const paths: Readonly<Record<string, unknown>> = {
    userName: ['', 'userName', ''],
    'NAME.familyname': ['', 'name', 'familyName'],
    [`${USER}:userName`]: ['', 'userName', ''],
    [`${USER.toLowerCase()}:NAME.givenName`]: ['', 'name', 'givenName'],
    [`${ENTERPRISE}:manager.value`]: [ENTERPRISE, 'manager', 'value'],
    'manager.$ref': [ENTERPRISE, 'manager', '$ref'],
    [`${USER}:manager`]: undefined,
    [`${ENTERPRISE}:userName`]: undefined,
    [ENTERPRISE]: undefined,
    'userName.value': undefined,
    'name.shoe': undefined,
    constructor: undefined,
    __proto__: undefined,
    '': undefined,
  };
  for (const [text, wanted] of Object.entries(paths)) assert.deepEqual(resolve(text), wanted, text);
});

test('a path falls apart at the last colon and the dot behind it', () => {
  assert.deepEqual(splitPath('urn:a:2.0:User:name.given'), { urn: 'urn:a:2.0:User', name: 'name', sub: 'given' });
  assert.deepEqual(splitPath('a'), { name: 'a' });
  for (const text of ['', '.', 'a.', '.a', 'a.b.c', ':a', 'a:', 'a b', '1a', 'a[b]', 'a.1', 'é'])
    assert.equal(splitPath(text), undefined, text);
});

test('whatever is written resolves or does not, and what resolves is found again by its canonical name', () => {
  const part = fc.constantFrom(
    'userName',
    'NAME',
    'givenname',
    'emails',
    'value',
    'manager',
    USER,
    ENTERPRISE,
    '.',
    ':',
    '__proto__',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 5 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const path = resolvePath(text, SCHEMA);
        if (!path) return;
        const name = `${path.extension ?? USER}:${path.attribute.name}${path.sub ? `.${path.sub.name}` : ''}`;
        assert.deepEqual(resolvePath(name, SCHEMA), path);
      },
    ),
  );
});

test('the elements at a path', () => {
  const at = (text: string, resource: unknown): unknown => {
    const path = resolvePath(text, SCHEMA);
    assert.ok(path);
    return elementsAt(path, resource);
  };
  assert.deepEqual(at('userName', BARBARA), ['BJensen']);
  assert.deepEqual(at('roles', BARBARA), BARBARA.roles);
  assert.deepEqual(at('manager', BARBARA), [BARBARA[ENTERPRISE].manager]);
  for (const resource of [{}, null, 5, { [ENTERPRISE]: null }, { [ENTERPRISE]: { manager: null } }])
    assert.deepEqual(at('manager', resource), []);
});

test('RFC 7643 §2.4 a complex attribute alone means its value', () => {
  const of = (text: string): string | undefined => {
    const path = resolvePath(text, SCHEMA);
    return path && toValue(path).sub?.name;
  };
  assert.deepEqual(['emails', 'manager', 'emails.type', 'name', 'userName'].map(of), [
    'value',
    'value',
    'type',
    undefined,
    undefined,
  ]);
});

test('RFC 7644 §3.4.2.2 pr: what counts as there', () => {
  for (const value of [undefined, null, '', [], {}, [null], [{}], { a: null }, { a: [''] }])
    assert.equal(isPresent(value), false);
  for (const value of [0, false, 'x', ['x'], { a: false }, [{}, { a: 1 }]]) assert.equal(isPresent(value), true);
});
