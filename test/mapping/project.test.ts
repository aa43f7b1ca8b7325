import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjection, project, type Asked } from '../../src/mapping/project.ts';
import { BARBARA, ENTERPRISE, SCHEMA, USER } from './test-schema.ts';

const { schemas, id } = BARBARA;
const addresses = [{ locality: 'Zürich', type: 'work' }];
const shown = (asked: Asked): Record<string, unknown> => ({ ...project(BARBARA, SCHEMA, asked) });
const only = (attributes: string | string[]): unknown => shown({ attributes });

test('RFC 7643 §7 by default all but what is returned never or on request, sub-attributes too', () => {
  const { password: _, nickName: __, ...rest } = BARBARA;
  assert.deepEqual(shown({}), { ...rest, addresses });
  assert.deepEqual(shown({ attributes: '', excludedAttributes: [] }), { ...rest, addresses });
});

test('RFC 7644 §3.9 attributes: what is named, with schemas and what is always returned', () => {
  assert.deepEqual(only('userName'), { schemas, id, userName: 'BJensen' });
  assert.deepEqual(only('USERNAME, active'), { schemas, id, userName: 'BJensen', active: true });
  assert.deepEqual(only([`${USER}:userName`, 'active']), { schemas, id, userName: 'BJensen', active: true });
  assert.deepEqual(only('nickName'), { schemas, id, nickName: 'Babs' });
  assert.deepEqual(only('password'), { schemas, id });
  assert.deepEqual(only('shoeSize'), { schemas, id });
});

test('RFC 7644 §3.9 attributes: sub-attributes', () => {
  assert.deepEqual(only('name.givenName'), { schemas, id, name: { givenName: 'Barbara' } });
  assert.deepEqual(only('name.givenName,name'), { schemas, id, name: BARBARA.name });
  assert.deepEqual(only('emails.value'), {
    schemas,
    id,
    emails: [{ value: 'b@work.example' }, { value: 'b@home.example' }],
  });
  assert.deepEqual(only('emails.display'), { schemas, id, emails: [{ display: 'Home' }] });
  assert.deepEqual(only('roles.type'), { schemas, id, roles: BARBARA.roles });
  assert.deepEqual(only('roles.display'), { schemas, id, roles: [{ value: 'Admin' }] });
  assert.deepEqual(only('addresses.primary'), { schemas, id });
});

test('RFC 7644 §3.10 attributes of extensions and whole schemas', () => {
  const department = { [ENTERPRISE]: { department: 'Tours' } };
  assert.deepEqual(only(`${ENTERPRISE}:department`), { schemas, id, ...department });
  assert.deepEqual(only('department'), { schemas, id, ...department });
  assert.deepEqual(only(`${ENTERPRISE}:manager.value`), {
    schemas,
    id,
    [ENTERPRISE]: { manager: { value: 'boss-1' } },
  });
  assert.deepEqual(only(ENTERPRISE.toUpperCase()), { schemas, id, [ENTERPRISE]: BARBARA[ENTERPRISE] });
  const { [ENTERPRISE]: _, password: __, ...core } = BARBARA;
  assert.deepEqual(only(USER), { ...core, addresses });
});

test('RFC 7644 §3.9 excludedAttributes', () => {
  const { password: _, nickName: __, emails, [ENTERPRISE]: enterprise, ...rest } = BARBARA;
  const excluding = (excludedAttributes: string): unknown => shown({ excludedAttributes });
  assert.deepEqual(excluding(`emails,${ENTERPRISE},shoeSize`), { ...rest, addresses });
  assert.deepEqual(excluding('id,schemas,nickName'), shown({}));
  assert.deepEqual(excluding('name.familyName'), { ...shown({}), name: { givenName: 'Barbara' } });
  assert.deepEqual(excluding('emails.type,emails.primary,emails.display'), {
    ...rest,
    addresses,
    [ENTERPRISE]: enterprise,
    emails: emails.map(({ value }) => ({ value })),
  });
  assert.deepEqual(excluding('roles.value,roles.type'), { ...shown({}), roles: [{ value: 'Admin' }] });
  const { [ENTERPRISE]: ___, ...bare } = shown({});
  assert.deepEqual(excluding(ENTERPRISE), bare);
});

test('with both lists attributes wins', () =>
  assert.deepEqual(shown({ attributes: 'userName', excludedAttributes: 'userName' }), {
    schemas,
    id,
    userName: 'BJensen',
  }));

test('what is not wanted need not be loaded', () => {
  const wants = (asked: Asked): boolean => createProjection(SCHEMA, asked).wants('emails');
  assert.equal(wants({}), true);
  assert.equal(wants({ excludedAttributes: 'EMAILS' }), false);
  assert.equal(wants({ excludedAttributes: 'emails.type' }), true);
  assert.equal(wants({ attributes: 'emails.value' }), true);
  assert.equal(wants({ attributes: 'userName' }), false);
});

test('the resource stays as it was; unknown and inherited names and null are not shown', () => {
  const odd = JSON.parse(
    `{"schemas": [], "id": "1", "shoe": 4, "__proto__": {"title": "x"}, "name": null, "${ENTERPRISE}": null}`,
  );
  assert.deepEqual(project(odd, SCHEMA, {}), { schemas: [], id: '1' });
  assert.deepEqual(project(odd, SCHEMA, { attributes: '__proto__,constructor' }), { schemas: [], id: '1' });
});
