/** What the bridge needs of any ZITADEL, said through its own port: the sandbox and a real one must both pass. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import type { Outcome, Reading, Zitadel } from '../../src/bridge/ports/zitadel.ts';
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { ENTERPRISE_URN } from '../../src/mapping/schema.ts';
import type { Facts, FactsChange } from '../../src/mapping/facts.ts';
import { plan } from '../../src/mapping/plan.ts';
import type { StepCall } from '../../src/mapping/steps.ts';
import { type ScimUser, toFacts } from '../../src/mapping/users.ts';
import { groupsContract } from './groups.ts';
import { rightsContract } from './rights.ts';
import { until } from './until.ts';

export interface Subject {
  readonly zitadel: Zitadel;
  /** id of a user that lives in another organization, when there is one */
  readonly stranger?: string;
  /** the service user's own id, when it is known */
  readonly self?: string;
  /** a project of the organization with at least two roles, when there is one */
  readonly project?: string;
  /** what cannot be taken back may be left behind: roles of the project */
  readonly disposable?: true;
}

/** What the parts of the contract share. */
export interface Bench {
  ask(): Promise<Subject>;
  /** Makes a user that is deleted in the end. */
  created(extra?: Facts): Promise<{ readonly id: string }>;
}

const P = 'urn:zitadel:scim:';
const yes = (): Promise<boolean> => Promise.resolve(true);

/** @param subject asked once, before the first case */
export function contract(name: string, subject: () => Promise<Subject>): void {
  describe(`contract: ${name}`, () => {
    let confirmed: Promise<Subject> | undefined;
    const made = new Set<string>();

    async function run(id: string, call: StepCall, set: FactsChange = {}): Promise<Outcome> {
      confirmed ??= subject();
      const outcome = await (await confirmed).zitadel.run(id, { call, set, names: [], after: set }, yes);
      if (call === 'CreateUser') made.add(id);
      return outcome;
    }

    async function ask(): Promise<Subject> {
      confirmed ??= subject();
      return await confirmed;
    }

    async function read(id: string): Promise<Reading> {
      const outcome = await (await ask()).zitadel.read(id);
      if (outcome.kind !== 'found') assert.fail(`${id}: ${JSON.stringify(outcome)}`);
      return outcome.reading;
    }

    async function created(extra: Facts = {}): Promise<{ readonly id: string; readonly set: Facts }> {
      const id = randomUUID();
      const set = { ...person(id), ...extra };
      assert.deepEqual(await run(id, 'CreateUser', set), { kind: 'done' });
      return { id, set };
    }

    async function refused(
      outcome: Outcome,
    ): Promise<{ status: number; scimType: string | undefined; detail: string }> {
      if (outcome.kind !== 'refused') assert.fail(JSON.stringify(outcome));
      return { status: outcome.error.status, scimType: outcome.error.scimType, detail: outcome.error.message };
    }

    after(async () => {
      for (const id of made) await run(id, 'DeleteUser');
    });

    test('create: every fact is read back as written', async () => {
      const { id, set } = await created({
        nickName: 'Bobby',
        phone: '+41791234567',
        preferredLanguage: 'de-CH',
        [`${P}title`]: 'Straßenbauer',
        [`${P}emails`]: '[{"value":"x@example.test","type":"work"}]',
        [`${P}group:1b4e28ba`]: '1',
      });
      const reading = await read(id);
      assert.deepEqual(reading.facts, { ...set, state: 'active' });
      assert.equal(reading.id, id);
      assert.match(reading.sequence, /^\d+$/);
      assert.ok(Math.abs(reading.created - Date.now()) < 600_000);
    });

    test('create: the least that ZITADEL takes', async () => {
      const { id, set } = await created({ email: `${randomUUID()}@users.invalid` });
      assert.deepEqual((await read(id)).facts, { ...set, state: 'active' });
    });

    test('every row of the attribute table: what ZITADEL stores is what mapping wrote, and the client gets back what it sent', async () => {
      const { zitadel } = await ask();
      const id = randomUUID();
      const user = everything(id);
      const facts = toFacts(user, id);
      for (const step of plan(null, facts)) {
        made.add(id);
        assert.deepEqual(await zitadel.run(id, step, yes), { kind: 'done' }, step.call);
      }
      const reading = await read(id);
      for (const { path, codec } of ATTRIBUTES) {
        if (codec === null) continue;
        assert.ok(
          codec.facts.some((fact) => fact in facts),
          `${path} has no sample`,
        );
        for (const fact of codec.facts) assert.equal(reading.facts[fact], facts[fact], `${path}: ${fact}`);
        assert.deepEqual(codec.read(reading.facts), codec.read(facts), path);
      }
      assert.deepEqual(reading.facts, facts);
    });

    test('blanks around an e-mail are never stored', async () => {
      const { id } = await created({ email: `  blank-${randomUUID()}@example.test ` });
      const { email = '' } = (await read(id)).facts;
      assert.equal(email, email.trim());
      assert.deepEqual(await run(id, 'UpdateUser', { email: ` other-${id}@example.test ` }), { kind: 'done' });
      assert.equal((await read(id)).facts['email'], `other-${id}@example.test`);
    });

    test('create again with the same id: replan', async () => {
      const { id, set } = await created();
      assert.equal((await run(id, 'CreateUser', set)).kind, 'replan');
      assert.equal((await run(id, 'CreateUser', { ...set, username: `other-${id}` })).kind, 'replan');
    });

    test('create with a userName that is taken, in any case: 409 uniqueness', async () => {
      const { set } = await created();
      const other = randomUUID();
      const outcome = await run(other, 'CreateUser', {
        ...person(other),
        username: String(set['username']).toUpperCase(),
      });
      const { status, scimType, detail } = await refused(outcome);
      assert.deepEqual([status, scimType], [409, 'uniqueness']);
      assert.match(detail, /^userName is already taken/);
    });

    test('refusals name the attribute', async () => {
      const cases: readonly [FactsChange, RegExp][] = [
        [{ email: 'not-an-address' }, /^emails/],
        // newer versions take a quoted local part
        [{ email: 'Ann <ann@c.test>' }, /^emails/],
        [{ phone: '+abc' }, /^phoneNumbers/],
        [{ givenName: '' }, /^name\.givenName/],
        [{ familyName: '' }, /^name\.familyName/],
        [{ username: ' ' }, /^userName/],
        [{ [`${P}title`]: '' }, /metadata/],
        [{ password: 'plain' }, /hash/],
      ];
      for (const [wrong, says] of cases) {
        const id = randomUUID();
        const { status, scimType, detail } = await refused(await run(id, 'CreateUser', { ...person(id), ...wrong }));
        assert.deepEqual([status, scimType], [400, 'invalidValue'], detail);
        assert.match(detail, says);
      }
    });

    test('update: every field, and the same again', async () => {
      const { id, set } = await created();
      const change = {
        username: `renamed-${id}`,
        givenName: 'Zoë',
        familyName: 'Ångström',
        displayName: 'Z. Å.',
        nickName: 'Zed',
        preferredLanguage: 'fr',
        email: `renamed-${id}@example.test`,
        phone: '+41795556600',
      };
      const before = await read(id);
      assert.deepEqual(await run(id, 'UpdateUser', change), { kind: 'done' });
      assert.deepEqual(await run(id, 'UpdateUser', change), { kind: 'done' });
      const now = await read(id);
      assert.deepEqual(now.facts, { ...set, ...change, state: 'active' });
      assert.ok(BigInt(now.sequence) > BigInt(before.sequence));
      assert.deepEqual(await run(id, 'UpdateUser', { email: `${id}@users.invalid` }), { kind: 'done' });
      assert.equal((await read(id)).facts['email'], `${id}@users.invalid`);
    });

    test('a userName alone, and one that is taken', async () => {
      const [{ id }, other] = [await created(), await created()];
      assert.deepEqual(await run(id, 'UpdateUser', { username: `only-${id}` }), { kind: 'done' });
      assert.equal((await read(id)).facts['username'], `only-${id}`);
      const taken = await refused(await run(id, 'UpdateUser', { username: String(other.set['username']) }));
      assert.deepEqual([taken.status, taken.scimType], [409, 'uniqueness']);
    });

    test('clear: phone and language by UpdateUser, nickName by UpdateHumanUser; the rest stays', async () => {
      const { id, set } = await created({ phone: '+41791234567', preferredLanguage: 'de', nickName: 'Nick' });
      assert.deepEqual(await run(id, 'UpdateUser', { phone: null, preferredLanguage: null }), { kind: 'done' });
      assert.deepEqual(await run(id, 'UpdateUser', { phone: null }), { kind: 'done' });
      const names = { givenName: String(set['givenName']), familyName: String(set['familyName']) };
      assert.deepEqual(await run(id, 'UpdateHumanUser', { ...names, nickName: null }), { kind: 'done' });
      const { phone: _phone, preferredLanguage: _language, nickName: _nick, ...rest } = set;
      assert.deepEqual((await read(id)).facts, { ...rest, state: 'active' });
    });

    test('metadata: set, overwrite, delete; a key that is not there', async () => {
      const { id } = await created();
      const long = 'x'.repeat(100_000);
      assert.deepEqual(await run(id, 'SetUserMetadata', { [`${P}title`]: 'a', [`${P}ims`]: long }), { kind: 'done' });
      assert.deepEqual(await run(id, 'SetUserMetadata', { [`${P}title`]: 'b' }), { kind: 'done' });
      const { zitadel } = await ask();
      assert.deepEqual(await zitadel.metadata(id), { [`${P}title`]: 'b', [`${P}ims`]: long });
      assert.equal((await run(id, 'DeleteUserMetadata', { [`${P}title`]: null, [`${P}nope`]: null })).kind, 'replan');
      assert.deepEqual(await run(id, 'DeleteUserMetadata', { [`${P}nope`]: null }), { kind: 'already' });
      assert.deepEqual(await run(id, 'DeleteUserMetadata', { [`${P}title`]: null, [`${P}ims`]: null }), {
        kind: 'done',
      });
      assert.deepEqual(await zitadel.metadata(id), {});
    });

    test('states, and each of them again', async () => {
      const { id } = await created();
      const state = async (): Promise<string | undefined> => (await read(id)).facts['state'];
      assert.deepEqual(await run(id, 'ReactivateUser'), { kind: 'already' });
      assert.deepEqual(await run(id, 'UnlockUser'), { kind: 'already' });
      assert.deepEqual(await run(id, 'DeactivateUser'), { kind: 'done' });
      assert.deepEqual(await run(id, 'DeactivateUser'), { kind: 'already' });
      assert.equal(await state(), 'inactive');
      assert.equal((await run(id, 'LockUser')).kind, 'replan');
      assert.deepEqual(await run(id, 'ReactivateUser'), { kind: 'done' });
      assert.deepEqual(await run(id, 'LockUser'), { kind: 'done' });
      assert.equal(await state(), 'locked');
      assert.deepEqual(await run(id, 'UpdateUser', { displayName: 'Locked' }), { kind: 'done' });
      assert.deepEqual(await run(id, 'UnlockUser'), { kind: 'done' });
      assert.equal(await state(), 'active');
    });

    test('delete: gone, for every call, and the name is free at once', async () => {
      const { id, set } = await created({ [`${P}title`]: 'left' });
      assert.deepEqual(await run(id, 'DeleteUser'), { kind: 'done' });
      const { zitadel } = await ask();
      assert.deepEqual(await zitadel.read(id), { kind: 'gone' });
      const calls: readonly [StepCall, FactsChange?][] = [
        ['DeleteUser'],
        ['UpdateUser', { displayName: 'X' }],
        ['UpdateHumanUser', { givenName: 'A', familyName: 'B', nickName: null }],
        ['SetUserMetadata', { [`${P}title`]: 'x' }],
        ['DeactivateUser'],
        ['ReactivateUser'],
        ['LockUser'],
        ['UnlockUser'],
      ];
      // one that was deleted and one that never was are answered alike
      for (const each of [id, randomUUID()])
        for (const [call, facts] of calls) assert.deepEqual(await run(each, call, facts), { kind: 'gone' }, call);
      assert.equal((await run(id, 'DeleteUserMetadata', { [`${P}title`]: null })).kind, 'gone');
      assert.equal((await run(randomUUID(), 'DeleteUserMetadata', { [`${P}title`]: null })).kind, 'gone');
      assert.deepEqual(await zitadel.metadata(id), {});
      const again = randomUUID();
      assert.deepEqual(await run(again, 'CreateUser', { ...set, email: `${again}@example.test` }), { kind: 'done' });
    });

    test('find: by userName and e-mail, without regard to case; lists lag, so until it shows', async () => {
      const { id, set } = await created();
      const { zitadel } = await ask();
      const shown = async (by: 'userName' | 'email', value: string) =>
        until(async () => {
          const hits = await zitadel.find(by, value);
          return Array.isArray(hits) && hits.includes(id) ? hits : undefined;
        });
      assert.deepEqual(await shown('userName', String(set['username']).toUpperCase()), [id]);
      assert.deepEqual(await shown('email', String(set['email']).toUpperCase()), [id]);
      assert.deepEqual(await zitadel.find('userName', `nobody-${id}`), []);
      assert.deepEqual(await zitadel.find('userName', ''), []);
      assert.deepEqual(await zitadel.find('email', 'x'.repeat(300)), []);
    });

    test('users: humans of the organization, each once, with the facts of a read', async () => {
      const { id, set } = await created({ nickName: 'Listed' });
      const { zitadel, self, stranger } = await ask();
      const found = await until(async () => {
        const all = new Map<string, Reading>();
        for await (const page of zitadel.users())
          for (const reading of page) {
            assert.ok(!all.has(reading.id), `${reading.id} twice`);
            all.set(reading.id, reading);
          }
        return all.has(id) ? all : undefined;
      });
      assert.deepEqual(found.get(id)?.facts, { ...set, state: 'active' });
      if (self !== undefined) assert.ok(!found.has(self), 'machines are not listed');
      if (stranger !== undefined) assert.ok(!found.has(stranger));
    });

    test('unknown ids and users of other organizations are gone', async () => {
      const { zitadel, stranger, self } = await ask();
      assert.deepEqual(await zitadel.read(randomUUID()), { kind: 'gone' });
      assert.deepEqual(await zitadel.read(randomUUID(), true), { kind: 'gone' });
      if (stranger !== undefined) assert.deepEqual(await zitadel.read(stranger), { kind: 'gone' });
      if (self !== undefined) assert.deepEqual(await zitadel.read(self), { kind: 'gone' });
    });

    test('a lost lease: nothing is sent', async () => {
      const { zitadel } = await ask();
      const id = randomUUID();
      const step = { call: 'CreateUser', set: person(id), names: [], after: {} } as const;
      const outcome = await zitadel.run(id, step, () => Promise.resolve(false));
      assert.deepEqual(outcome, { kind: 'retry', definite: true, cause: 'away', reason: 'lease-lost' });
      assert.deepEqual(await zitadel.read(id), { kind: 'gone' });
    });

    test('a password hash is taken', async () => {
      const password = '$2b$10$abcdefghijklmnopqrstuuAS3bJJ1JH3Lr9yqTPnQ8iOvQ1Zq5r3u';
      const { id } = await created({ password });
      assert.equal('password' in (await read(id)).facts, false);
      assert.deepEqual(await run(id, 'UpdateUser', { password }), { kind: 'done' });
    });

    rightsContract({ ask, created });
    groupsContract(ask);

    test('the service user is protected, and the password rules are known', async () => {
      const { zitadel, self } = await ask();
      const { reasons } = await zitadel.protectedUsers();
      assert.ok([...reasons.values()].includes('it is the service user of the bridge'));
      if (self !== undefined) assert.ok(reasons.has(self));
      const rules = await zitadel.passwordRules();
      assert.ok(rules.minLength >= 1);
      assert.equal(typeof rules.symbol, 'boolean');
    });
  });
}

/** A user with a value for every row of the attribute table, in spellings that ZITADEL stores otherwise. */
function everything(id: string): ScimUser {
  const list = [
    { value: 'a', type: 'work', primary: true },
    { value: 'b', display: 'Ü' },
  ];
  return {
    externalId: 'HR-7',
    userName: ` Every.${id} `,
    name: {
      formatted: 'Dr. Ada M. King III',
      familyName: ' King ',
      givenName: 'Ada',
      middleName: 'M.',
      honorificPrefix: 'Dr.',
      honorificSuffix: 'III',
    },
    displayName: 'Ada König',
    nickName: 'Countess',
    profileUrl: 'https://example.test/ada',
    title: 'Engineer',
    userType: 'Contractor',
    preferredLanguage: 'EN_us',
    locale: 'en-GB',
    timezone: 'Europe/London',
    active: false,
    emails: [
      { value: `private-${id}@example.test`, type: 'home' },
      { value: ` Every.${id}@Example.TEST `, type: 'work', primary: true },
    ],
    phoneNumbers: [
      { value: '+41 79 123 45 67', type: 'mobile' },
      { value: '+41 44 668 18 00', type: 'work', primary: true },
    ],
    ims: list,
    photos: [{ value: 'https://example.test/ada.png', type: 'photo' }],
    addresses: [{ formatted: 'Line 1\nLine 2', locality: 'Zürich', country: 'CH', type: 'work' }],
    entitlements: list,
    roles: list,
    x509Certificates: [{ value: 'MIIB', type: 'work' }],
    [ENTERPRISE_URN]: {
      employeeNumber: '701984',
      department: 'R&D',
      manager: { value: '26118915', displayName: 'Jo' },
    },
  };
}

/** The least facts of a user. */
function person(id: string): Facts {
  return {
    username: `contract-${id}`,
    givenName: 'Ann',
    familyName: 'Alpha',
    displayName: 'Ann Alpha',
    email: `contract-${id}@example.test`,
  };
}
