import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

const USER = { schemas: [USER_URN], id: '1', userName: 'ada', meta: { resourceType: 'User' } };
const LIST = { schemas: [LIST_URN], totalResults: 21, startIndex: 21, itemsPerPage: 1, Resources: [USER] };
const ERROR = { schemas: [ERROR_URN], status: '400', scimType: 'invalidValue', detail: 'active must be true or false' };

const GOOD: readonly (readonly [string, number, unknown])[] = [
  ['a user', 200, USER],
  ['a projection without what is required', 200, { schemas: [USER_URN], id: '1' }],
  ['the second page of a list', 200, LIST],
  ['an error', 400, ERROR],
  ['a status that scimmy does not know', 429, { schemas: [ERROR_URN], status: '429', detail: 'slow down' }],
  ['no body', 204, undefined],
];
for (const [name, status, body] of GOOD) test(`accepted: ${name}`, () => judge(status, body));

const BAD: readonly (readonly [string, number, unknown])[] = [
  ['a boolean as text', 200, { ...USER, active: 'true' }],
  ['one value where a list is meant', 200, { ...USER, emails: { value: 'a@example.com' } }],
  ['a name that no schema has', 200, { ...USER, shoeSize: 42 }],
  ['a password', 200, { ...USER, password: 'secret' }],
  ['the schema of nothing', 200, { ...USER, schemas: ['urn:nothing'] }],
  [
    'an extension that schemas does not name',
    200,
    { ...USER, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { division: 'x' } },
  ],
  ['a wrong count', 200, { ...LIST, itemsPerPage: 2 }],
  ['a wrong user in a list', 200, { ...LIST, Resources: [{ ...USER, active: 'true' }] }],
  ['another status than that of the answer', 404, ERROR],
  ['a scimType of another status', 404, { ...ERROR, status: '404' }],
  ['a scimType of our own', 400, { ...ERROR, scimType: 'strange' }],
  ['an error without schemas', 400, { status: '400', detail: 'x' }],
];
for (const [name, status, body] of BAD) test(`refused: ${name}`, () => assert.throws(() => judge(status, body)));
