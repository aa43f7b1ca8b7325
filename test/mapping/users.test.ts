import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { email, languageTag, name, phone } from '../../src/mapping/canonical.ts';
import { STAND_INS, fromFacts, toFacts } from '../../src/mapping/users.ts';
import { arbitraryUser } from './arbitrary-user.ts';

const ID = '3f2a';

test('SCIM -> facts -> SCIM loses nothing the table maps', () => {
  fc.assert(
    fc.property(arbitraryUser, (user) => {
      assert.deepEqual(fromFacts(toFacts(user, ID)), { active: true, ...user });
    }),
    { numRuns: 500 },
  );
});

test('facts -> SCIM -> facts changes nothing: what is read can be written again without an effect', () => {
  fc.assert(
    fc.property(arbitraryUser, (user) => {
      const facts = toFacts(user, ID);
      assert.deepEqual(toFacts(fromFacts(facts), ID), facts);
    }),
    { numRuns: 500 },
  );
});

test('canonical is idempotent', () => {
  const samples = fc.oneof(
    fc.string(),
    fc.constantFrom('en_US', 'zh-Hant-TW', '+41 (0)79 123 45 67', 'tel:+1-201-555-0123', '+999 12'),
  );
  for (const canonical of [name, email, phone, languageTag])
    fc.assert(
      fc.property(samples, (raw) => {
        const once = canonical(raw);
        if (once !== undefined) assert.equal(canonical(once), once);
      }),
    );
});

test('canonical is what a real ZITADEL was measured to store', () => {
  assert.equal(languageTag('EN'), 'en');
  assert.equal(languageTag('en_US'), 'en-US');
  assert.equal(languageTag('sv-FI'), 'sv-FI');
  for (const bad of ['klingon', 'xx-bogus', '!!']) assert.equal(languageTag(bad), undefined);
  assert.equal(phone('+41 (0)79 123 45 67'), '+41791234567');
  assert.equal(phone('079 123 45 67'), undefined);
});

test('a user with a userName only gets stand-ins that no client sees', () => {
  const facts = toFacts({ userName: 'ada' }, ID);
  assert.equal(facts['givenName'], 'ada');
  assert.equal(facts['email'], `${ID}@users.invalid`);
  assert.deepEqual(fromFacts(facts), { userName: 'ada', active: true });
});

test('a stand-in that was changed in ZITADEL is shown', () => {
  const facts = { ...toFacts({ userName: 'ada' }, ID), givenName: 'Ada' };
  assert.deepEqual(fromFacts(facts), { userName: 'ada', active: true, name: { givenName: 'Ada' } });
});

test('names stand in by displayName, an address by userName', () => {
  const facts = toFacts({ userName: 'ada@example.com', displayName: 'Ada King Lovelace' }, ID);
  assert.equal(facts['givenName'], 'Ada King');
  assert.equal(facts['familyName'], 'Lovelace');
  assert.equal(facts['email'], 'ada@example.com');
  assert.deepEqual(fromFacts(facts), { userName: 'ada@example.com', displayName: 'Ada King Lovelace', active: true });
});

test('a primary e-mail changed in ZITADEL shows in the list with its type kept', () => {
  const emails = [
    { value: 'a@example.com', type: 'work', primary: true },
    { value: 'b@example.com', type: 'home' },
  ];
  const facts = { ...toFacts({ userName: 'ada', emails }, ID), email: 'new@example.com' };
  assert.deepEqual(fromFacts(facts)['emails'], [{ ...emails[0], value: 'new@example.com' }, emails[1]]);
});

test('metadata that is not what the bridge writes is not assigned, never an error', () => {
  const facts = {
    username: 'ada',
    state: 'active',
    'urn:zitadel:scim:emails': '{broken',
    'urn:zitadel:scim:roles': 'x',
    [STAND_INS]: 'null',
  };
  assert.equal(fromFacts(facts)['emails'], undefined);
});

test('every fact belongs to one row', () => {
  const facts = ATTRIBUTES.flatMap((row) => row.codec?.facts ?? []);
  assert.equal(new Set(facts).size, facts.length);
});
