import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileElementFilter, compileFilter, equalities, indexable } from '../../src/mapping/filter.ts';
import { resolvePath } from '../../src/mapping/attribute-path.ts';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { fuzzFilters } from './filter-fuzz.ts';
import { refuses } from './refusal.ts';
import { BARBARA, ENTERPRISE, SCHEMA, USER } from './test-schema.ts';

const matches = (filter: string, user: object = BARBARA): boolean =>
  compileFilter(parseFilter(filter), SCHEMA)(user as Record<string, unknown>);

function table(rows: Readonly<Record<string, boolean>>, user?: object): void {
  for (const [filter, wanted] of Object.entries(rows)) assert.equal(matches(filter, user), wanted, filter);
}

test('RFC 7644 §3.4.2.2 strings: without regard to case unless caseExact', () =>
  table({
    'userName eq "bjensen"': true,
    'USERNAME EQ "BJENSEN"': true,
    'userName ne "bjensen"': false,
    'userName ne "x"': true,
    'userName co "JENS"': true,
    'userName sw "bj"': true,
    'userName ew "sen"': true,
    'userName ew "bj"': false,
    'userName gt "a"': true,
    'userName ge "bjensen"': true,
    'userName lt "bjensen"': false,
    'userName le "bjensen"': true,
    'externalId eq "Ext-7"': true,
    'externalId eq "ext-7"': false,
    'displayName eq "barbara \\"babs\\" jensen\\\\"': true,
    'displayName co "\\u0022Babs"': true,
    'addresses.locality eq "ZÜRICH"': true,
    'meta.location co "Users"': true,
    'userName eq ""': false,
    'userName co ""': true,
  }));

test('a sigma at the end of a word is the same letter', () =>
  table({ 'userName sw "ΟΔΟΣ"': true, 'userName co "οδος"': true }, { userName: 'ΟΔΟΣΑ' }));

test('RFC 7644 §3.4.2.2 booleans, also as Entra ID writes them', () =>
  table({
    'active eq true': true,
    'active eq TRUE': true,
    'active eq "True"': true,
    'active eq "false"': false,
    'active ne false': true,
    'emails[primary eq "True"].value eq "b@home.example"': true,
  }));

test('numbers', () =>
  table({
    'logins eq 3': true,
    'logins gt 2': true,
    'logins le 2.5': false,
    'score ge 1.5e0': true,
    'logins lt -1': false,
  }));

test('RFC 7643 §2.3.5 dates are compared as instants', () =>
  table({
    'meta.created eq "2026-01-31T08:00:00Z"': true,
    'meta.created eq "2026-01-31T09:00:00+01:00"': true,
    'meta.created eq "2026-01-31T02:30:00-05:30"': true,
    'meta.created gt "2026-01-31"': true,
    'meta.lastModified eq "2026-02-01"': true,
    'meta.created lt "2026-01-31T08:00:00.001Z"': true,
    'meta.created ge "2026-01-31T08:00:00.001Z"': false,
  }));

test('binary values are equal or not', () =>
  table({ 'x509Certificates eq "QUJD"': true, 'x509Certificates.value eq "qujd"': false }));

test('an attribute that a user lacks does not match, not even ne', () =>
  table(
    {
      'displayName ne "x"': false,
      'displayName co ""': false,
      'emails.value ne "x"': false,
      'emails[type ne "work"]': false,
      'manager ne "x"': false,
      'not (displayName eq "x")': true,
      'displayName eq null': true,
      'displayName ne null': false,
      'emails eq null': true,
      'userName ne null': true,
      'name pr': false,
      'emails pr': false,
      'nickName pr': false,
    },
    { userName: 'x', displayName: null, nickName: '', name: { givenName: null }, emails: [{}] },
  ));

test('RFC 7644 §3.4.2.2 one value of a multi-valued attribute suffices, a value path asks one element', () =>
  table({
    'emails.value eq "b@home.example"': true,
    'emails.type eq "work" and emails.primary eq true': true,
    'emails[type eq "work" and primary eq true]': false,
    'emails[type eq "work" and not (value co "@home")]': true,
    'emails[type eq "home"].value sw "b@"': true,
    'emails[type eq "home"].display pr': true,
    'emails[type eq "work"].display pr': false,
    'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"': true,
    'manager[value eq "boss-1"]': true,
  }));

test('a complex attribute named alone means its value (Entra ID: manager eq)', () =>
  table({
    'emails eq "B@work.example"': true,
    'emails co "home"': true,
    'manager eq "boss-1"': true,
    'roles eq "admin"': false,
  }));

test('RFC 7644 §3.10 names with a URN', () =>
  table({
    [`${USER}:userName eq "bjensen"`]: true,
    [`${USER}:name.familyName eq "jensen"`]: true,
    [`${ENTERPRISE}:manager.value eq "boss-1"`]: true,
    [`${ENTERPRISE.toUpperCase()}:MANAGER.$REF pr`]: true,
    [`${ENTERPRISE}:department eq "tours"`]: true,
    'department eq "x"': false,
  }));

test('values of the wrong type, inherited names and odd shapes never match', () => {
  const odd = JSON.parse(
    '{"__proto__": {"displayName": "x"}, "userName": 5, "emails": ["a", null, 3], "active": "true"}',
  );
  table({ 'displayName pr': false, 'userName ne "x"': false, 'emails.value pr': false, 'active eq true': false }, odd);
  table({ 'userName pr': false }, Object.create({ userName: 'x' }));
});

test('RFC 7644 §3.12 what does not fit the schema is invalidFilter and named', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    'shoeSize eq 44': /shoeSize/,
    '__proto__ pr': /__proto__/,
    'constructor.name eq "x"': /constructor/,
    'name.constructor pr': /name\.constructor/,
    'urn:x:User:userName eq "x"': /urn:x:User:userName/,
    'emails[shoe eq "x"]': /shoe/,
    'emails[emails.value eq "x"]': /emails\.value/,
    'userName[value eq "x"]': /userName/,
    'emails.value[type eq "x"]': /emails\.value/,
    'active gt true': /gt .*active/,
    'active co "tr"': /co .*active/,
    'x509Certificates.value gt "a"': /gt/,
    'emails gt "a"': /emails/,
    'name eq "x"': /name/,
    'logins co 3': /co/,
    'meta.created sw "2026"': /sw/,
    'userName gt null': /null/,
    'userName eq true': /userName/,
    'logins eq "3"': /logins/,
    'active eq "yes"': /active/,
    'active eq 2': /active/,
    'active eq yes': /active/,
    'meta.created gt "yesterday"': /meta\.created/,
    'meta.created gt "2026-02-30"': /meta\.created/,
    'meta.created gt "2026-02-03T25:00:00Z"': /meta\.created/,
    'password sw "a"': /password/,
    'addresses[pin sw "1"]': /pin/,
    'addresses.pin pr': /pin/,
  };
  for (const [filter, detail] of Object.entries(refused)) refuses(() => matches(filter), 'invalidFilter', detail);
});

test('a detail never holds the value', () =>
  assert.throws(
    () => matches('logins eq "secret"'),
    (error: Error) => !error.message.includes('secret'),
  ));

test('the equalities of a filter', () => {
  const of = (text: string): unknown => equalities(parseFilter(text)).map(({ path, value }) => [path, value]);
  assert.deepEqual(of('type eq "work" and (primary eq true and value co "x")'), [
    ['type', 'work'],
    ['primary', true],
  ]);
  assert.deepEqual(of('type eq "work" or primary eq true'), []);
  assert.deepEqual(of('type eq null'), []);
});

test('what an index can answer', () => {
  const of = (text: string): unknown =>
    indexable(parseFilter(text), SCHEMA, ['id', 'userName', 'externalId', 'emails.value', 'department']);
  const userName = { path: 'userName', value: 'Bo' };
  const emails = { path: 'emails.value', value: 'a@b' };
  assert.deepEqual(of('USERNAME eq "Bo"'), userName);
  assert.deepEqual(of(`${USER}:userName eq "Bo" and active eq true`), userName);
  assert.deepEqual(of('active eq true and (title pr or userName pr) and (userName eq "Bo")'), userName);
  assert.deepEqual(of('userName eq "Bo" and id eq "7"'), { path: 'id', value: '7' });
  for (const text of ['emails.value eq "a@b"', 'emails eq "a@b"', 'emails[value eq "a@b" and type eq "work"]'])
    assert.deepEqual(of(text), emails, text);
  assert.deepEqual(of('emails[type eq "work"].value eq "a@b"'), emails);
  for (const text of [
    'userName eq "a" or id eq "1"',
    'not (id eq "1")',
    'userName ne "a"',
    'userName eq null',
    'manager eq "1"',
    'department eq "1"',
  ])
    assert.equal(of(text), undefined, text);
});

test('the filter of one element, as PATCH paths hold it', () => {
  const emails = resolvePath('emails', SCHEMA)?.attribute;
  assert.ok(emails);
  const match = compileElementFilter(parseFilter('type eq "WORK"'), emails);
  assert.deepEqual([match({ type: 'work' }), match({}), match(null), match('work')], [true, false, false, false]);
});

test('filters hold against 10,000 random cases (node scripts/fuzz.ts goes further)', () => {
  assert.equal(fuzzFilters(10_000, 20260131).cases, 10_000);
});
