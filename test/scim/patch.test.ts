import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BridgeError } from '../../src/errors.ts';
import { USER } from '../../src/mapping/schema.ts';
import { readPatch } from '../../src/scim/patch/patch.ts';
import { createShape } from '../../src/scim/shape.ts';
import { ENTERPRISE_URN, USER_URN } from './serve.ts';

type Json = Readonly<Record<string, unknown>>;

const shape = createShape(USER);
const work = { value: 'w@example.com', type: 'work', primary: true };
const home = { value: 'h@example.com', type: 'home' };
const base: Json = {
  userName: 'ada',
  active: true,
  name: { givenName: 'Ada', familyName: 'King' },
  emails: [work, home],
};

const patched = (from: Json, ...Operations: Json[]): Json => readPatch({ Operations }, shape).apply(from);
const touched = (...Operations: Json[]): readonly string[] => readPatch({ Operations }, shape).touched;

function refused(status: number, scimType: string, detail: RegExp, ...operations: Json[]): void {
  assert.throws(
    () => patched(base, ...operations),
    (error) => {
      assert.ok(error instanceof BridgeError, String(error));
      assert.deepEqual([error.status, error.scimType], [status, scimType], error.message);
      assert.match(error.message, detail);
      return true;
    },
  );
}

describe('RFC 7644 §3.5.2.1: add', () => {
  test('what an operation says of an element counts, wherever a twin of it stands', () => {
    const from = {
      ...base,
      emails: [
        { value: 'a@example.com', type: 'work' },
        { value: 'a@example.com', type: 'home', display: 'old', primary: true },
      ],
    };
    const operation = { op: 'add', path: 'emails[type eq "work"]', value: { type: 'home', display: 'new' } };
    const { emails } = patched(from, operation);
    assert.deepEqual(emails, [{ value: 'a@example.com', type: 'home', display: 'new', primary: true }]);
  });

  test('an element that never gets a value takes the primary from nobody', () => {
    const { emails } = patched(base, { op: 'add', path: 'emails[type eq "other"]', value: { primary: true } });
    assert.deepEqual(emails, [work, home]);
  });

  test('an element that gets its value by a later operation is the primary it said it is', () => {
    const { emails } = patched(
      base,
      { op: 'add', path: 'emails[type eq "other"].primary', value: true },
      { op: 'add', path: 'emails[type eq "other"].value', value: 'o@example.com' },
    );
    assert.deepEqual(emails, [
      { ...work, primary: false },
      home,
      { type: 'other', primary: true, value: 'o@example.com' },
    ]);
  });

  test('a single attribute is set', () => {
    assert.equal(patched(base, { op: 'add', path: 'title', value: 'Countess' })['title'], 'Countess');
  });

  test('sub-attributes of a complex attribute are merged', () => {
    const { name } = patched(base, { op: 'add', path: 'name', value: { middleName: 'B', familyName: 'Lovelace' } });
    assert.deepEqual(name, { givenName: 'Ada', familyName: 'Lovelace', middleName: 'B' });
  });

  test('values of a multi-valued attribute are appended, one alone or a list', () => {
    const other = { value: 'o@example.com', type: 'other' };
    assert.deepEqual(patched(base, { op: 'add', path: 'emails', value: other })['emails'], [work, home, other]);
    assert.deepEqual(patched(base, { op: 'add', path: 'emails', value: [other] })['emails'], [work, home, other]);
    assert.deepEqual(patched(base, { op: 'add', value: { emails: [other] } })['emails'], [work, home, other]);
  });

  test('a value that is there changes nothing', () => {
    assert.deepEqual(
      patched(base, { op: 'add', path: 'emails', value: [{ value: 'W@example.com', type: 'work' }, home] }),
      {
        ...base,
        emails: [{ ...work, value: 'W@example.com' }, home],
      },
    );
    assert.deepEqual(patched(base, { op: 'add', path: 'emails', value: [home] }), base);
  });

  test('a new primary takes the place of the one before', () => {
    const { emails } = patched(base, { op: 'add', path: 'emails', value: { value: 'n@example.com', primary: true } });
    assert.deepEqual(emails, [{ ...work, primary: false }, home, { value: 'n@example.com', primary: true }]);
  });

  test('nothing to add changes nothing', () => {
    assert.deepEqual(
      patched(base, { op: 'add', path: 'emails', value: [] }, { op: 'add', path: 'emails', value: null }),
      base,
    );
  });
});

describe('RFC 7644 §3.5.2.2: remove', () => {
  test('an attribute, a sub-attribute, an element, a sub-attribute of elements', () => {
    assert.equal('name' in patched(base, { op: 'remove', path: 'name' }), false);
    assert.deepEqual(patched(base, { op: 'remove', path: 'name.givenName' })['name'], { familyName: 'King' });
    assert.deepEqual(patched(base, { op: 'remove', path: 'emails[type eq "work"]' })['emails'], [home]);
    assert.deepEqual(patched(base, { op: 'remove', path: 'emails[type eq "work"].primary' })['emails'], [
      { value: 'w@example.com', type: 'work' },
      home,
    ]);
  });

  test('the last sub-attribute takes the attribute along, the last value its element, the last element the list', () => {
    const gone = patched(
      base,
      { op: 'remove', path: 'name.givenName' },
      { op: 'remove', path: 'name.familyName' },
      { op: 'remove', path: 'emails[type eq "work"].value' },
      { op: 'remove', path: 'emails[value eq "h@example.com"]' },
    );
    assert.deepEqual(gone, { userName: 'ada', active: true });
  });

  test('without a path there is no target', () => {
    refused(400, 'noTarget', /path/, { op: 'remove' });
    refused(400, 'noTarget', /path/, { op: 'remove', value: { title: 'x' } });
  });

  test('a required attribute stays, and active keeps its state', () => {
    refused(400, 'mutability', /userName is required/, { op: 'remove', path: 'userName' });
    assert.deepEqual(patched({ ...base, active: false }, { op: 'remove', path: 'active' }), { ...base, active: false });
  });

  test('with a list of values only those go (Microsoft Entra ID)', () => {
    const gone = (value: unknown): unknown => patched(base, { op: 'Remove', path: 'emails', value })['emails'];
    assert.deepEqual(gone([{ $ref: null, value: 'w@example.com' }]), [home]);
    assert.deepEqual(gone([{ value: 'h@example.com', type: 'work' }]), [work, home]);
    assert.deepEqual(gone({ value: 'h@example.com' }), [work]);
    assert.deepEqual(gone([]), [work, home]);
    assert.equal(gone(undefined), undefined);
    for (const value of ['w@example.com', ['w@example.com'], '{"value":"w@example.com"}', [['w@example.com']]])
      assert.deepEqual(gone(value), [home]);
    const roles = [{ value: '7' }, { value: 'Admin', type: 'app' }];
    const left = (value: unknown): unknown =>
      patched({ ...base, roles }, { op: 'remove', path: 'roles', value })['roles'];
    assert.deepEqual(left([7]), [roles[1]]);
    assert.deepEqual(left([{ value: '{"id":"1","value":"Admin","displayName":"A"}' }]), [roles[0]]);
    assert.deepEqual(left({ type: ['app'] }), [roles[0]]);
  });

  test('with an empty value it can mean all or none: 400', () => {
    for (const value of [null, ''])
      refused(400, 'invalidValue', /^emails: .*all or none/, { op: 'remove', path: 'emails', value });
    for (const value of [[null], true, [{}, true]])
      refused(400, 'invalidValue', /^emails/, { op: 'remove', path: 'emails', value });
    assert.equal('title' in patched({ ...base, title: 'x' }, { op: 'remove', path: 'title', value: null }), false);
  });
});

describe('RFC 7644 §3.5.2.3: replace', () => {
  test('a whole list', () => {
    assert.deepEqual(patched(base, { op: 'replace', path: 'emails', value: [home] })['emails'], [home]);
    assert.equal('emails' in patched(base, { op: 'replace', path: 'emails', value: [] }), false);
  });

  test('sub-attributes that are not given stay, those given empty go', () => {
    assert.deepEqual(patched(base, { op: 'replace', path: 'name', value: { familyName: 'Lovelace' } })['name'], {
      givenName: 'Ada',
      familyName: 'Lovelace',
    });
    assert.deepEqual(patched(base, { op: 'replace', value: { name: { familyName: '' } } })['name'], {
      givenName: 'Ada',
    });
  });

  test('elements that a filter matches are replaced whole; what the filter says of them stays', () => {
    const { emails } = patched(base, {
      op: 'replace',
      path: 'emails[type eq "work"]',
      value: { value: 'n@example.com' },
    });
    assert.deepEqual(emails, [{ value: 'n@example.com', type: 'work' }, home]);
  });

  test('a sub-attribute of all elements that match', () => {
    const { emails } = patched(base, { op: 'replace', path: 'emails.display', value: 'Ada' });
    assert.deepEqual(emails, [
      { ...work, display: 'Ada' },
      { ...home, display: 'Ada' },
    ]);
    assert.deepEqual(
      patched(base, { op: 'replace', path: 'emails[type eq "home"].primary', value: 'True' })['emails'],
      [
        { ...work, primary: false },
        { ...home, primary: true },
      ],
    );
  });

  test('of several elements that become primary the last one stays so', () => {
    const { emails } = patched(base, { op: 'add', path: 'emails.primary', value: true });
    assert.deepEqual(emails, [
      { ...work, primary: false },
      { ...home, primary: true },
    ]);
  });

  test('a filter that matches nothing makes the element of a canonical type', () => {
    const { phoneNumbers } = patched(base, {
      op: 'replace',
      path: 'phoneNumbers[type eq "Mobile"].value',
      value: '+41',
    });
    assert.deepEqual(phoneNumbers, [{ type: 'Mobile', value: '+41' }]);
    assert.deepEqual(
      patched(base, { op: 'add', path: 'addresses[type eq "work" and primary eq true]', value: { country: 'CH' } })[
        'addresses'
      ],
      [{ type: 'work', primary: true, country: 'CH' }],
    );
  });

  test('noTarget for a type that is not canonical, and for a filter that says no value', () => {
    refused(400, 'noTarget', /emails/, {
      op: 'replace',
      path: 'emails[type eq "pigeon"].value',
      value: 'x@example.com',
    });
    refused(400, 'noTarget', /emails/, { op: 'replace', path: 'emails[value sw "z"].display', value: 'x' });
    refused(400, 'noTarget', /emails/, {
      op: 'add',
      path: 'emails[type eq "other" or type eq "x"].value',
      value: 'x@example.com',
    });
  });

  test('nothing is cleared where nothing matches', () => {
    assert.deepEqual(patched(base, { op: 'replace', path: 'phoneNumbers[type eq "fax"].value', value: '' }), base);
  });
});

describe('attributes of an extension', () => {
  const employed: Json = {
    ...base,
    [ENTERPRISE_URN]: { department: 'IT', manager: { value: '7', displayName: 'Old', $ref: '../Users/7' } },
  };

  test('by URN path, by URN key, by the extension as a whole', () => {
    assert.deepEqual(
      patched(base, { op: 'add', path: `${ENTERPRISE_URN}:costCenter`, value: '4711' })[ENTERPRISE_URN],
      { costCenter: '4711' },
    );
    assert.deepEqual(
      patched(employed, { op: 'replace', path: ENTERPRISE_URN.toUpperCase(), value: { Division: 'D' } })[
        ENTERPRISE_URN
      ],
      {
        ...(employed[ENTERPRISE_URN] as Json),
        division: 'D',
      },
    );
    assert.deepEqual(
      patched(base, { op: 'replace', value: { [`${ENTERPRISE_URN}:manager.value`]: '8' } })[ENTERPRISE_URN],
      {
        manager: { value: '8' },
      },
    );
    assert.equal(ENTERPRISE_URN in patched(employed, { op: 'remove', path: ENTERPRISE_URN }), false);
    assert.equal(ENTERPRISE_URN in patched(employed, { op: 'replace', value: { [ENTERPRISE_URN]: null } }), false);
  });

  test('another manager takes away what described the old one, in whatever order it is written', () => {
    const manager = (value: unknown): unknown =>
      (patched(employed, { op: 'replace', path: 'manager', value })[ENTERPRISE_URN] as Json)['manager'];
    assert.deepEqual(manager('8'), { value: '8' });
    assert.deepEqual(manager({ displayName: 'New', value: '8' }), { value: '8', displayName: 'New' });
    assert.deepEqual(manager({ displayName: 'Renamed' }), { value: '7', displayName: 'Renamed', $ref: '../Users/7' });
    assert.equal(manager(''), undefined);
  });

  test('core attributes under the core URN', () => {
    assert.equal(patched(base, { op: 'replace', path: `${USER_URN}:title`, value: 'T' })['title'], 'T');
    assert.equal(patched(base, { op: 'replace', value: { [USER_URN]: { title: 'T' } } })['title'], 'T');
    assert.equal(patched(base, { op: 'replace', path: USER_URN, value: { title: 'T' } })['title'], 'T');
    assert.deepEqual(patched(base, { op: 'replace', value: { [`${USER_URN}:name.givenName`]: 'A' } })['name'], {
      givenName: 'A',
      familyName: 'King',
    });
  });
});

describe('URNs of drafts name the schemas that came of them', () => {
  const core = ['urn:scim:schemas:core:1.0', 'urn:scim:schemas:core:2.0', 'URN:scim:schemas:core:2.0:User'];
  const extension = ['urn:scim:schemas:extension:enterprise:1.0', 'urn:scim:schemas:extension:enterprise:2.0:User'];

  test('in paths and in keys', () => {
    for (const urn of core)
      for (const operation of [
        { op: 'replace', path: `${urn}:title`, value: 'T' },
        { op: 'replace', path: urn, value: { title: 'T' } },
        { op: 'add', value: { [`${urn}:title`]: 'T' } },
        { op: 'add', value: { [urn]: { title: 'T' } } },
      ])
        assert.equal(patched(base, operation)['title'], 'T', JSON.stringify(operation));
    for (const urn of extension)
      for (const operation of [
        { op: 'replace', path: `${urn}:department`, value: 'D' },
        { op: 'replace', path: urn, value: { department: 'D' } },
        { op: 'add', value: { [`${urn}:department`]: 'D' } },
        { op: 'add', value: { [urn]: { department: 'D' } } },
      ])
        assert.deepEqual(patched(base, operation)[ENTERPRISE_URN], { department: 'D' }, JSON.stringify(operation));
  });

  test('beside the real one, and beside attributes at the top: nothing is lost', () => {
    const value = {
      [String(extension[0])]: { department: 'D', division: 'old' },
      [ENTERPRISE_URN]: { division: 'V' },
      costCenter: 7,
    };
    const read = { department: 'D', division: 'V', costCenter: '7' };
    assert.deepEqual(patched(base, { op: 'add', value })[ENTERPRISE_URN], read);
  });
});

describe('RFC 7644 §3.5.2: what is refused', () => {
  test('read-only attributes by path; without a path they are passed over', () => {
    refused(400, 'mutability', /id is read-only/, { op: 'replace', path: 'id', value: 'x' });
    refused(400, 'mutability', /meta.created is read-only/, { op: 'replace', path: 'meta.created', value: 'x' });
    assert.deepEqual(
      patched(base, { op: 'replace', value: { id: 'x', meta: { created: 'x' }, schemas: [], groups: [] } }),
      base,
    );
    assert.deepEqual(
      patched(base, { op: 'add', path: 'groups', value: [] }, { op: 'remove', path: 'groups[value eq "1"]' }),
      base,
    );
  });

  test('paths, filters and values that are malformed', () => {
    refused(400, 'invalidPath', /na me/, { op: 'replace', path: 'na me', value: 'x' });
    refused(400, 'invalidPath', /title/, { op: 'replace', path: 'title[type eq "x"]', value: 'x' });
    refused(400, 'invalidPath', /path/, { op: 'replace', path: 7, value: 'x' });
    refused(400, 'invalidFilter', /filter/, { op: 'replace', path: 'emails[type eq].value', value: 'x' });
    refused(400, 'invalidFilter', /shoe/, { op: 'replace', path: 'emails[shoe eq "x"].value', value: 'x' });
    refused(400, 'invalidValue', /name.givenName must be a string, not a boolean/, {
      op: 'replace',
      path: 'name.givenName',
      value: true,
    });
    refused(400, 'invalidValue', /emails.value has 2 values where one is meant/, {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: ['x', 'y'],
    });
    refused(400, 'invalidValue', /active must be true or false/, { op: 'replace', path: 'active', value: 'perhaps' });
    refused(400, 'invalidValue', /userName is required/, { op: 'replace', path: 'userName', value: '' });
    refused(400, 'invalidValue', /name must be an object/, { op: 'replace', path: 'name', value: 'Ada' });
    refused(400, 'invalidValue', /value is missing/, { op: 'replace', path: 'title' });
  });

  test('operations that are none', () => {
    const syntax = (Operations: unknown): void =>
      assert.throws(() => readPatch({ Operations }, shape), { scimType: 'invalidSyntax' });
    syntax(undefined);
    syntax({ op: 'add' });
    syntax([{ op: 'move', path: 'title' }]);
    syntax([{ path: 'title', value: 'x' }]);
    syntax(Array.from({ length: 1001 }, () => ({ op: 'add', path: 'title', value: 'x' })));
    assert.throws(() => readPatch({ Operations: ['add'] }, shape), { scimType: 'invalidValue' });
  });
});

test('what stands in metadata may have been written by anybody: what is no element is passed over', () => {
  const odd: Json = { userName: 'ada', roles: ['x', null, { value: 'a' }], entitlements: 'x', [ENTERPRISE_URN]: 'x' };
  const after = patched(
    odd,
    { op: 'add', path: 'roles', value: { value: 'b', primary: true } },
    { op: 'replace', path: 'entitlements[value eq "x"].display', value: 'X' },
    { op: 'replace', path: 'manager', value: '7' },
  );
  assert.deepEqual(after, {
    userName: 'ada',
    roles: [{ value: 'a' }, { value: 'b', primary: true }],
    entitlements: [{ value: 'x', display: 'X' }],
    [ENTERPRISE_URN]: { manager: { value: '7' } },
  });
});

describe('what an edit tells the bridge', () => {
  test('touched: the attributes that are named, multi-valued and extension ones as a whole', () => {
    assert.deepEqual(touched({ op: 'replace', value: { active: 'False', name: { givenName: 'A' } } }), [
      'active',
      'name.givenName',
    ]);
    assert.deepEqual(touched({ op: 'add', path: 'emails[type eq "work"].value', value: 'x' }), ['emails']);
    assert.deepEqual(touched({ op: 'add', path: 'manager', value: '7' }), [`${ENTERPRISE_URN}:manager`]);
    assert.deepEqual(touched({ op: 'remove', path: 'name' }), ['name']);
    assert.deepEqual(touched({ op: 'add', path: 'shoeSize', value: 42 }), []);
  });

  test('a password is never part of the resource', () => {
    for (const operation of [
      { op: 'replace', path: 'password', value: 'secret' },
      { op: 'replace', value: { password: 'secret' } },
    ]) {
      const { apply, password, touched } = readPatch({ Operations: [operation] }, shape);
      assert.equal(password, 'secret');
      assert.deepEqual(touched, []);
      assert.deepEqual(apply(base), base);
    }
  });

  test('names of operations and members in any case', () => {
    const { apply } = readPatch({ operations: [{ OP: 'REPLACE', Path: 'TITLE', VALUE: 'x' }] }, shape);
    assert.equal(apply(base)['title'], 'x');
  });
});
