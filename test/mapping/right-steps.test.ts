import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rightSteps } from '../../src/mapping/right-steps.ts';
import type { Rights } from '../../src/mapping/rights.ts';
import { createsOf, wanted } from '../../src/mapping/rules/rules.ts';
import { arbitraryMemberships, arbitraryRights, arbitrarySet, stepped } from './rules-world.ts';

const creates = (): readonly string[] => [];
const all = (held: Rights, to: Rights) => {
  const { take, give } = rightSteps(held, to, creates);
  return [...take, ...give];
};
const roles = (rights: Rights) => ({
  org: rights.org,
  projects: new Map([...rights.projects].map(([project, one]) => [project, one.roles])),
});

test('nothing differs, no steps', () => {
  fc.assert(fc.property(arbitraryRights, (held) => assert.deepEqual(all(held, held), [])));
});

test('the steps end in what is wanted, also when they are cut short and planned again', () => {
  fc.assert(
    fc.property(arbitraryRights, arbitraryRights, fc.array(fc.nat(3), { maxLength: 3 }), (held, to, cuts) => {
      let now = held;
      for (const cut of cuts) now = all(now, to).slice(0, cut).reduce(stepped, now);
      now = all(now, to).reduce(stepped, now);
      assert.deepEqual(roles(now), roles(to));
      assert.deepEqual(all(now, to), []);
    }),
    { numRuns: 1000 },
  );
});

test('done, the rules in force want nothing more', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, memberships) => {
      const to = wanted(set, held, memberships);
      const now = all(held, to).reduce(stepped, held);
      assert.equal(wanted(set, now, memberships), now);
    }),
    { numRuns: 1000 },
  );
});

test('only a step of take takes a role away, and each does or deletes an entry', () => {
  fc.assert(
    fc.property(arbitraryRights, arbitraryRights, (held, to) => {
      const { take, give } = rightSteps(held, to, creates);
      const before = ({ right }: (typeof take)[number]) =>
        right?.project === undefined ? held.org : (held.projects.get(right.project)?.roles ?? []);
      const lost = (step: (typeof take)[number]) => before(step).filter((role) => !step.right?.roles.includes(role));
      for (const step of give) assert.deepEqual(lost(step), []);
      for (const step of take) assert.ok(lost(step).length > 0 || step.call === 'DeleteAuthorization', step.call);
    }),
  );
});

test('one call for each entry, with all it needs', () => {
  const held: Rights = {
    org: ['ORG_OWNER_VIEWER'],
    projects: new Map([
      ['p1', { id: 'a1', roles: ['editor'] }],
      ['p2', { id: null, roles: ['reader'] }],
      ['p3', { id: 'a3', roles: ['reader'] }],
    ]),
  };
  const to: Rights = {
    org: [],
    projects: new Map([
      ['p1', { id: 'a1', roles: ['editor', 'Sales'] }],
      ['p2', { id: null, roles: ['editor'] }],
      ['p4', { id: null, roles: ['reader'] }],
    ]),
  };
  assert.deepEqual(
    rightSteps(held, to, (project) => (project === 'p1' ? ['Sales', 'Support'] : [])),
    {
      take: [
        {
          call: 'DeleteAdministrator',
          set: {},
          right: { roles: [] },
          names: ['right:org'],
          after: { 'right:org': null },
        },
        {
          call: 'UpdateAuthorization',
          set: {},
          right: { project: 'p2', roles: ['editor'] },
          names: ['right:project:p2'],
          after: { 'right:project:p2': '{"id":null,"roles":["editor"]}' },
        },
        {
          call: 'DeleteAuthorization',
          set: {},
          right: { project: 'p3', authorization: 'a3', roles: [] },
          names: ['right:project:p3'],
          after: { 'right:project:p3': null },
        },
      ],
      give: [
        {
          call: 'UpdateAuthorization',
          set: {},
          right: { project: 'p1', authorization: 'a1', roles: ['editor', 'Sales'], creates: ['Sales'] },
          names: ['right:project:p1'],
          after: { 'right:project:p1': '{"id":"a1","roles":["editor","Sales"]}' },
        },
        {
          call: 'CreateAuthorization',
          set: {},
          right: { project: 'p4', roles: ['reader'] },
          names: ['right:project:p4'],
          after: { 'right:project:p4': '{"id":null,"roles":["reader"]}' },
        },
      ],
    },
  );
});

test('an authorization without roles is deleted among what is taken away', () => {
  const held: Rights = { org: [], projects: new Map([['p1', { id: 'a1', roles: [] }]]) };
  const { take, give } = rightSteps(held, { org: [], projects: new Map() }, creates);
  assert.deepEqual([take.map((step) => step.call), give], [['DeleteAuthorization'], []]);
});

test('the first role in the organization makes an administrator, another one changes it', () => {
  const org = (...names: string[]): Rights => ({ org: names, projects: new Map() });
  const call = (from: Rights, to: Rights) => all(from, to).map((step) => [step.call, step.right?.roles, step.after]);
  assert.deepEqual(call(org(), org('A')), [['CreateAdministrator', ['A'], { 'right:org': '["A"]' }]]);
  assert.deepEqual(call(org('A'), org('A', 'B')), [['UpdateAdministrator', ['A', 'B'], { 'right:org': '["A","B"]' }]]);
});

test('only roles that rules may make and the step carries are made', () => {
  fc.assert(
    fc.property(arbitrarySet, arbitraryRights, arbitraryMemberships, (set, held, memberships) => {
      const { take, give } = rightSteps(held, wanted(set, held, memberships), (project) => createsOf(set, project));
      for (const { right } of [...take, ...give])
        for (const role of right?.creates ?? []) assert.ok(right?.roles.includes(role), role);
    }),
  );
});
