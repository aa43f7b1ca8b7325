import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { GroupMember, MemberOperation } from '../../src/bridge/requests/use-cases.ts';
import { BridgeError } from '../../src/errors.ts';
import { parseBody } from '../../src/scim/http/body.ts';
import { readGroupBody } from '../../src/scim/groups/group-body.ts';
import { readGroupPatch } from '../../src/scim/groups/group-patch.ts';
import { GROUP_URN } from './serve.ts';

const of = { id: 'g1', base: 'https://scim.example.com/scim/v2' };
const read = (...Operations: readonly unknown[]) => readGroupPatch({ Operations }, of);
const steps = (...Operations: readonly unknown[]): readonly MemberOperation[] => read(...Operations).members;
const add = (...ids: readonly string[]): MemberOperation => ({ kind: 'add', ids });
const remove = (...ids: readonly string[]): MemberOperation => ({ kind: 'remove', ids });
const replace = (...ids: readonly string[]): MemberOperation => ({ kind: 'replace', ids });

function refused(run: () => unknown, scimType: string, detail: RegExp): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof BridgeError);
    assert.deepEqual([error.status, error.scimType], [400, scimType], error.message);
    assert.match(error.message, detail);
    return true;
  });
}

describe('RFC 7644 §3.5.2: names', () => {
  test('a rename by path, with the URN, in any case, and without path', () => {
    for (const operation of [
      { op: 'replace', path: 'displayName', value: 'New' },
      { op: 'Add', path: 'DISPLAYNAME', value: 'New' },
      { op: 'Replace', path: `${GROUP_URN}:displayName`, value: 'New' },
      { op: 'replace', value: { displayName: 'New' } },
      { op: 'replace', value: { id: 'g1', displayName: 'New' } },
      { op: 'replace', value: { id: null, DisplayName: 'New', members: null, meta: {}, schemas: [], shoe: 1 } },
      { op: 'add', value: { [`${GROUP_URN}:displayName`]: 'New' } },
      { op: 'add', value: { [GROUP_URN]: { displayName: 'New' } } },
    ])
      assert.deepEqual(read(operation), { displayName: 'New', members: [] }, JSON.stringify(operation));
  });

  test('a rename sent along with membership changes', () => {
    assert.deepEqual(
      read(
        { op: 'replace', value: { id: 'g1', displayName: 'New' } },
        { op: 'remove', path: 'members[value eq "a"]' },
        { op: 'add', path: 'members', value: [{ value: 'b', display: 'B' }] },
      ),
      { displayName: 'New', members: [remove('a'), add('b')] },
    );
  });

  test('an id that is another one’s is 400 mutability that says so', () => {
    for (const operation of [
      { op: 'replace', value: { id: 'g2', displayName: 'New' } },
      { op: 'replace', path: 'id', value: 'g2' },
    ])
      refused(() => read(operation), 'mutability', /^id is not the id of the group in the URL/);
    assert.deepEqual(read({ op: 'replace', path: 'id', value: 'g1' }), { members: [] });
    refused(() => read({ op: 'replace', value: { id: 7 } }), 'invalidValue', /^id must be a string/);
    refused(() => read({ op: 'remove', path: 'id' }), 'mutability', /^id is read-only/);
  });

  test('displayName never goes', () => {
    refused(() => read({ op: 'remove', path: 'displayName' }), 'mutability', /^displayName is required/);
    for (const value of ['', '  ', null, []])
      refused(() => read({ op: 'replace', path: 'displayName', value }), 'invalidValue', /^displayName is required/);
    refused(() => read({ op: 'replace', value: { displayName: '' } }), 'invalidValue', /^displayName is required/);
    refused(
      () => read({ op: 'add', path: 'displayName', value: true }),
      'invalidValue',
      /^displayName must be a string/,
    );
    refused(
      () => read({ op: 'add', path: 'displayName', value: 'x'.repeat(1001) }),
      'invalidValue',
      /^displayName is longer/,
    );
  });

  test('externalId is set and cleared', () => {
    assert.equal(read({ op: 'add', path: 'externalId', value: 'x' }).externalId, 'x');
    assert.equal(read({ op: 'Replace', path: `${GROUP_URN}:externalid`, value: 'x' }).externalId, 'x');
    for (const operation of [
      { op: 'remove', path: 'externalId' },
      { op: 'replace', path: 'externalId', value: '' },
      { op: 'replace', value: { externalId: null } },
    ])
      assert.equal(read(operation).externalId, null);
    refused(() => read({ op: 'add', value: { externalId: {} } }), 'invalidValue', /^externalId must be a string/);
  });
});

describe('RFC 7644 §3.5.2: members', () => {
  test('every shape of an addition', () => {
    for (const operation of [
      { op: 'add', path: 'members', value: [{ value: 'a' }] },
      { op: 'Add', path: 'Members', value: { value: 'a', display: 'A', type: 'User', $ref: 'https://x/Users/z' } },
      { op: 'ADD', path: 'members', value: 'a' },
      { op: 'add', path: 'members', value: ['a', 'a'] },
      { op: 'add', path: 'members.value', value: 'a' },
      { op: 'add', path: `${GROUP_URN}:members`, value: [{ Value: 'a' }, { value: 'a', display: 'twin' }] },
      { op: 'add', value: { members: [{ value: 'a' }] } },
      { op: 'add', value: { [`${GROUP_URN}:members`]: [{ value: 'a' }] } },
      { op: 'add', path: 'members', value: [{ $ref: 'https://scim.example.com/scim/v2/Users/a' }] },
      { op: 'add', path: 'members', value: [{ value: null, $ref: '../Users/a?x=/y' }] },
      { op: 'add', path: 'members', value: [{ value: '', $ref: 'Users/%61' }] },
      { op: 'add', path: 'members', value: [{ $ref: 'https://scim.example.com/scim/v2/Users/a/#x' }] },
      { op: 'add', path: 'members[value eq "a"]', value: { display: 'A' } },
      { op: 'add', path: 'members[type eq "User"]', value: [{ value: 'a' }] },
    ])
      assert.deepEqual(steps(operation), [add('a')], JSON.stringify(operation));
    for (const value of [null, '', []]) assert.deepEqual(steps({ op: 'add', path: 'members', value }), []);
  });

  test('every shape of a removal', () => {
    for (const operation of [
      { op: 'remove', path: 'members[value eq "a"]' },
      { op: 'Remove', path: 'members[VALUE EQ "a"]' },
      { op: 'remove', path: `${GROUP_URN}:members[value eq "a"]` },
      { op: 'remove', path: 'members[value eq "a"].value' },
      { op: 'Remove', path: 'members', value: [{ value: 'a' }] },
      { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'a' }] },
      { op: 'remove', path: 'members', value: { value: 'a' } },
      { op: 'remove', path: 'members', value: 'a' },
      { op: 'remove', path: 'members', value: ['a'] },
      { op: 'replace', path: 'members[value eq "a"]', value: null },
    ])
      assert.deepEqual(steps(operation), [remove('a')], JSON.stringify(operation));
    assert.deepEqual(steps({ op: 'remove', path: 'members[value eq "a" or value eq "b"]' }), [remove('a', 'b')]);
    assert.deepEqual(steps({ op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } }), [
      remove('a'),
      add('b'),
    ]);
    // nobody is taken off to be added again
    assert.deepEqual(steps({ op: 'replace', path: 'members[value eq "a"]', value: [{ value: 'a', display: 'A' }] }), [
      add('a'),
    ]);
  });

  test('a removal without a value empties, one of nobody does nothing', () => {
    assert.deepEqual(steps({ op: 'remove', path: 'members' }), [replace()]);
    const empty = { op: 'Remove', path: 'members', value: null };
    refused(() => read(empty), 'invalidValue', /^members: .*all or none/);
    assert.deepEqual(steps({ op: 'Remove', path: 'members', value: [] }), []);
  });

  test('members in forms that have one meaning', () => {
    const id = '400559977632107558';
    for (const value of [
      'a',
      ['a'],
      [['a']],
      { value: 'a' },
      [{ value: ['a'] }],
      [{ value: { value: 'a', $ref: null } }],
      ['{"value":"a"}'],
      '[{"value":"a"}]',
    ]) {
      assert.deepEqual(steps({ op: 'add', path: 'members', value }), [add('a')], JSON.stringify(value));
      assert.deepEqual(steps({ op: 'replace', value: { members: value } }), [replace('a')]);
      assert.deepEqual(steps({ op: 'replace', value: JSON.stringify({ members: value }) }), [replace('a')]);
      assert.deepEqual(steps({ op: 'remove', path: 'members', value }), [remove('a')]);
    }
    assert.deepEqual(steps({ op: 'add', path: 'members', value: [7] }), [add('7')]);
    for (const path of [`members[value eq ${id}]`, `members[value eq '${id}']`])
      assert.deepEqual(steps({ op: 'remove', path }), [remove(id)]);
  });

  test('no operation is no change', () => assert.deepEqual(read(), { members: [] }));

  test('a replacement by a list, by nobody, and with null where it is a wish', () => {
    assert.deepEqual(steps({ op: 'replace', path: 'members', value: [{ value: 'a' }, { value: 'b' }] }), [
      replace('a', 'b'),
    ]);
    assert.deepEqual(steps({ op: 'replace', value: { members: [{ value: 'a' }] } }), [replace('a')]);
    for (const operation of [
      { op: 'replace', path: 'members', value: [] },
      { op: 'replace', path: 'members', value: null },
      { op: 'Replace', value: { members: [] } },
    ])
      assert.deepEqual(steps(operation), [replace()]);
    assert.deepEqual(steps({ op: 'replace', value: { displayName: 'New', members: null } }), []);
  });

  test('a filter that asks for more than ids is tried on members as they are shown', () => {
    const ada: GroupMember = { id: 'a', display: 'Ada', type: 'User' };
    const staff: GroupMember = { id: 'b', display: null, type: 'Group' };
    for (const [filter, matches] of [
      ['display eq "ADA"', [true, false]],
      ['type eq "Group"', [false, true]],
      ['not (display pr)', [false, true]],
      ['value eq "a" and type eq "User"', [true, false]],
      ['$ref eq "https://scim.example.com/scim/v2/Groups/b"', [false, true]],
    ] as const) {
      const [step, ...more] = steps({ op: 'remove', path: `members[${filter}]` });
      assert.ok(step?.kind === 'removeWhere' && more.length === 0, filter);
      assert.deepEqual([step.match(ada), step.match(staff)], matches, filter);
    }
  });

  test('what is ours to tell of a member is passed over', () => {
    assert.deepEqual(
      steps(
        { op: 'replace', path: 'members[value eq "a"].display', value: 'A' },
        { op: 'remove', path: 'members.$ref' },
        { op: 'add', path: 'members[value eq "a"].type', value: 'User' },
        { op: 'add', path: 'shoes', value: 1 },
      ),
      [],
    );
    refused(
      () => steps({ op: 'replace', path: 'members[value eq "a"].value', value: 'b' }),
      'mutability',
      /^members\.value cannot be changed/,
    );
  });

  test('order is kept, neighbours become one step, a replacement makes what was before it moot', () => {
    const each = (op: string, id: string) => ({ op, path: 'members', value: [{ value: id }] });
    assert.deepEqual(steps(each('add', 'a'), each('add', 'b'), each('remove', 'a'), each('add', 'a')), [
      add('a', 'b'),
      remove('a'),
      add('a'),
    ]);
    assert.deepEqual(steps(each('add', 'a'), each('replace', 'b'), each('add', 'c'), each('add', 'b')), [
      replace('b', 'c'),
    ]);
  });

  test('a thousand operations with one member each are two steps; 20,000 members are the end', () => {
    const ids = Array.from({ length: 1500 }, (_, index) => `u${index}`);
    assert.deepEqual(
      steps(
        ...ids.map((id) => ({ op: 'Remove', path: `members[value eq "${id}"]` })),
        ...ids.map((id) => ({ op: 'Add', path: 'members', value: [{ value: id }] })),
      ),
      [remove(...ids), add(...ids)],
    );
    const many = Array.from({ length: 20_000 }, (_, index) => ({ value: `u${index}` }));
    assert.equal(steps({ op: 'add', path: 'members', value: many }).length, 1);
    for (const more of [
      [{ op: 'add', path: 'members', value: [...many, { value: 'x' }] }],
      [
        { op: 'add', path: 'members', value: many },
        { op: 'remove', path: 'members[value eq "x"]' },
      ],
    ])
      refused(() => steps(...more), 'invalidValue', /^members: more than 20000/);
    refused(
      () => steps(...Array.from({ length: 20_001 }, () => ({ op: 'remove', path: 'members' }))),
      'invalidSyntax',
      /20000 operations/,
    );
  });
});

describe('RFC 7644 §3.12: what is no PATCH of a group', () => {
  test('members that name nobody: a replacement by them would take away everybody', () => {
    for (const [value, detail] of [
      [[{}], /^members\.value is missing/],
      [[{ value: null }], /^members\.value is missing/],
      [[{ value: ' ' }], /^members\.value is missing/],
      [[{ display: 'Ada' }], /^members\.value is missing/],
      [[{ $ref: 'https://scim.example.com/scim/v2/Users/' }], /^members\.value is missing/],
      [[''], /^members\.value is missing/],
      [[{ value: true }], /^members\.value must be a string, not a boolean/],
      [[{ value: ['a', 'b'] }], /^members\.value must be a string, not an array/],
      [[{ value: Number('400559977632107558') }], /^members\.value must be a string, not a number/],
      [[{ value: '', $ref: 7 }], /^members\.\$ref must be a string/],
      [[{ $ref: '/Users/%' }], /^members\.\$ref is not a URL, it is not percent-encoded UTF-8/],
      [[{ $ref: '/Users/a%00' }], /^members\.\$ref is not a URL, it holds a NUL/],
      [[{ $ref: '/Users/%FF' }], /^members\.\$ref is not a URL/],
      [[{ $ref: 'https://scim.example.com/scim/v2/Users' }], /^members\.value is missing/],
      [[null], /^members must be objects/],
      [[['a', 'b']], /^members must be objects/],
      [true, /^members must be objects/],
      [[{ value: 'x'.repeat(201) }], /^members\.value is longer/],
    ] as const)
      for (const op of ['add', 'replace', 'remove'])
        refused(() => steps({ op, path: 'members', value }), 'invalidValue', detail);
    refused(() => steps({ op: 'remove', path: 'members', value: '' }), 'invalidValue', /^members\.value is missing/);
  });

  test('operations, paths and filters that are none', () => {
    refused(() => readGroupPatch({ Operations: 'x' }, of), 'invalidSyntax', /^Operations/);
    refused(() => read(7), 'invalidValue', /^Operations\.0 must be an object/);
    refused(() => read({ op: 'move', path: 'members' }), 'invalidSyntax', /^Operations\.0\.op/);
    refused(() => read({ op: 'add', path: 7, value: 1 }), 'invalidPath', /^Operations\.0\.path/);
    refused(() => read({ op: 'add', path: 'members' }), 'invalidValue', /^Operations\.0\.value/);
    refused(() => read({ op: 'remove', value: { members: [{ value: 'a' }] } }), 'noTarget', /path/);
    refused(() => read({ op: 'add', value: [{ value: 'a' }, {}] }), 'invalidValue', /^value must be an object/);
    refused(() => read({ op: 'remove', path: 'members[value eq a b]' }), 'invalidFilter', /./);
    refused(() => read({ op: 'remove', path: 'members[shoe eq "a"]' }), 'invalidFilter', /shoe/);
    refused(() => read({ op: 'remove', path: 'members[value eq "a"' }), 'invalidPath', /members/);
    refused(() => read({ op: 'remove', path: 'displayName[value eq "a"]' }), 'invalidPath', /displayName/);
    refused(() => read({ op: 'replace', path: 'meta.created', value: 'x' }), 'mutability', /^meta is read-only/);
    for (const path of ['__proto__', 'members[__proto__ eq "x"]', 'constructor.prototype', '..', 'a..b'])
      refused(() => read({ op: 'remove', path }), 'invalidPath', /^path/);
    const wide = `members[${Array(150)
      .fill(`display eq "${'x'.repeat(30)}"`)
      .join(' or ')}]`;
    refused(() => read({ op: 'remove', path: wide }, { op: 'remove', path: wide }), 'invalidSyntax', /filters/);
  });

  test('whatever a body holds, it is read or refused, and no prototype changes', () => {
    const untouched = Object.getOwnPropertyNames(Object.prototype).join();
    const anything = fc.anything({ withNullPrototype: true });
    const names = ['__proto__', 'id', 'members', 'displayName', 'externalId', 'value', '$ref', 'op', 'path', GROUP_URN];
    const object = fc.dictionary(fc.constantFrom(...names), anything);
    const path = fc.constantFrom('members', 'members[value eq "a"]', 'members.value', 'displayName', 'id', '');
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'Replace', 'remove'),
        path: fc.oneof(path, anything),
        value: fc.oneof(object, fc.array(object), anything),
      },
      { requiredKeys: ['op'] },
    );
    const orRefused = (run: () => unknown): void => {
      try {
        run();
      } catch (error) {
        if (!(error instanceof BridgeError) || error.status < 400 || error.status >= 500) throw error;
      }
    };
    fc.assert(
      fc.property(fc.oneof(fc.record({ Operations: fc.array(operation) }), object, anything), (value) => {
        orRefused(() => {
          const plain = (_key: string, each: unknown) => (typeof each === 'bigint' ? Number(each) : each);
          const body = parseBody(new TextEncoder().encode(JSON.stringify(value, plain) ?? ''));
          orRefused(() => readGroupBody(body, () => undefined));
          const change = readGroupPatch(body, of);
          for (const step of change.members)
            if ('ids' in step) for (const id of step.ids) assert.ok(typeof id === 'string' && id.trim() !== '');
        });
      }),
      { numRuns: 1500 },
    );
    assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), untouched);
  });
});
